// Reports over all machines as screens: numbers with what each means, and what they are of.
import type { z } from 'zod';
import type { exposureReport, triageReport } from '../api/contract/reports.ts';
import type { Cli } from './cli.ts';
import { coverageText } from './coverage-line.ts';
import { plural } from './plural.ts';
import { showSelection } from './selection-lines.ts';
import { broken, count } from './todo-page.ts';
import { at, since } from './when.ts';

type Triage = z.output<typeof triageReport>;
type Exposure = z.output<typeof exposureReport>;

const MAX_YEARS = 10;
const MEANINGS = {
  relevant: 'open in what is installed or runs',
  exploitable: 'exploit public, or attacks known',
  exploited: 'attacks known (KEV, vulnrichment)',
  now: 'of relevant: immediate, out-of-cycle',
  installable: 'of these: it can be installed',
} as const satisfies Record<keyof Triage['stages'], string>;
const TITLES = {
  relevant: 'relevant here',
  exploitable: 'exploitable',
  exploited: 'known exploited',
  now: 'to fix now',
  installable: 'fix exists',
} as const satisfies Record<keyof Triage['stages'], string>;
const STAGE_WORDS = {
  'vendor-fix': 'published → vendor fix',
  approval: 'vendor fix → approved here',
  installation: 'approved → installed',
  restart: 'installed → old code gone',
  whole: 'published → installed',
} as const satisfies Record<keyof Exposure['stages'], string>;

export function showTriage(cli: Cli, report: Triage): void {
  const { screen } = cli;
  const { stages, disclosed, years, machines } = report;
  screen.line(`From all disclosed to what is to be fixed now, as of ${at(report.now, cli)}`, 'strong');
  showAbout(cli, report, machines);
  screen.line();
  const rows = (Object.keys(TITLES) as (keyof typeof TITLES)[]).map((name) => [
    TITLES[name],
    stages[name].cves,
    stages[name].findings,
    stages[name].machines,
    MEANINGS[name],
  ]);
  screen.table(
    [
      { title: 'STAGE' },
      { title: 'CVES', align: 'right' },
      { title: 'FINDINGS', align: 'right' },
      { title: 'HOSTS', align: 'right' },
      { title: 'MEANING', shrinks: true },
    ],
    [['disclosed', disclosed, '', '', 'CVEs that the feeds here know'], ...rows],
  );
  if (report.withoutFacts > 0)
    said(
      cli,
      `${plural(report.withoutFacts, 'relevant CVE')} ${report.withoutFacts === 1 ? 'is' : 'are'} in no feed of facts: never among the exploited, and not among the disclosed`,
    );
  if (report.undecided > 0)
    said(
      cli,
      `${plural(report.undecided, 'finding')} without a decision: without KEV nobody can say what is exploited; next: selvage feed update`,
    );
  if (years.length === 0) return;
  screen.line();
  const shown = years.slice(0, MAX_YEARS);
  const rest = years.slice(MAX_YEARS);
  const sum = (of: readonly Triage['years'][number][]) => ({
    known: of.reduce((total, { known }) => total + known, 0),
    exploited: of.some(({ exploited }) => exploited === null)
      ? null
      : of.reduce((total, { exploited }) => total + (exploited ?? 0), 0),
  });
  const cells = (title: string, { known, exploited }: ReturnType<typeof sum>) => [
    title,
    known,
    exploited,
    shareOf(exploited, known),
  ];
  screen.table(
    [
      { title: 'YEAR OF THE CVE' },
      { title: 'DISCLOSED', align: 'right' },
      { title: 'EXPLOITED', align: 'right' },
      { title: 'SHARE', align: 'right' },
    ],
    [
      ...shown.map((year) => cells(String(year.year), year)),
      ...(rest.length > 0 ? [cells(`${rest.at(-1)?.year} to ${rest[0]?.year}`, sum(rest))] : []),
      cells('all', sum(years)),
    ],
  );
}

export function showExposure(cli: Cli, report: Exposure): void {
  const { screen } = cli;
  const { stages, costliest, open, machines, closed } = report;
  screen.line(`How long machines were open to what was known, as of ${at(report.now, cli)}`, 'strong');
  showAbout(cli, report, machines);
  screen.line(`${plural(closed, 'finding')} closed on ${plural(machines.withClosed, 'host')} since they report here`);
  screen.line();
  screen.table(
    [
      { title: 'DAYS' },
      { title: 'KNOWN', align: 'right' },
      { title: 'UNKNOWN', align: 'right' },
      { title: 'MEDIAN', align: 'right' },
      { title: 'P90', align: 'right' },
      { title: 'WORST', align: 'right' },
    ],
    [
      ...(Object.keys(STAGE_WORDS) as (keyof typeof STAGE_WORDS)[]).map((name) =>
        daysRow(STAGE_WORDS[name], stages[name]),
      ),
      daysRow('still open, with a fix', open.age),
    ],
  );
  screen.line();
  if (costliest.length === 0) said(cli, 'where the days went: not known yet, no closed finding has all of its moments');
  for (const [index, { stage, days, share }] of costliest.entries()) {
    const label = index === 0 ? 'where the days went' : '';
    screen.line(
      `${label.padEnd(20)} ${STAGE_WORDS[stage]}: ${count(Math.round(days))} d, ${Math.round(share * PERCENT)} % of what is known`,
    );
  }
  said(cli, 'mitigated: not counted, because mitigations are not built yet');
  said(
    cli,
    'UNKNOWN: one end of the stage is not known: no date in the feeds, installed by something else, package removed, approved long ago, or restart not proven',
  );
  said(
    cli,
    'stages are of closed findings only: what is still open has the last row, from its publication until now. Days count from publication, also from before a host had the package or reported here; what came before the step ahead of it counts as 0',
  );
}

const PERCENT = 100;

function daysRow(title: string, { known, unknown, median, p90, worst }: Exposure['open']['age']) {
  const text = (value: number | null) => (value === null ? '-' : value.toLocaleString('en-US'));

  return [title, known, unknown, text(median), text(p90), text(worst)];
}

function showAbout(
  cli: Cli,
  { coverage, feeds, ready, selection, unwatched }: Triage | Exposure,
  { counted, unknown }: { readonly counted: number; readonly unknown: number },
): void {
  const { screen } = cli;
  showSelection(screen, selection, 'machines');
  if (!ready) screen.line('what is vulnerable is still being worked out: numbers are not whole yet', 'bad');
  said(cli, coverageText(coverage, cli));
  screen.line(
    `counted: ${plural(counted, 'machine')}, ${unknown} of them unknown and in no number below`,
    unknown > 0 ? 'bad' : 'plain',
  );
  if (feeds.length === 0)
    screen.line('no feed was imported: nothing is known of vulnerabilities; next: selvage feed update', 'bad');
  else if (unwatched > 0)
    screen.line(
      `${plural(unwatched, 'machine')} of releases that no feed speaks of: not clean, see selvage todo`,
      'bad',
    );
  if (feeds.length > 0)
    said(
      cli,
      `feeds: ${feeds.map(({ name, asOf, importedAt }) => `${name} ${since(asOf ?? importedAt, cli)}`).join(', ')}`,
    );
}

function said({ screen }: Cli, text: string): void {
  for (const line of broken(text, screen.width)) screen.line(line, 'dim');
}

function shareOf(part: number | null, whole: number): string {
  if (part === null) return '?';
  const share = whole === 0 ? 0 : (part / whole) * PERCENT;

  return `${share.toFixed(share > 0 && share < 1 ? 2 : 1)} %`;
}
