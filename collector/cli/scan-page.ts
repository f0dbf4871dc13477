// A scan as people and programs read it: what was read, by which data, what to do first, and what nobody watches.
import type { ScanReport } from '../api/contract/scan.ts';
import { SCAN_KINDS, type ScanSubject } from '../scan/subject.ts';
import { DECISIONS } from '../triage/decision.ts';
import { brokenAt } from './paragraph.ts';
import { plural } from './plural.ts';
import type { Screen, Tone } from './screen.ts';

type Finding = ScanReport['findings'][number];

/** Unknown software is named up to so many. */
const MOST_NAMED = 5;
/** Feeds come out daily; older data is said to be so. */
const OLD_DAYS = 2;
/** Columns from which the severity has room too; the decision already counts it where it matters. */
const WIDE = 100;

/** The JSON document of `scan --json`. */
export function scanDocument(path: string, subject: ScanSubject, report: ScanReport) {
  const { kind, os, packages, unread, notes } = subject;

  return {
    scanned: { path, kind, os, packages, unread },
    ...report,
    notes: [...notes, ...report.notes],
  };
}

export function showScan(screen: Screen, path: string, subject: ScanSubject, report: ScanReport, all: boolean): void {
  const system = subject.os === null ? 'libraries only' : subject.os.prettyName;
  say(screen, `${path}: ${SCAN_KINDS[subject.kind]}, ${system}, ${plural(subject.packages, 'package')}`, 'strong');
  say(screen, `by ${report.feeds.map((feed) => datedFeed(feed, report.at)).join(', ')}`);
  for (const note of [...subject.notes, ...report.notes]) say(screen, `note: ${note}`);
  screen.line();

  const shown = all ? report.findings : report.findings.filter(isShown);
  if (shown.length > 0) tables(screen, shown);
  else {
    const none = report.findings.length === 0;
    screen.line(none ? 'no findings in what is watched' : 'nothing that can be fixed, and nothing urgent');
    screen.line();
  }
  const hidden = report.findings.filter((one) => !shown.includes(one));
  if (hidden.length > 0) say(screen, `not listed: ${describe(hidden)}; --all lists them`);
  const total = DECISIONS.map((word) => `${word} ${report.counts[word]}`).join(', ');
  const idle = report.findings.filter(({ state }) => state === 'not-running').length;
  const rest = idle === 0 ? '' : `; ${idle} of kernels that do not run`;
  say(screen, `${plural(report.findings.length, 'finding')}: ${total}${rest}`);
  coverage(screen, subject, report);
}

/** Whoever reads it should see at once that what came later is not in it. */
function datedFeed({ name, asOf }: ScanReport['feeds'][number], at: string): string {
  if (asOf === null) return `${name} undated`;
  const days = Math.floor(
    Temporal.Instant.from(asOf).until(Temporal.Instant.from(at), { largestUnit: 'hours' }).hours / 24,
  );

  return `${name} ${asOf.slice(0, 10)}${days > OLD_DAYS ? ` (${days.toLocaleString('en-US')} days old)` : ''}`;
}

/** What somebody can do something about, and what is urgent whether or not. */
function isShown({ state, decision }: Finding): boolean {
  return state === 'fixable' || decision === 'immediate' || decision === 'out-of-cycle' || decision === 'unknown';
}

/** One table for each decision, so that versions have room. */
function tables(screen: Screen, findings: readonly Finding[]): void {
  const wide = screen.width >= WIDE;
  for (const [decision, group] of Map.groupBy(findings, (one) => one.decision)) {
    screen.line(`${decision}: ${plural(group.length, 'finding')}`, decision === 'immediate' ? 'bad' : 'strong');
    screen.table(
      [
        ...[{ title: 'CVE' }, { title: 'SOURCE', shrinks: true }, { title: 'INSTALLED', shrinks: true }],
        ...[{ title: 'FIXED', shrinks: true }, { title: 'STATE' }, ...(wide ? [{ title: 'SEVERITY' }] : [])],
      ],
      group.map((one) => [
        ...[one.cve, one.source, one.installed, fixedIn(one)],
        ...(wide ? [stateOf(one), severityOf(one)] : [`${stateOf(one)}${one.kev === null ? '' : ', KEV'}`]),
      ]),
    );
    screen.line();
  }
}

function fixedIn({ fixed, pocket }: Finding): string {
  if (fixed === null) return '-';

  return pocket === null ? fixed : `${fixed} (${pocket})`;
}

function stateOf({ state, status }: Finding): string {
  if (state === 'not-running') return 'no kernel runs';

  return state === 'fixable' || status === 'open' || status === 'fixed' ? state : `${state}, ${status}`;
}

function severityOf({ severity, kev }: Finding): string {
  const word = severity ?? 'no score';

  return kev === null ? word : `${word}, KEV`;
}

function describe(findings: readonly Finding[]): string {
  const byDecision = Map.groupBy(findings, ({ decision, state }) =>
    state === 'not-running' ? 'in kernel sources of which no kernel runs' : `${decision} without a fix`,
  );

  return [...byDecision].map(([word, { length }]) => `${length} ${word}`).join(', ');
}

function coverage(screen: Screen, { unread }: ScanSubject, { watched, unknown }: ScanReport): void {
  if (unknown.length > 0) {
    const named = unknown.slice(0, MOST_NAMED).map(({ name, version }) => `${name} ${version}`);
    const more = unknown.length > MOST_NAMED ? ' …' : '';
    say(
      screen,
      `unknown: ${plural(unknown.length, 'package')} that nobody watches, so nothing is known of them: ${named.join(', ')}${more}`,
      'bad',
    );
    for (const reason of [...new Set(unknown.map((one) => one.reason))].slice(0, MOST_NAMED))
      for (const line of brokenAt(reason, screen.width - 2)) screen.line(`  ${line}`);
  }
  if (unread.length > 0) {
    const [first] = unread;
    say(
      screen,
      `unknown: ${plural(unread.length, 'entry', 'entries')} that could not be looked up, such as ${first?.name}: ${first?.reason}`,
      'bad',
    );
  }
  screen.line(
    `watched: ${watched.feed} by a feed, ${watched.rule} by a rule; unknown ${watched.unknown + unread.length}`,
  );
}

function say(screen: Screen, text: string, tone: Tone = 'plain'): void {
  for (const line of brokenAt(text, screen.width)) screen.line(line, tone);
}
