// The todo list as a screen: what waits for a person, then fixes by decision, then what is counted only. Every line fits the width;
// colour says nothing that the words do not say.
import type { z } from 'zod';
import type { byDecision, fixRow, todo } from '../api/contract/todo.ts';
import { shareText } from '../coverage/share.ts';
import { DECISIONS, type DecisionWord } from '../triage/decision.ts';
import type { Cli } from './cli.ts';
import { plural } from './plural.ts';
import { type Cell, type Column, layOut, type Screen, type Tone } from './screen.ts';
import { showSelection } from './selection-lines.ts';
import { dueText, expectedText, standingText, whyText } from './todo-words.ts';
import { at, since } from './when.ts';

export type Answer = z.output<typeof todo>;
type Row = z.output<typeof fixRow>;
type ByDecision = z.output<typeof byDecision>;

/** Rows without --all; those of the two urgent decisions are always all there. */
const MAX_ROWS = 15;
const MAX_URGENT = 40;
const MAX_NOT_OFFERED = 5;
const MAX_NEEDS = 12;
/** From here on a table has room for when the last host is done. */
const WIDE = 100;
const LABEL = 10;
const URGENT: readonly DecisionWord[] = ['immediate', 'out-of-cycle'];
const HEADINGS: Readonly<Record<DecisionWord, string>> = {
  immediate: 'immediate',
  'out-of-cycle': 'out-of-cycle',
  scheduled: 'scheduled',
  defer: 'defer',
  unknown: 'decision unknown',
};
const TONES: Partial<Record<DecisionWord, Tone>> = { immediate: 'bad', 'out-of-cycle': 'strong' };

/** Whom it is shown to. */
export type TodoViewer = Pick<Cli, 'screen' | 'clock' | 'zone'>;

export function showTodo(cli: TodoViewer, answer: Answer, all: boolean): void {
  const { screen } = cli;
  showHead(cli, answer);
  showSelection(screen, answer.selection, 'machines');
  showNeeds(screen, answer);
  showFixes(cli, answer, all);
  showNotOffered(screen, answer, all);
  showCounts(cli, answer);
}

function showHead(cli: TodoViewer, { now, feeds, coverage }: Answer): void {
  const { screen } = cli;
  const ages = feeds.map(({ name, asOf, importedAt, stale }) => {
    const age = asOf === null ? `imported ${since(importedAt, cli)}` : since(asOf, cli);

    return `${name} ${age}${stale ? ' (OLD)' : ''}`;
  });
  screen.line(`${at(now, cli)} · ${feeds.length === 0 ? 'NO FEED' : 'data as of'}`, 'strong');
  wrapped(screen, ages, '  ', ' · ');
  const { agent, ...others } = coverage.counts;
  const rest = Object.entries(others).flatMap(([row, count]) =>
    count > 0 ? [`${count} ${row === 'missing' ? 'MISSING' : row}`] : [],
  );
  screen.line([`${coverage.expected} expected: ${shareText(agent, coverage.expected)} report`, ...rest].join(' · '));
}

function showNeeds(screen: Screen, { needs }: Answer): void {
  if (needs.length === 0) return;
  screen.line();
  screen.line('NEEDS A PERSON', 'strong');
  for (const { kind, message, next } of needs.slice(0, MAX_NEEDS)) {
    const label = ` ${LABELS[kind]}`.padEnd(LABEL);
    const one = `${label} ${message}`;
    const width = screen.width - next.length - 2;
    if (one.length <= width) screen.line(`${one.padEnd(width + 2)}${next}`, 'bad');
    else {
      for (const [index, line] of broken(message, screen.width - LABEL - 1).entries())
        screen.line(`${index === 0 ? label : ' '.repeat(LABEL)} ${line}`, 'bad');
      screen.line(`${' '.repeat(LABEL)} next: ${next}`);
    }
  }
  if (needs.length > MAX_NEEDS) screen.line(` and ${needs.length - MAX_NEEDS} more: selvage todo --json`, 'bad');
}

const LABELS: Readonly<Record<Answer['needs'][number]['kind'], string>> = {
  ...{ 'no-feed': 'NO FEED', 'not-ready': 'NOT READY', alarm: 'ALARM', unknown: 'UNKNOWN', unwatched: 'UNWATCHED' },
  ...{
    'no-way': 'NO WAY',
    unsigned: 'UNSIGNED',
    silent: 'SILENT',
    'stale-feed': 'OLD DATA',
    pending: 'PENDING',
    unclear: 'UNCLEAR',
    missing: 'MISSING',
  },
  ...{ outside: 'OUTSIDE', 'imported-old': 'OLD FILE' },
};

function showFixes(cli: TodoViewer, answer: Answer, all: boolean): void {
  const { screen } = cli;
  const { fixes } = answer;
  screen.line();
  if (fixes.length === 0) {
    screen.line(nothingText(answer), 'strong');

    return;
  }
  const shown = all
    ? fixes
    : fixes.filter(({ decision }, index) => index < (URGENT.includes(decision) ? MAX_URGENT : MAX_ROWS));
  const columns = columnsFor(screen.width);
  const cells = roomForFirst(
    columns,
    shown.map((row) => cellsOf(cli, row)),
    screen.width,
  );
  const [head = '', ...lines] = layOut(columns, cells, screen.width);
  screen.line(head, 'dim');
  let before: DecisionWord | null = null;
  for (const [index, row] of shown.entries()) {
    if (row.decision !== before) screen.line(headingOf(row.decision, fixes), TONES[row.decision] ?? 'plain');
    before = row.decision;
    screen.line(lines[index] ?? '', row.overdueDays !== null ? 'bad' : 'plain');
  }
  const hidden = fixes.slice(shown.length);
  if (hidden.length > 0) {
    const words = DECISIONS.flatMap((word) =>
      countText(hidden.filter(({ decision }) => decision === word).length, word),
    );
    screen.line(
      `  ... ${hidden.length} more ${fixesWord(hidden.length)} (${words.join(', ')}): selvage todo --all`,
      'dim',
    );
  }
  if (shown.some(({ from }) => from === 'feed'))
    screen.line('  * as advisories name it: what these machines are offered is not known', 'dim');
  const first = fixes.find(({ standings, provider }) => standings['needs-approval'] !== undefined && provider !== null);
  if (first) screen.line(`next: selvage fix approve ${first.id} --policy NAME --lane ${laneOf(first)}`);
}

/** Fixes that are newer than the data say what nobody here knows yet. */
function headingOf(decision: DecisionWord, fixes: readonly Row[]): string {
  const blind = fixes.every((row) => row.decision !== 'unknown' || row.closes === 0);

  return decision === 'unknown' && blind ? `${HEADINGS.unknown}: no feed here says what these fix` : HEADINGS[decision];
}

/** An empty list is good news only where everything is known. */
function nothingText({ machines, feeds, needs, open }: Answer): string {
  if (feeds.length === 0) return 'NO FIX IS KNOWN, because no feed was imported';
  if (machines.counted === 0) return 'NO MACHINE IS KNOWN YET';
  const unsure = needs.some(({ kind }) => ['unknown', 'unwatched', 'not-ready', 'stale-feed', 'silent'].includes(kind));
  const left = totalOf(open) > 0 ? '; what is below has no fix to install' : '';

  return `NO FIX TO INSTALL${unsure ? ', as far as is known: see above' : ''}${left}`;
}

function columnsFor(width: number): readonly Column[] {
  const wide = width >= WIDE;

  return [
    { title: 'FIX' },
    { title: 'HOSTS', align: 'right' },
    { title: 'CLOSES', align: 'right' },
    { title: 'WHY', shrinks: true },
    { title: 'DUE' },
    { title: 'STATE', shrinks: true },
    ...(wide ? [{ title: 'LAST HOST' }] : []),
  ];
}

/** The name and version of a fix may take what the others leave at their narrowest: it is what the next command is given. */
function roomForFirst(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number,
): readonly (readonly Cell[])[] {
  const widthOf = (cell: Cell | undefined) => (typeof cell === 'number' ? count(cell) : (cell ?? '?')).length;
  const others = columns.slice(1).map(({ title, shrinks }, index) => {
    const natural = Math.max(title.length, ...rows.map((row) => widthOf(row[index + 1])));

    return GAP + (shrinks === true ? Math.min(natural, width >= WIDE ? NARROW_WIDE : NARROW) : natural);
  });
  const room = Math.max(NARROWEST_FIX, width - others.reduce((sum, each) => sum + each, 0));

  return rows.map(([first, ...rest]) => {
    const text = String(first);

    return [text.length > room ? `${text.slice(0, room - 1)}…` : text, ...rest];
  });
}

const GAP = 2;
const NARROW = 13;
const NARROW_WIDE = 20;
const NARROWEST_FIX = 16;

function cellsOf(cli: TodoViewer, row: Row): readonly Cell[] {
  const wide = cli.screen.width >= WIDE;
  const name = `  ${row.source} ${row.version}${row.from === 'feed' ? '*' : ''}${row.reboot ? ' (reboot)' : ''}`;

  return [
    name,
    row.machines,
    row.closes,
    whyText(row, wide),
    dueText(row, wide, cli.clock.now()),
    standingText(row, wide),
    ...(wide ? [expectedText(row, { zone: cli.zone, now: cli.clock.now() })] : []),
  ];
}

function laneOf({ decision }: Row): string {
  return decision === 'immediate' || decision === 'out-of-cycle' ? decision : 'scheduled';
}

function showNotOffered(screen: Screen, { notOffered }: Answer, all: boolean): void {
  if (notOffered.length === 0) return;
  const findings = notOffered.reduce((sum, row) => sum + row.findings, 0);
  screen.line();
  screen.line(`FIXED BY ITS MAKER, NOT OFFERED HERE  ${plural(findings, 'finding')}`, 'strong');
  const shown = all ? notOffered : notOffered.slice(0, MAX_NOT_OFFERED);
  const lines = layOut(
    [
      { title: '', shrinks: true },
      { title: '', align: 'right' },
      { title: '', align: 'right' },
      { title: '' },
      { title: '', shrinks: true },
    ],
    shown.map(({ source, fixed, machines, findings, decision, why }) => [
      `  ${source} ${fixed}`,
      plural(machines, 'host'),
      plural(findings, 'finding'),
      decision,
      why,
    ]),
    screen.width,
  ).slice(1);
  for (const line of lines) screen.line(line);
  if (shown.length < notOffered.length)
    screen.line(`  ... ${notOffered.length - shown.length} more: selvage todo --all`, 'dim');
}

function showCounts(cli: TodoViewer, answer: Answer): void {
  const { screen } = cli;
  const { oldCode, stillRunning, noFix, accepted, notAffected, notRunning, otherUpdates, nextWindow, fixes } = answer;
  const lines: [string, string][] = [];
  const unseen =
    oldCode.unseen > 0 ? [`on ${plural(oldCode.unseen, 'host')} not all processes could be looked at`] : [];
  if (oldCode.machines > 0) {
    const services = oldCode.services.map(({ name, machines: on }) => (on > 1 ? `${name} ${on}` : name)).join(', ');
    const waits = [
      ...(oldCode.reboot > 0 ? [`${oldCode.reboot} for a reboot`] : []),
      ...(oldCode.restart > 0 ? [`${oldCode.restart} for a restart (${services})`] : []),
    ];
    const open = stillRunning.findings > 0 ? [`${plural(stillRunning.findings, 'finding')} still open by it`] : [];
    lines.push([
      'OLD CODE RUNS',
      [
        `${plural(oldCode.machines, 'host')} ${oldCode.machines === 1 ? 'waits' : 'wait'}: ${waits.join(', ')}`,
        ...open,
        ...unseen,
      ].join(' · '),
    ]);
  } else if (unseen.length > 0) lines.push(['OLD CODE', `none seen running; ${unseen.join('')}`]);
  if (noFix.findings > 0)
    lines.push([
      'NO FIX EXISTS',
      `${plural(noFix.findings, 'finding')} on ${plural(noFix.machines, 'host')}: ${decisionsText(noFix.byDecision)}${
        noFix.kernelSources > 0
          ? ` · ${count(noFix.kernelSources)} of them in kernel sources of which no kernel runs`
          : ''
      }`,
    ]);
  if (notRunning.findings > 0)
    lines.push([
      'NOT RUNNING',
      `${plural(notRunning.findings, 'finding')} of kernels that are installed and do not run`,
    ]);
  if (accepted.findings > 0)
    lines.push(['ACCEPTED', `${plural(accepted.findings, 'finding')}: ${decisionsText(accepted.byDecision)}`]);
  if (notAffected.findings > 0)
    lines.push(['NOT AFFECTED', `${plural(notAffected.findings, 'finding')} by VEX statements`]);
  if (otherUpdates.fixes > 0)
    lines.push([
      'OTHER UPDATES',
      `${otherUpdates.fixes} on ${plural(otherUpdates.machines, 'host')} that ${otherUpdates.fixes === 1 ? 'closes' : 'close'} nothing known: selvage fix list`,
    ]);
  const late = fixes.filter((row) => row.late);
  if (late.length > 0) lines.push(['LATE', lateText(late)]);
  lines.push([
    'NEXT WINDOW',
    nextWindow === null ? 'none: nothing is approved for a host that could act' : windowText(nextWindow, cli),
  ]);
  screen.line();
  for (const [label, text] of lines) {
    for (const [index, line] of broken(text, screen.width - 15).entries())
      screen.line(`${(index === 0 ? label : '').padEnd(15)}${line}`);
  }
}

function lateText(late: readonly Row[]): string {
  const overdue = late.filter(({ overdueDays }) => overdueDays !== null);
  const rest = late.filter(({ overdueDays }) => overdueDays === null);
  const names = (rows: readonly Row[]) => {
    const sources = [...new Set(rows.map(({ source }) => source))];

    return `${sources.slice(0, 3).join(', ')}${sources.length > 3 ? ', …' : ''}`;
  };

  return [
    ...(overdue.length > 0 ? [`${overdue.length} ${fixesWord(overdue.length)} overdue (${names(overdue)})`] : []),
    ...(rest.length > 0
      ? [`${rest.length} will miss ${rest.length === 1 ? 'its' : 'their'} date as things stand (${names(rest)})`]
      : []),
  ].join(' · ');
}

function windowText(
  { window, opens, closes, machines: on, fixes }: NonNullable<Answer['nextWindow']>,
  cli: TodoViewer,
): string {
  const until = closes === null ? '' : ` until ${at(closes, cli).slice(-5)}`;

  return `${at(opens, cli)}${until} (${window}) · ${fixes} ${fixesWord(fixes)}, ${on} ${on === 1 ? 'installation' : 'installations'}`;
}

function decisionsText(sums: ByDecision): string {
  const words = DECISIONS.flatMap((word) =>
    word === 'immediate' ? [`${count(sums[word])} immediate`] : countText(sums[word], word),
  );

  return words.join(', ');
}

function countText(number: number, word: DecisionWord): readonly string[] {
  return number === 0 ? [] : [`${count(number)} ${word}`];
}

function totalOf(sums: ByDecision): number {
  return DECISIONS.reduce((sum, word) => sum + sums[word], 0);
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

function fixesWord(value: number): string {
  return value === 1 ? 'fix' : 'fixes';
}

/** Several short texts in as many lines as they need. */
function wrapped(screen: Screen, texts: readonly string[], indent: string, gap: string): void {
  for (const line of broken(texts.map((text) => text.replaceAll(' ', HARD)).join(gap), screen.width - indent.length))
    screen.line(`${indent}${line.replaceAll(HARD, ' ')}`);
}

/** A space at which no line may be broken, while lines are made. */
const HARD = '\u00a0';

/** Lines no longer than `width`, broken at spaces. */
export function broken(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const whole of text.split(' ')) {
    const word = whole.length > width ? `${whole.slice(0, width - 1)}…` : whole;
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }

  return line === '' ? lines : [...lines, line];
}
