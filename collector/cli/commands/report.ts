// selvage report: what is told to others about all machines together.
import type { Command } from 'commander';
import type { z } from 'zod';
import { coverage } from '../../api/contract/coverage.ts';
import { exposureReport, triageReport } from '../../api/contract/reports.ts';
import { shareText } from '../../coverage/share.ts';
import { type Cli, openSession } from '../cli.ts';
import { type ListOptions, pathWith, selectOption } from '../options.ts';
import { showExposure, showTriage } from '../reports-page.ts';
import { showSelection } from '../selection-lines.ts';
import { at, since } from '../when.ts';
import { addReportVendors } from './calendar.ts';

type Report = z.output<typeof coverage>;
type Machine = Report['machines'][number];

/** What each row is, in the order of the report. */
const MEANINGS = {
  agent: 'report themselves, seen within a day',
  stale: 'have an agent, seen 1 to 7 days ago',
  silent: 'have an agent, not seen for more than 7 days, or never',
  imported: 'no agent; known from a file',
  pending: 'wait to be accepted',
  unclear: 'cannot be told from another machine',
  missing: 'nobody has seen them here',
} as const satisfies Record<Machine['row'], string>;
/** Rows whose machines are named: a screen is for what needs a person. */
const NAMED = ['missing', 'unclear', 'silent', 'stale', 'pending', 'imported'] as const;
const MAX_SHOWN = 50;

export function addReport(program: Command, cli: Cli): void {
  const noun = program.command('report').description('what is told about all machines together');

  selectOption(noun.command('coverage'))
    .description('the machines that ought to exist: which report, which have fallen silent, which are missing')
    .option('--all', 'name those that report too, and by what each was told')
    .option('--json', 'print one JSON document')
    .action(async (options: { select?: string; all?: boolean; json?: boolean }) => {
      const { client } = await openSession(cli);
      const answer = await client.get(pathWith('/v1/coverage', { select: options.select }), coverage);
      if (options.json === true) return cli.screen.json(answer);
      showCoverage(cli, answer, options.all === true);
    });

  addReportVendors(noun, cli);

  selectOption(noun.command('triage'))
    .description(
      'from all disclosed vulnerabilities to those that are to be fixed now, and the exploited share of each year',
    )
    .option('--json', 'print one JSON document')
    .action(async (options: ListOptions) => {
      const { client } = await openSession(cli);
      const answer = await client.get(pathWith('/v1/reports/triage', { select: options.select }), triageReport);
      if (options.json === true) return cli.screen.json(answer);
      showTriage(cli, answer);
    });

  selectOption(noun.command('exposure'))
    .description('days from publication to vendor fix, approval, installation and restart, and which of them cost most')
    .option('--json', 'print one JSON document')
    .action(async (options: ListOptions) => {
      const { client } = await openSession(cli);
      const answer = await client.get(pathWith('/v1/reports/exposure', { select: options.select }), exposureReport);
      if (options.json === true) return cli.screen.json(answer);
      showExposure(cli, answer);
    });
}

function showCoverage(cli: Cli, report: Report, all: boolean): void {
  const { screen } = cli;
  const { counts, expected, basis } = report;
  screen.line(
    `${shareText(counts.agent, expected)} machines report themselves, as of ${at(report.now, cli)}`,
    'strong',
  );
  showSelection(screen, report.selection, 'machines');
  if (basis === 'known') {
    screen.line(
      'no list of expected machines: the whole is the machines that are known, and none can be missing',
      'bad',
    );
    screen.line('next: selvage asset import FILE');
  }
  for (const { source, entries, fileDate, importedAt, skipped } of report.lists) {
    const left = skipped > 0 ? `, ${skipped} left out` : '';
    screen.line(`list ${source}: ${entries} machines${left}, ${since(fileDate ?? importedAt, cli)}`, 'dim');
  }
  screen.line();
  screen.table(
    [{ title: 'MACHINES', align: 'right' }, { title: 'ROW' }, { title: 'WHICH', shrinks: true }],
    [
      ...(Object.keys(MEANINGS) as Machine['row'][]).map((row) => [counts[row], row, MEANINGS[row]]),
      [
        expected,
        'expected',
        basis === 'listed' ? 'all of the above: what the lists name' : 'all of the above: what is known',
      ],
      [
        report.unexpected,
        'unexpected',
        basis === 'listed' ? 'here, but on no list' : 'wait to be accepted: they count nowhere',
      ],
    ],
  );
  for (const row of all ? [...NAMED, 'agent' as const] : NAMED) {
    showRow(cli, row, report, all ? Number.MAX_SAFE_INTEGER : MAX_SHOWN);
  }
  showUnexpected(cli, report);
}

function showRow(cli: Cli, row: Machine['row'], { machines, basis }: Report, most: number): void {
  const found = machines.filter((machine) => machine.row === row);
  if (found.length === 0) return;
  const { screen } = cli;
  screen.line();
  screen.table(
    [
      { title: row.toUpperCase(), shrinks: true },
      { title: basis === 'listed' ? 'LISTED' : 'KNOWN', shrinks: true },
      { title: 'SEEN' },
      { title: 'OWNER', shrinks: true },
      { title: 'HOW', shrinks: true },
    ],
    found
      .slice(0, most)
      .map((machine) => [
        machine.name,
        listedAs(machine),
        machine.known === null ? 'never' : since(machine.known.seen, cli),
        machine.owner ?? '',
        howOf(machine),
      ]),
  );
  if (found.length > most) more(cli, found.length);
  if (row === 'missing') {
    screen.line(
      'next: selvage token create --host NAME; or, where no agent can run: selvage host import FILE --name NAME',
    );
  }
}

function listedAs({ listed, known }: Machine): string {
  if (listed.length === 0) return known?.kind ?? '';

  return listed.map(({ source, line, state }) => `${source}:${line}${state === null ? '' : ` ${state}`}`).join(', ');
}

function howOf({ by, known, why, candidates, name }: Machine): string {
  if (why !== null) return why;
  if (known === null || by.length === 0)
    return candidates.length === 0 ? '' : candidates.map((one) => one.name).join(', ');

  return `by ${by.join(', ')}${known.name === name ? '' : `: ${known.name}`}`;
}

function showUnexpected(cli: Cli, { notExpected }: Report): void {
  if (notExpected.length === 0) return;
  cli.screen.line();
  cli.screen.table(
    [{ title: 'UNEXPECTED', shrinks: true }, { title: 'KNOWN' }, { title: 'SEEN' }, { title: 'WHY', shrinks: true }],
    notExpected
      .slice(0, MAX_SHOWN)
      .map(({ name, kind, seen, why }) => [name, kind, since(seen, cli), why ?? 'on no list']),
  );
  more(cli, notExpected.length);
}

function more({ screen }: Cli, count: number): void {
  if (count > MAX_SHOWN) screen.line(`and ${count - MAX_SHOWN} more; all of them: --all, --json`, 'dim');
}
