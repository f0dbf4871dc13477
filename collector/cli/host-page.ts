// One host on one page: what needs a person first, then what it is, what it misses and what was done.
import { formatDuration } from '@selvage/shared/time/duration.ts';
import type { z } from 'zod';
import type { hostDetail, results } from '../api/contract.ts';
import type { Cli } from './cli.ts';
import { otherUpdaters, updaterTrouble } from './updaters-page.ts';
import { ago, since } from './when.ts';

type Detail = z.output<typeof hostDetail>;
type Done = z.output<typeof results>['results'];

const SOME_UPDATES = 20;
/** A clock that is wrong by so much is a person's business: windows and dates of certificates depend on it. */
const CLOCK_WRONG_MS = 5 * 60_000;
const WHY_QUARANTINED = {
  cloned: 'two machines use this identity',
  superseded: 'a certificate that was replaced is in use: somebody has a copy',
} as const;

export function showHost(cli: Cli, host: Detail, done: Done): void {
  const { screen } = cli;
  screen.line(
    `${host.name}   ${host.state} · ${host.connected ? 'connected' : 'not connected'} · mode ${host.mode}`,
    'strong',
  );
  for (const sentence of [...identityTrouble(host, cli), ...updaterTrouble(host, cli), ...needsAPerson(host)])
    screen.line(`  ${sentence}`, 'bad');

  const facts: readonly (readonly [string, string])[] = [
    ['id', host.id],
    [
      'connected',
      host.connectedSince === null
        ? `no, last seen ${ago(host.lastSeen, cli)}`
        : `since ${ago(host.connectedSince, cli)}`,
    ],
    ['policies', policiesOf(host)],
    ['next window', nextWindow(host, cli)],
    [
      'waits',
      host.plan.waiting.length === 0
        ? 'for nothing that it told of'
        : `for ${host.plan.waiting.length} approved fixes, below`,
    ],
    ['system', host.os?.prettyName ?? 'unknown'],
    ['kernel', host.kernel ? `${host.kernel.running} running, ${list(host.kernel.installed)} installed` : 'unknown'],
    ['inventory', ago(host.inventoryAt, cli)],
    ['package lists', `as of ${ago(host.packageLists.asOf, cli)}`],
    ['packages', count(host.packages)],
    [
      'updates',
      `${count(host.upgradable)} (security ${count(host.security)}, held ${count(host.held)}, phased ${count(host.phased)})`,
    ],
    ['old code runs', stale(host)],
    ...otherUpdaters(host, cli),
    ['labels', labels(host.labels)],
    ['  signed', labels(host.signedLabels)],
    ['  by the collector', labels(host.collectorLabels)],
    ['owner', host.owner ?? 'none'],
    ['came by', host.token === null ? 'a token from before these were kept' : `token ${host.token}`],
    ['agent', `${host.agentVersion ?? 'unknown'}, seen ${since(host.lastSeen, cli)}`],
    ['address', host.lastAddress ?? 'unknown'],
    ['machine', host.machineId],
    [
      'certificate',
      `until ${ago(host.certificateExpires, cli)}${host.nextCertificateExpires === null ? '' : ', the next one is given out'}`,
    ],
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  for (const [name, value] of facts) screen.line(`  ${name.padEnd(width)}  ${value}`);

  showWaiting(cli, host);
  showPending(cli, host);
  showResults(cli, done);
}

function policiesOf({ plan }: Detail): string {
  const maybe = plan.policiesUnknown.length === 0 ? '' : `; not known whether: ${list(plan.policiesUnknown)}`;

  return `${plan.policies.length === 0 ? 'none selects it' : plan.policies.join(', ')}${maybe}`;
}

function nextWindow({ plan }: Detail, cli: Cli): string {
  if (plan.windowProblem !== null) return `unknown: ${plan.windowProblem}`;
  if (plan.nextWindow === null) return 'none';
  const { window, opens, closes } = plan.nextWindow;
  const open = Temporal.Instant.compare(Temporal.Instant.from(opens), cli.clock.now()) <= 0;

  return open ? `${window} is open until ${ago(closes, cli)}` : `${window} opens ${ago(opens, cli)}`;
}

/** In the host's own words, as its runner signed them. */
function showWaiting(cli: Cli, { plan }: Detail): void {
  if (plan.waiting.length === 0) return;
  cli.screen.line();
  cli.screen.table(
    [{ title: 'WAITS' }, { title: 'FIX', shrinks: true }, { title: 'SINCE' }, { title: 'WHY', shrinks: true }],
    plan.waiting.map(({ outcome, fix, since: at, code, why }) => [
      outcome,
      fix,
      since(at, cli),
      code === null ? '' : `${code}: ${why ?? ''}`,
    ]),
  );
}

/** The door is opened for a host that waits at it; for a copy of one that goes on, it would be opened to the copy. */
function afterKnock({ name, knock, quarantine }: Detail): string {
  if (knock?.code === 'HOST_AWAY_TOO_LONG')
    return `: selvage host readmit ${name}, once you know that it is where it belongs`;

  return quarantine ? '' : ': by a copy of its identity; readmit nothing, find the machine or disk that has it';
}

/** Whether it counts at all, and whose place it has. */
function standing({ name, state, sameMachineAs, replaces, replacedBy }: Detail): string[] {
  return [
    ...(state === 'pending'
      ? [
          `PENDING  it gets no policy and counts nowhere; next: selvage host accept ${name}, or: selvage host revoke ${name}`,
        ]
      : []),
    ...(sameMachineAs.length > 0
      ? [
          `SAME MACHINE  as ${sameMachineAs.join(', ')}, by its machine id: a copied disk, or one machine enrolled twice`,
        ]
      : []),
    ...(replaces === null ? [] : [`it took the place of ${replaces}: selvage host show ${replaces}`]),
    ...(replacedBy === null ? [] : [`its place was taken by ${replacedBy}: selvage host show ${replacedBy}`]),
  ];
}

/** What is wrong with who it is, each with what to do. */
function identityTrouble(host: Detail, cli: Cli): string[] {
  const { quarantine, knock, readmit, clockSkewMs } = host;

  return [
    ...standing(host),
    ...(quarantine
      ? [
          `QUARANTINED  ${WHY_QUARANTINED[quarantine.reason]} (${ago(quarantine.at, cli)})`,
          ...quarantine.machines.map((machine, index) => `  machine ${machine}${index === 0 ? ' (enrolled)' : ''}`),
          `  from ${quarantine.addresses.join(', then ')}`,
          `  next: selvage host readmit ${host.name}${quarantine.machines.length > 1 ? ' --machine ID' : ''}, or: selvage host revoke ${host.name}`,
        ]
      : []),
    ...(knock ? [`REFUSED  ${knock.code} from ${knock.address}, ${ago(knock.at, cli)}${afterKnock(host)}`] : []),
    ...(readmit ? [`READMITTED  it may renew its certificate until ${ago(readmit.until, cli)}`] : []),
    ...(clockSkewMs !== null && Math.abs(clockSkewMs) >= CLOCK_WRONG_MS
      ? [`CLOCK_WRONG  its clock is ${formatDuration(Math.abs(clockSkewMs))} ${clockSkewMs < 0 ? 'behind' : 'ahead'}`]
      : []),
  ];
}

function needsAPerson(host: Detail): string[] {
  return [
    ...host.unknown.map((reason) => `UNKNOWN  ${reason}`),
    ...host.problems.map(({ section, code, reason }) => `${section}: ${code}: ${reason}`),
    ...(host.rebootRequired === true ? [`REBOOT   ${host.rebootReasons.join('; ') || 'required'}`] : []),
  ];
}

function showPending(cli: Cli, host: Detail): void {
  if (!host.pending || host.pending.length === 0) return;

  const security = host.pending.toSorted((a, b) => Number(b.security) - Number(a.security));
  cli.screen.line();
  cli.screen.table(
    [
      { title: 'PACKAGE', shrinks: true },
      { title: 'INSTALLED', shrinks: true },
      { title: 'CANDIDATE', shrinks: true },
      { title: 'WHY' },
    ],
    security
      .slice(0, SOME_UPDATES)
      .map((update) => [
        update.name,
        update.installed,
        update.candidate,
        [
          update.security ? 'security' : '',
          update.held ? 'held' : '',
          update.phased === null ? '' : `phased ${update.phased} %`,
        ]
          .filter((part) => part !== '')
          .join(', '),
      ]),
  );
  if (security.length > SOME_UPDATES) {
    cli.screen.line(`... ${security.length - SOME_UPDATES} more: selvage host show ${host.name} --json`, 'dim');
  }
}

function showResults(cli: Cli, done: Done): void {
  if (done.length === 0) return;
  cli.screen.line();
  cli.screen.table(
    [{ title: 'RESULT' }, { title: 'FIX', shrinks: true }, { title: 'WHEN' }, { title: 'WHY', shrinks: true }],
    done.map(({ result }) => [
      result.outcome,
      `${result.fix.source}@${result.fix.version}`,
      since(result.finishedAt, cli),
      result.problem === null ? 'proven by inventory' : `${result.problem.code}: ${result.problem.message}`,
    ]),
  );
}

function count(value: number | null): string {
  return value === null ? '?' : value.toLocaleString('en-US');
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

function stale(host: Detail): string {
  if (host.staleProcesses === null) return '?';

  return `${host.staleProcesses} processes${host.staleProcessesComplete === true ? '' : ' at least (the agent may not see all)'}`;
}

function labels(named: Detail['labels']): string {
  if (named === null) return '?';

  return list(Object.entries(named).map(([name, values]) => `${name}=${values.join('|')}`));
}
