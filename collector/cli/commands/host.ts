// selvage host: the machines, what is known of them, and the end of trust in one.
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import type { Command } from 'commander';
import { hostHistory } from '../../api/contract/history.ts';
import { importDetail, imports } from '../../api/contract/imports.ts';
import { hostDetail, readmitted, results } from '../../api/contract.ts';
import { added } from '../../api/selecting.ts';
import { type AllHosts, allHosts } from '../all-hosts.ts';
import { type Cli, openSession } from '../cli.ts';
import { showLately } from '../history-page.ts';
import { showHost } from '../host-page.ts';
import { HAS_HELP, RUNNING_HELP, showHunt } from '../hunt-page.ts';
import { importedRow, showImport } from '../imported-page.ts';
import { showLabels } from '../labels.ts';
import { durationOption, pathWith, selectOption } from '../options.ts';
import { plural } from '../plural.ts';
import { showSelection } from '../selection-lines.ts';
import { at, since } from '../when.ts';
import { addHostChanges } from './host-changes.ts';
import { addHostHistory, listChangedOutside, OUTSIDE_SINCE } from './host-history.ts';
import { addHostImport } from './host-import.ts';

interface ListOptions {
  readonly all?: boolean;
  readonly labels?: boolean;
  readonly json?: boolean;
  readonly select?: string;
  readonly changedOutside?: string | true;
  readonly has?: string;
  readonly running?: boolean;
}

/** Events on the page of a host; `host history` has them all. */
const SOME_EVENTS = 8;

type HostRow = AllHosts['hosts'][number];

export function addHost(program: Command, cli: Cli): void {
  const noun = program.command('host').description('managed machines');

  selectOption(noun.command('list'))
    .description('hosts with pending updates; ? means unknown, which is not 0')
    .option('--all', 'revoked and retired ones too')
    .option('--has <text>', HAS_HELP)
    .option('--running', RUNNING_HELP)
    .option('--labels', 'owner and labels instead of updates, by who says them')
    .option(
      '--changed-outside [since]',
      'only those that something else than Selvage has changed, in the last 7d or as given',
      durationOption,
    )
    .option('--json', 'print one JSON document')
    .action((options: ListOptions) => list(cli, options));

  noun
    .command('show')
    .description('one host: inventory, package lists, pending updates, last results')
    .argument('<host>', 'name or id')
    .option('--json', 'print one JSON document')
    .action((host: string, options: { json?: boolean }) => show(cli, host, options));

  noun
    .command('readmit')
    .description('let in a host that was away for too long or is quarantined, to renew its certificate within a day')
    .argument('<host>', 'name or id')
    .option('--machine <id>', 'which machine it is, when its identity was seen on two (see: host show)')
    .action((host: string, options: { machine?: string }) => readmit(cli, host, options));

  addHostChanges(noun, cli);
  addHostImport(noun, cli);
  addHostHistory(noun, cli);
}

async function readmit(cli: Cli, host: string, options: { machine?: string }): Promise<void> {
  const { client } = await openSession(cli);
  const path = `/v1/hosts/${encodeURIComponent(host)}/readmit`;
  const { name, until } = await client.post(
    path,
    options.machine === undefined ? {} : { machine: options.machine },
    readmitted,
  );
  cli.screen.line(`host ${name} may renew its certificate until ${at(until, cli)}`, 'good');
  cli.screen.note('note: any certificate that this host ever had opens the door until then, for that renewal only');
}

async function list(cli: Cli, options: ListOptions): Promise<void> {
  const { changedOutside, select, json } = options;
  if (options.running === true && options.has === undefined) {
    throw new CodedError('USAGE', '--running asks of what --has names', {
      next: "selvage host list --has 'NAME VERSIONS' --running",
    });
  }
  if (changedOutside !== undefined) {
    const since = changedOutside === true ? OUTSIDE_SINCE : changedOutside;

    return listChangedOutside(cli, { since, select, json });
  }
  const { client } = await openSession(cli);
  const state = options.all === true ? 'all' : undefined;
  const asked = { select, has: options.has, running: options.running === true ? 'true' : undefined };
  const [answer, brought] = await Promise.all([
    allHosts(client, { state, ...asked }),
    client.get(pathWith('/v1/imports', asked), imports),
  ]);
  const { imports: imported, selection: ofImports } = brought;
  if (options.json === true) {
    const rows = answer.hosts.map(({ cannotRead: _, ...row }) => row);

    return cli.screen.json({ ...answer, hosts: rows, imported, huntOfImported: brought.hunt });
  }
  if (options.has !== undefined) return showHunt(cli, answer, brought, options.running === true);

  const unknown = answer.hosts.filter((host) => host.state === 'active' && host.upgradable === null);
  const files = imported.length === 0 ? '' : ` · ${imported.length} imported by file`;
  cli.screen.line(
    `${plural(answer.hosts.length, 'host')}   ${headline(answer.hosts, unknown.length)}${files}`,
    'strong',
  );
  showSelection(cli.screen, added(answer.selection, ofImports), 'hosts');
  for (const { id, address } of answer.notInDatabase) {
    cli.screen.line(`! host ${id} at ${address} has a certificate of this collector but is not in its database`, 'bad');
    cli.screen.line(
      '  next: ask selvage-agent status there for its name; selvage token create --host NAME; enroll it anew',
    );
  }
  if (answer.hosts.length + imported.length === 0) {
    if (answer.selection === null) cli.screen.line('next: selvage token create --host NAME');

    return;
  }
  if (options.labels === true) return showLabels(cli.screen, answer.hosts, imported);
  cli.screen.table(
    [
      { title: 'HOST', shrinks: true },
      { title: 'OS', shrinks: true },
      { title: 'MODE' },
      { title: 'LINK' },
      { title: 'SEEN' },
      { title: 'UPDATES', align: 'right' },
      { title: 'SECURITY', align: 'right' },
      { title: 'REBOOT' },
    ],
    [
      ...answer.hosts.map((host) => [
        host.name,
        host.os ? `${host.os.id} ${host.os.version}`.trim() : null,
        host.mode,
        linkOf(host),
        since(host.lastSeen, cli),
        host.upgradable,
        host.security,
        host.rebootRequired === null ? null : host.rebootRequired ? 'yes' : 'no',
      ]),
      ...imported.map((host) => importedRow(cli, host)),
    ],
  );
  for (const { name, quarantine } of answer.hosts) {
    if (quarantine) cli.screen.line(`! ${name}: quarantined (${quarantine.reason}): selvage host show ${name}`, 'bad');
  }
  const pending = answer.hosts.filter(({ state }) => state === 'pending');
  if (pending.length > 0) {
    cli.screen.line(
      `! ${pending.length} pending: selvage host accept NAME, or --select 'state=pending' --dry-run`,
      'bad',
    );
  }
  for (const host of unknown) cli.screen.line(`? ${host.name}: ${host.unknown.join('; ')}`, 'bad');
}

function linkOf(host: HostRow): string {
  if (host.state !== 'active') return host.state;
  if (host.quarantine) return 'quarantine';

  return host.connected ? 'up' : 'down';
}

function headline(all: readonly HostRow[], unknown: number): string {
  const active = all.filter(({ state }) => state === 'active');
  const known = active.filter(({ upgradable }) => upgradable !== null);
  const behind = known.filter(({ upgradable }) => (upgradable ?? 0) > 0).length;

  return `${active.filter(({ connected }) => connected).length} connected · ${behind} of ${known.length} known have updates · ${unknown} unknown`;
}

async function show(cli: Cli, host: string, options: { json?: boolean }): Promise<void> {
  const { client } = await openSession(cli);
  const path = `/v1/hosts/${encodeURIComponent(host)}`;
  const detail = await client.get(path, hostDetail).catch(async (error: unknown) => {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
    // A machine without an agent goes by its name only; when there is none either, the first answer says so.
    const imported = await client.get(`/v1/imports/${encodeURIComponent(host)}`, importDetail).catch(() => null);
    if (imported === null) throw error;

    return imported;
  });
  if ('asOf' in detail) return options.json === true ? cli.screen.json({ imported: detail }) : showImport(cli, detail);

  const [done, history] = await Promise.all([
    client.get(`${path}/results?limit=10`, results),
    client.get(`${path}/history?limit=${SOME_EVENTS}`, hostHistory),
  ]);
  if (options.json === true) return cli.screen.json({ host: detail, results: done.results, history: history.events });

  showHost(cli, detail, done.results);
  showLately(cli, history);
}
