// Findings as a table, the most pressing first, under the counts of all of them. Unknown is said, never counted as none.
import type { z } from 'zod';
import type { findings } from '../api/contract/findings.ts';
import { FINDING_STATES } from '../findings/finding.ts';
import { shownEpss } from '../triage/decide.ts';
import { DECISIONS } from '../triage/decision.ts';
import type { Cli } from './cli.ts';
import { brokenAt } from './paragraph.ts';
import { plural } from './plural.ts';
import type { Column } from './screen.ts';
import { showSelection } from './selection-lines.ts';

type Answer = z.output<typeof findings>;
type Row = Answer['findings'][number];

/** From here on there is room for EPSS, the state and the version with the fix. */
const WIDE = 100;
const SOME_UNKNOWN = 5;

export function showFindings(cli: Cli, answer: Answer): void {
  const { screen } = cli;
  const { machines, unknown, kev, tree } = answer;
  const decisions = DECISIONS.flatMap((word) => {
    const count = answer.byDecision[word];

    return count > 0 || word === 'immediate' ? [`${number(count)} ${word}`] : [];
  });
  const head = `${plural(answer.total, 'finding')} on ${number(machines.with)} of ${plural(machines.lookedAt, 'machine')}`;
  for (const line of brokenAt(`${head}   ${decisions.join(' · ')}`, screen.width)) screen.line(line, 'strong');
  const states = FINDING_STATES.flatMap((word) =>
    answer.byState[word] > 0 ? [`${number(answer.byState[word])} ${word}`] : [],
  );
  if (states.length > 0) for (const line of brokenAt(states.join(' · '), screen.width)) screen.line(line);
  showSelection(screen, answer.selection, 'findings');
  if (!answer.complete) say(cli, '? the collector is still matching after its start: these are not all', 'bad');
  if (kev === null) say(cli, '? KEV was never imported: nothing can be decided; next: selvage feed update kev', 'bad');
  for (const { name, reason } of unknown.some.slice(0, SOME_UNKNOWN)) say(cli, `? ${name}: ${reason}`, 'bad');
  const more = unknown.count - Math.min(unknown.some.length, SOME_UNKNOWN);
  if (more > 0) say(cli, `? and ${number(more)} more machines whose findings are not known`, 'bad');
  if (answer.findings.length === 0) return;

  const columns = screen.width >= WIDE ? WIDE_COLUMNS : NARROW_COLUMNS;
  screen.table(
    columns.map(({ column }) => column),
    answer.findings.map((row) => columns.map(({ of }) => of(row, cli).replaceAll('\t', ' '))),
  );
  const list = kev?.asOf ? ` · KEV of ${kev.asOf.slice(0, 10)}` : '';
  say(
    cli,
    `decided by tree ${tree.name} ${tree.version} (${tree.definition})${list}; without an EPSS score last`,
    'dim',
  );
  if (answer.next !== null) {
    const rest = answer.total - answer.findings.length;
    say(cli, `${number(rest)} on other pages: --limit up to 1000, or the next page with`, 'dim');
    // Whole, because it is copied.
    screen.line(`  --after ${answer.next}`, 'dim');
  }
}

interface ShownColumn {
  readonly column: Column;
  readonly of: (row: Row, cli: Cli) => string;
}

const DECISION: ShownColumn = { column: { title: 'DECISION' }, of: ({ decision }) => decision };
const CVE: ShownColumn = { column: { title: 'CVE', shrinks: true }, of: ({ cve, kev }) => (kev ? `${cve} KEV` : cve) };
const HOST: ShownColumn = { column: { title: 'HOST', shrinks: true }, of: ({ machine }) => machine.name };
const NARROW_COLUMNS: readonly ShownColumn[] = [
  DECISION,
  { column: { title: 'CVSS' }, of: ({ severity }) => severity ?? 'none yet' },
  { column: { title: 'DUE' }, of: ({ due }, { clock }) => (due === null ? '-' : distance(due.date, clock.now())) },
  { ...CVE, of: ({ cve }) => cve },
  HOST,
  {
    column: { title: 'PACKAGE', shrinks: true },
    of: (row) => (row.state === 'fixable' ? row.package.name : `${row.package.name} (${row.state})`),
  },
];
const WIDE_COLUMNS: readonly ShownColumn[] = [
  DECISION,
  {
    column: { title: 'CVSS' },
    of: ({ severity, score }) => (severity === null ? 'none yet' : `${severity} ${score?.toFixed(1)}`),
  },
  { column: { title: 'DUE' }, of: ({ due }) => due?.date ?? '-' },
  { column: { title: 'EPSS' }, of: ({ epss }) => (epss === null ? 'none' : shownEpss(epss)) },
  CVE,
  HOST,
  { column: { title: 'PACKAGE', shrinks: true }, of: ({ package: { name, version } }) => `${name} ${version}` },
  { column: { title: 'STATE' }, of: ({ state }) => state },
  { column: { title: 'FIXED IN', shrinks: true }, of: fixedIn },
];

function fixedIn({ fixed, pocket, status }: Row): string {
  if (fixed === null) return status === 'open' ? 'none' : `none (${status})`;

  return pocket === null ? fixed : `${fixed} (${pocket})`;
}

/** Whole days from today: `154d late`, `today`, `in 3d`. */
export function distance(date: string, now: Temporal.Instant): string {
  const today = Temporal.PlainDate.from(now.toString().slice(0, 10));
  const days = today.until(Temporal.PlainDate.from(date), { largestUnit: 'days' }).days;
  if (days === 0) return 'today';

  return days < 0 ? `${-days}d late` : `in ${days}d`;
}

function say({ screen }: Cli, text: string, tone: 'bad' | 'dim'): void {
  for (const line of brokenAt(text, screen.width)) screen.line(line, tone);
}

function number(count: number): string {
  return count.toLocaleString('en-US');
}
