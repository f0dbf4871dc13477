// Machines that are known from a file: what was imported just now, rows for the list of hosts, and one of them on one page.
import type { z } from 'zod';
import type { importDetail, imported, importedHost } from '../api/contract/imports.ts';
import type { Cli } from './cli.ts';
import type { Cell } from './screen.ts';
import { ago, at, since } from './when.ts';

type ImportedHost = z.output<typeof importedHost>;
type ImportDetail = z.output<typeof importDetail>;
type Answer = z.output<typeof imported>;

const MAX_SHOWN = 20;
const WHOSE = {
  machine: "by the machine's own clock",
  file: 'by the date of the file',
  import: 'as of its import',
} as const;

export function showImported(cli: Cli, { host, replaced, unchanged, problems, sameMachineAs }: Answer): void {
  const { screen } = cli;
  if (unchanged) {
    screen.line(`${host.name} has exactly this file already: imported, as of ${ago(host.asOf, cli)}`);

    return;
  }
  screen.line(`${host.name}: imported, as of ${ago(host.asOf, cli)}, ${WHOSE[host.asOfFrom]}`, 'good');
  if (replaced !== null) screen.line(`  in the place of the one as of ${at(replaced, cli)}`);
  screen.line(
    `  ${host.os?.prettyName ?? 'system unknown'} · kernel ${host.kernel} · ${count(host.packages)} packages · host name ${host.hostname}`,
  );
  showOddities(cli, host, problems);
  if (sameMachineAs.length > 0) {
    screen.line(`  ! the same machine (by its machine id) is known as ${sameMachineAs.join(', ')}`, 'bad');
  }
}

function showOddities(
  { screen }: Cli,
  host: Pick<ImportedHost, 'warnings' | 'missing' | 'unprivileged'>,
  problems: readonly { readonly section: string; readonly code: string; readonly reason: string }[],
): void {
  for (const warning of host.warnings) screen.line(`  ! ${warning}`, 'bad');
  for (const { section, code, reason } of problems) screen.line(`  ? ${section}: ${code}: ${reason}`, 'bad');
  for (const line of host.missing) screen.line(`  ? not collected: ${line}`, 'bad');
  if (host.unprivileged)
    screen.line('  note: collect.sh was not started by root: processes of other users are not in it');
}

/** Cells of the list of hosts. */
export function importedRow(cli: Cli, host: ImportedHost): readonly Cell[] {
  return [
    host.name,
    host.os ? `${host.os.id} ${host.os.version}`.trim() : null,
    'imported',
    'file',
    since(host.asOf, cli),
    null,
    null,
    host.rebootRequired === null ? null : host.rebootRequired ? 'yes' : 'no',
  ];
}

export function showImport(cli: Cli, host: ImportDetail): void {
  const { screen } = cli;
  const ended = host.endedAt === null ? '' : ` ${at(host.endedAt, cli)} by ${host.endedBy}`;
  screen.line(`${host.name}   ${host.state}${ended}, as of ${ago(host.asOf, cli)} · no agent`, 'strong');
  showOddities(cli, host, host.problems);
  if (host.rebootRequired === true) screen.line(`  REBOOT   ${host.rebootReasons.join('; ')}`, 'bad');

  const facts: readonly (readonly [string, string])[] = [
    ['as of', `${at(host.asOf, cli)}, ${WHOSE[host.asOfFrom]}`],
    ['imported', `${ago(host.importedAt, cli)} by ${host.importedBy}`],
    ['file', `${host.sha256} (${host.bytes.toLocaleString('en-US')} bytes)`],
    ['system', host.os?.prettyName ?? 'unknown'],
    ['support ends', supportOf(host)],
    ['kernel', `${host.kernel} running, ${list(host.kernels)} installed`],
    ['packages', count(host.packages)],
    ['updates', 'not known: package lists are not collected'],
    ['old code runs', `${count(host.staleProcesses)} processes at least`],
    ['listens', list(host.listeners?.map(({ protocol, address, port }) => `${address}:${port}/${protocol}`) ?? null)],
    ['repositories', list(host.repositories)],
    ['labels', list(Object.entries(host.labels).map(([name, values]) => `${name}=${values.join('|')}`))],
    ['owner', host.owner ?? 'nobody'],
    ['host name', host.hostname],
    ['machine', host.machineId ?? 'without an id'],
    ...(host.sameMachineAs.length > 0 ? [['same as', host.sameMachineAs.join(', ')] as const] : []),
  ];
  const width = Math.max(...facts.map(([name]) => name.length));
  for (const [name, value] of facts) screen.line(`  ${name.padEnd(width)}  ${value}`);

  showHistory(cli, host.history);
}

function showHistory(cli: Cli, history: readonly ImportedHost[]): void {
  if (history.length < 2) return;
  cli.screen.line();
  cli.screen.table(
    [
      { title: 'AS OF' },
      { title: 'STATE' },
      { title: 'IMPORTED' },
      { title: 'BY', shrinks: true },
      { title: 'PACKAGES', align: 'right' },
    ],
    history.map((each) => [at(each.asOf, cli), each.state, at(each.importedAt, cli), each.importedBy, each.packages]),
  );
}

function supportOf({ endOfLife }: ImportDetail): string {
  if (endOfLife === null) return 'not known';

  return `${endOfLife.regular ?? '?'}${endOfLife.extended === null ? '' : `, extended ${endOfLife.extended}`}`;
}

function count(value: number | null): string {
  return value === null ? '?' : value.toLocaleString('en-US');
}

function list(values: readonly string[] | null): string {
  if (values === null) return '?';
  if (values.length === 0) return 'none';
  const more = values.length - MAX_SHOWN;

  return `${values.slice(0, MAX_SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
