// One CVE on one machine, as a person asks: is it here, does it run, why this decision, due when, what fixes it, when, who else.
import type { z } from 'zod';
import type { explanation } from '../api/contract/findings.ts';
import { shownEpss } from '../triage/decide.ts';
import { DECISIONS } from '../triage/decision.ts';
import type { Cli } from './cli.ts';
import { distance } from './finding-list-page.ts';
import { brokenAt, paragraph } from './paragraph.ts';
import type { Tone } from './screen.ts';
import { at, since } from './when.ts';

export type Explanation = z.output<typeof explanation>;
type Here = Explanation['here'][number];
type Text = string | { readonly text: string; readonly tone: Tone };

const DAY_MS = 24 * 60 * 60 * 1000;
const LONGEST_IN_LABEL = 10;
const SOME_EVIDENCE = 3;
const SOME_PACKAGES = 8;
const SOME_BULLETINS = 5;
const SOME_HERE = 6;

export function showExplanation(cli: Cli, found: Explanation): void {
  const { screen } = cli;
  for (const line of brokenAt(headOf(found), screen.width)) screen.line(line, 'strong');
  for (const line of brokenAt(subheadOf(found, cli), screen.width)) screen.line(line, found.overdue ? 'bad' : 'plain');
  screen.line();
  paragraph(screen, 'Is it here?', hereTexts(found, cli));
  if (found.running) paragraph(screen, 'Does it run?', runningTexts(found));
  if (found.decision) paragraph(screen, labelOf(found.decision.decision), whyTexts(found));
  if (found.decision) paragraph(screen, 'Due', dueTexts(found, cli));
  for (const [index, remedy] of found.remedies.entries())
    paragraph(screen, index === 0 ? 'What fixes it' : '', remedyTexts(remedy));
  if (found.when) paragraph(screen, 'When', whenTexts(found.when, cli));
  paragraph(screen, 'Others', othersTexts(found, cli));
  if (found.scanners.length > 0) paragraph(screen, 'Other scanners', scannerTexts(found, cli));
  if (found.bulletins.length > 0)
    paragraph(
      screen,
      'Bulletins',
      found.bulletins
        .slice(0, SOME_BULLETINS)
        .map(({ vendor, id, title, published }) => `${published.slice(0, 10)} ${vendor} ${id}: ${title}`),
    );
  paragraph(screen, 'Scores', scoreTexts(found));
}

/** The decision stands in the head too. */
function labelOf(decision: string): string {
  return decision.length <= LONGEST_IN_LABEL ? `Why ${decision}` : 'Why';
}

function headOf({ cve }: Explanation): string {
  return `${cve.id}   ${cve.title ?? 'no title known'}`;
}

function subheadOf({ cve, decision, overdue, machine }: Explanation, cli: Cli): string {
  const [best] = cve.scores;
  const score =
    best === undefined
      ? 'nobody has scored it yet'
      : `${best.severity.toUpperCase()} ${best.score.toFixed(1)} (CVSS ${best.version}, ${best.source})`;
  const decided =
    decision === null ? '' : `   decision ${decision.decision.toUpperCase()}${overdue ? '   OVERDUE' : ''}`;
  const age = cli.clock.now().epochMilliseconds - Temporal.Instant.from(machine.asOf).epochMilliseconds;
  const from = machine.imported ? ', known from a file' : '';
  const asOf = machine.imported || age > DAY_MS ? ` as of ${at(machine.asOf, cli)}` : '';

  return `${score}${decided}   on ${machine.name}${from}${asOf}`;
}

function hereTexts({ answer, here }: Explanation, cli: Cli): readonly Text[] {
  const tone: Tone = answer.here === 'yes' ? 'bad' : answer.here === 'no' ? 'good' : 'bad';
  const first: Text = { text: answer.reason === null ? answer.here : `${answer.here}: ${answer.reason}`, tone };
  const shown = here.slice(0, SOME_HERE);

  return [
    first,
    ...shown.flatMap((one) => packageTexts(one, cli)),
    ...(here.length > shown.length ? [`... ${here.length - shown.length} more packages: --json`] : []),
  ];
}

function packageTexts(one: Here, cli: Cli): readonly Text[] {
  const { name, version, source, kernel, origin } = one.package;
  const of = source === name ? '' : `, source ${source}`;
  const which = kernel === null ? '' : `, kernel ${kernel === 'running' ? 'that runs' : 'that is installed'}`;
  const none = one.state === null ? '' : `, no fix (${one.status ?? one.says})`;
  const fixed = one.fixed === null ? none : `, fixed in ${one.fixed}`;
  const pocket = one.pocket === null ? '' : ` (${one.pocket})`;
  const seen = one.firstSeen === null ? '' : ` · first seen ${at(one.firstSeen, cli)}`;
  const state = one.state === null ? one.says : one.state;
  const from = origin === null ? '' : ` · from ${origin}`;

  return [
    `${name} ${version}${of}${which}${fixed}${pocket} · ${state}${seen}${from}`,
    ...one.evidence.slice(0, SOME_EVIDENCE).map(({ feed, feedAsOf, record, rule, says, urgency }) => {
      const date = feedAsOf === null ? '' : ` of ${at(feedAsOf, cli)}`;
      const word = urgency === null ? '' : ` (${urgency})`;

      return `  ${says}: ${feed}${date}, ${record}${word}, ${rule}`;
    }),
    ...(one.evidence.length > SOME_EVIDENCE
      ? [`  and ${one.evidence.length - SOME_EVIDENCE} more sources: --json`]
      : []),
    ...(one.disagreement === null ? [] : [{ text: `  sources disagree: ${one.disagreement}`, tone: 'bad' as const }]),
    ...(one.note === null ? [] : [`  ${one.note}`]),
    ...(one.coverage.startsWith('covered by feed') ? [] : [`  ${one.coverage}`]),
  ];
}

const ANSWERS: Readonly<Record<NonNullable<Explanation['running']>['answer'], string>> = {
  yes: 'yes',
  old: 'yes, the old code: it was replaced on disk and still runs',
  no: 'no: no kernel that runs here is of it',
  'not seen': 'not seen to listen; what is not a listener may run all the same',
  unknown: 'unknown: nobody could look',
};

function runningTexts({ running }: Explanation): readonly Text[] {
  if (running === null) return [];
  const { answer, listening, old, kernel, unseen } = running;
  const pids = Map.groupBy(listening, ({ pid, program }) => `pid ${pid ?? '?'} ${program ?? 'of an unknown program'}`);

  return [
    answer === 'old' ? { text: ANSWERS[answer], tone: 'bad' } : ANSWERS[answer],
    ...[...pids].map(([who, sockets]) => {
      const each = sockets.map(
        ({ address, port, protocol }) =>
          `${address.includes(':') ? `[${address}]` : address}:${port}${protocol === 'udp' ? '/udp' : ''}`,
      );

      return `${who} · listens ${each.join(', ')}`;
    }),
    ...old.map(
      ({ pid, program, service }) => `pid ${pid} ${program}${service === null ? '' : ` · restart ${service}`}`,
    ),
    ...(kernel === null
      ? []
      : [`kernel ${kernel.running} runs${kernel.newest === null ? '' : `, newest installed ${kernel.newest}`}`]),
    ...(unseen > 0 && answer !== 'no'
      ? [{ text: `${unseen} ${unseen === 1 ? 'process' : 'processes'} could not be looked into`, tone: 'bad' as const }]
      : []),
  ];
}

/** Columns of the points, so that values stand under each other. */
function whyTexts({ decision, tree }: Explanation): readonly Text[] {
  if (decision === null) return [];

  return [
    ...decision.points.flatMap(({ name, value, why, overruled }) => [
      `${name.padEnd(13)} ${value.padEnd(10)} ${why}`,
      ...(overruled === null ? [] : [`  (${overruled})`]),
    ]),
    `${'path'.padEnd(13)} ${decision.path}, tree "${tree.name}" ${tree.version} (${tree.definition})`,
  ];
}

function dueTexts({ due, overdue, here }: Explanation, cli: Cli): readonly Text[] {
  const [first] = due;
  if (!first) {
    return here.every(({ state, fixed }) => state === null || fixed === null)
      ? ['no date: no fix is known, and KEV names none']
      : ['nobody names a date: no policy with `due` selects it, no severity rule, no KEV date'];
  }
  const firstSeen = here.find((one) => one.firstSeen !== null)?.firstSeen ?? null;
  const from = firstSeen === null ? 'first seen' : `first seen, ${at(firstSeen, cli)}`;
  const texts = due.map(({ date, by, afterDays }) => {
    const days = distance(date, cli.clock.now());

    return `${date} by ${by} (${afterDays === null ? days : `${afterDays} d after ${from}; ${days}`})`;
  });

  return [{ text: texts.join(' · '), tone: overdue ? 'bad' : 'plain' }];
}

function remedyTexts(remedy: Explanation['remedies'][number]): readonly Text[] {
  const { source, from, to, packages, openTo, note } = remedy;
  if (to === null) return [{ text: `${source} ${from}: ${note ?? 'nothing is offered'}`, tone: 'bad' }];
  const names = packages.map(({ name }) => name).filter((name) => name !== source);
  const some = names.slice(0, SOME_PACKAGES).join(', ');
  const more = names.length > SOME_PACKAGES ? ` and ${names.length - SOME_PACKAGES} more` : '';

  return [
    `${source} ${from} → ${to}${names.length === 0 ? '' : ` with ${some}${more}`}${remedy.security ? ' · from a security repository' : ''}`,
    ...(note === null ? [] : [{ text: note, tone: 'bad' as const }]),
    ...(openTo === null ? [] : [`the new version is itself open to: ${countsOf(openTo)}`]),
  ];
}

function countsOf({ total, byDecision }: NonNullable<Explanation['remedies'][number]['openTo']>): string {
  if (total === 0) return 'nothing that is known';

  return DECISIONS.filter((word) => byDecision[word] > 0 || word === 'immediate')
    .map((word) => `${byDecision[word]} ${word}`)
    .join(', ');
}

const WHEN: Readonly<Record<NonNullable<Explanation['when']>['answer'], string>> = {
  ...{ done: 'done', never: 'NEVER', 'needs-approval': 'after an approval', waits: 'waits', unknown: 'unknown' },
  expected: 'in its window',
};

function whenTexts(
  { answer, at: opens, window, why, policies, next }: NonNullable<Explanation['when']>,
  cli: Cli,
): readonly Text[] {
  const date = opens === null ? '' : ` ${at(opens, cli)}${window === null ? '' : ` (${window})`}`;
  const because = why.length === 0 ? '' : `: ${why.join('; ')}`;

  return [
    { text: `${WHEN[answer]}${date}${because}`, tone: answer === 'never' || answer === 'unknown' ? 'bad' : 'plain' },
    ...(policies.length > 0 ? [`policies that select it: ${policies.join(', ')}`] : []),
    ...next.map((command) => `  next: ${command}`),
  ];
}

function othersTexts({ others, machine }: Explanation, _cli: Cli): readonly Text[] {
  if (others.machines === 0) return [`no other machine than ${machine.name} has it`];
  const names = others.some.map(({ name, imported, state, note }) => {
    const what = imported ? 'imported' : state;

    return `${name} (${note === null || imported ? what : `${what}: ${note}`})`;
  });
  const rest = others.machines - others.some.length;

  return [
    `${others.machines} (${others.imported} imported): ${names.join(' · ')}${rest > 0 ? ` and ${rest} more` : ''}`,
  ];
}

function scannerTexts({ scanners }: Explanation, cli: Cli): readonly Text[] {
  const words = {
    agreed: 'agrees',
    answered: 'is answered',
    open: 'sees it, and we do not',
    silent: 'does not name it',
  };

  return scanners.map(({ scanner, scannedAt, says, answer }) => {
    const date = scannedAt === null ? '' : ` ${since(scannedAt, cli)}`;

    return `${scanner}${date} ${words[says]}${answer === null ? '' : `: ${answer}`}`;
  });
}

function scoreTexts({ cve: { scores, epss, kev } }: Explanation): readonly Text[] {
  const listed =
    kev === null ? 'not in KEV' : `KEV since ${kev.dateAdded}${kev.dueDate === null ? '' : `, due ${kev.dueDate}`}`;
  const forecast =
    epss === null
      ? 'no EPSS score'
      : `EPSS ${shownEpss(epss.score)} of ${epss.asOf.slice(0, 10)} (higher than ${(Math.floor(epss.percentile * 1000) / 10).toFixed(1)} % of all)`;

  return [
    `${listed} · ${forecast}`,
    ...scores.map(
      ({ version, score, severity, source, vector }) =>
        `${severity} ${score.toFixed(1)} ${source}, CVSS ${version} ${vector}`,
    ),
  ];
}
