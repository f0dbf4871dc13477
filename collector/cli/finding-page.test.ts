// The screens of findings at 80 and 120 columns: what they say, that they fit, and that nothing in them reaches the terminal as it is.

import { systemRandom } from '@selvage/shared/random.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { finding, findings } from '../api/contract/findings.ts';
import { FINDING_STATES } from '../findings/finding.ts';
import { DECISIONS } from '../triage/decision.ts';
import type { Cli } from './cli.ts';
import { distance, showFindings } from './finding-list-page.ts';
import { type Explanation, showExplanation } from './finding-page.ts';
import { createScreen } from './screen.ts';

type Row = z.output<typeof finding>;
const NOW = '2026-11-24T08:00:00Z';
const none = <K extends string>(words: readonly K[]) =>
  Object.fromEntries(words.map((word) => [word, 0])) as Record<K, number>;

function print(columns: number, show: (cli: Cli) => void, isTTY = false): string {
  let text = '';
  const stdout = {
    columns,
    isTTY,
    write: (more: string) => {
      text += more;
    },
  };
  const screen = createScreen({ stdout, stderr: stdout, env: {} });
  show({ screen, clock: fakeClock(NOW), zone: 'UTC', random: systemRandom } as unknown as Cli);

  return text;
}

const MACHINE = { name: 'web-old-02', id: 'x', imported: false, asOf: NOW };
const PACKAGE = {
  ecosystem: 'Debian:12',
  name: 'apache2',
  source: 'apache2',
  version: '2.4.57-2',
  module: null,
  kernel: null,
  origin: null,
} as const;

function row(over: Partial<Row> = {}): Row {
  return {
    ...{
      machine: MACHINE,
      package: PACKAGE,
      cve: 'CVE-2024-38475',
      decision: 'immediate',
      path: 'active / open / yes / high',
    },
    ...{ severity: 'critical', score: 9.1, state: 'fixable', status: 'fixed', due: { date: '2025-05-22', by: 'KEV' } },
    ...{ epss: 0.9996, kev: true, fixed: '2.4.61-1~deb12u1', pocket: null, firstSeen: NOW, note: null },
    ...over,
  } as Row;
}

function answer(rows: readonly Row[], over: Partial<z.output<typeof findings>> = {}): z.output<typeof findings> {
  return {
    ...{
      findings: [...rows],
      next: null,
      total: rows.length,
      byDecision: { ...none(DECISIONS), immediate: rows.length },
    },
    ...{ byState: { ...none(FINDING_STATES), fixable: rows.length }, machines: { with: 1, lookedAt: 4 } },
    ...{ unknown: { count: 0, some: [] }, complete: true, kev: { asOf: '2026-08-07T00:00:00Z' }, selection: null },
    tree: { name: 'deployer', version: '2.1', definition: 'ssvc:DT_DP:1.0.0' },
    ...over,
  };
}

function explained(over: Partial<Explanation> = {}): Explanation {
  return {
    machine: MACHINE,
    cve: {
      ...{
        id: 'CVE-2024-38475',
        title: 'Apache HTTP Server',
        published: null,
        severity: 'critical',
        cwe: [],
        references: [],
      },
      scores: [
        {
          version: '3.1',
          vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N',
          score: 9.1,
          severity: 'critical',
          source: 'CISA-ADP',
        },
      ],
      kev: { dateAdded: '2025-05-01', dueDate: '2025-05-22', ransomware: false },
      epss: { score: 0.9996, percentile: 0.99994, asOf: '2026-08-16' },
    },
    answer: { here: 'yes', reason: null },
    here: [
      {
        ...{
          package: PACKAGE,
          says: 'affected',
          state: 'fixable',
          status: 'fixed',
          firstSeen: '2026-11-23T16:40:00Z',
          note: null,
        },
        ...{
          fixed: '2.4.61-1~deb12u1',
          pocket: null,
          disagreement: 'ubuntu-cve says fixed',
          coverage: 'covered by feed osv-debian',
        },
        evidence: [
          {
            ...{
              feed: 'osv-debian',
              feedAsOf: '2026-11-24T02:10:00Z',
              record: 'CVE-2024-38475',
              rule: 'deb: 2.4.57-2 < 2.4.61-1~deb12u1',
            },
            ...{ status: 'fixed', fixed: '2.4.61-1~deb12u1', pocket: null, urgency: null, says: 'affected' },
          },
        ],
      },
    ],
    running: {
      ...{ answer: 'yes', old: [], kernel: null, unseen: 2 },
      listening: [{ address: '0.0.0.0', port: 443, protocol: 'tcp', pid: 812, program: '/usr/sbin/apache2' }],
    },
    decision: {
      ...{ decision: 'immediate', path: 'active / open / yes / high', severity: 'critical', score: 9.1 },
      points: [
        {
          name: 'exploitation',
          value: 'active',
          why: 'KEV since 2025-05-01, EPSS 0.9996',
          overruled: 'vulnrichment of 2024-07-10 says "none": older, overruled',
        },
      ],
    },
    tree: { name: 'deployer', version: '2.1', definition: 'ssvc:DT_DP:1.0.0' },
    overdue: true,
    due: [
      { date: '2025-05-22', by: 'KEV', afterDays: null },
      { date: '2026-11-25', by: 'policy linux-servers', afterDays: 2 },
    ],
    remedies: [
      {
        ...{
          source: 'apache2',
          from: '2.4.57-2',
          to: '2.4.61-1~deb12u1',
          provider: 'apt',
          security: true,
          held: false,
          closes: true,
          note: null,
        },
        packages: ['apache2', 'apache2-bin', 'apache2-data'].map((name) => ({
          name,
          arch: 'amd64',
          from: '1',
          to: '2',
        })),
        openTo: { total: 3, byDecision: { ...none(DECISIONS), scheduled: 3 } },
      },
    ],
    when: {
      answer: 'never',
      at: null,
      window: null,
      policies: [],
      why: ['no policy selects this host', 'policy linux-servers: label tier is missing'],
      next: ['set the label'],
    },
    others: {
      machines: 2,
      imported: 1,
      some: [
        { name: 'web-old-01', imported: true, state: 'fixable', note: null },
        { name: 'web-17', imported: false, state: 'still-running', note: 'apache2 (812)' },
      ],
    },
    scanners: [
      {
        scanner: 'nessus',
        scannedAt: '2026-11-20T00:00:00Z',
        says: 'answered',
        answer: '1.9.13p3 predates the flawed code',
      },
    ],
    bulletins: [
      {
        id: 'DSA-5729-1',
        vendor: 'Debian',
        product: null,
        title: 'apache2 security update',
        url: null,
        published: '2024-07-11T00:00:00Z',
      },
    ],
    feeds: [],
    ...over,
  };
}

describe('when findings are printed', () => {
  it('shows decision and CVSS word side by side at both widths', () => {
    expect(print(80, (cli) => showFindings(cli, answer([row()])))).toMatch(
      /^immediate {2}critical {2}551d late {2}CVE-2024-38475 {2}web-old-02 {2}apache2$/m,
    );
    expect(print(120, (cli) => showFindings(cli, answer([row()])))).toMatch(
      /^immediate {2}critical 9\.1 {2}2025-05-22 {2}0\.9996 {2}CVE-2024-38475 KEV {2}web-old-02 {2}apache2 2\.4\.57-2 {2}fixable {2}2\.4\.61-1~deb12u1$/m,
    );
  });

  it('says that nobody scored it, and never zero', () => {
    const text = print(120, (cli) =>
      showFindings(cli, answer([row({ severity: null, score: null, epss: null, due: null })])),
    );

    expect(text).toMatch(/^immediate {2}none yet {2}- {4}none {2}/m);
    expect(text).not.toMatch(/ 0\.0 |NaN|null/);
  });

  it('says what is not known: machines, a fleet that is still read, KEV that never came', () => {
    const unknown = { count: 30, some: [{ name: 'db', reason: 'its packages are not known' }] };
    const text = print(80, (cli) => showFindings(cli, answer([], { unknown, complete: false, kev: null })));

    expect(text).toContain('? db: its packages are not known');
    expect(text).toContain('? and 29 more machines');
    expect(text).toContain('still matching');
    expect(text).toContain('KEV was never imported');
  });

  it('names the tree and its version, and how to go on', () => {
    const text = print(120, (cli) => showFindings(cli, answer([row()], { total: 1_000_000, next: 'abc' })));

    expect(text).toContain('decided by tree deployer 2.1 (ssvc:DT_DP:1.0.0) · KEV of 2026-08-07');
    expect(text).toContain('999,999 on other pages: --limit up to 1000, or the next page with\n  --after abc\n');
  });

  it.each([
    ['2026-11-24', 'today'],
    ['2026-11-25', 'in 1d'],
    ['2025-05-22', '551d late'],
  ])('writes %s as %s', (date, text) => {
    expect(distance(date, Temporal.Instant.from(NOW))).toBe(text);
  });
});

describe('when one finding is printed', () => {
  it('answers in the order in which a person asks', () => {
    const text = print(120, (cli) => showExplanation(cli, explained()));
    const labels = text.split('\n').flatMap((line) => /^([A-Z][A-Za-z? ]{1,13}?) {2,}\S/.exec(line)?.[1] ?? []);

    expect(labels).toEqual([
      ...[
        'Is it here?',
        'Does it run?',
        'Why immediate',
        'Due',
        'What fixes it',
        'When',
        'Others',
        'Bulletins',
        'Scores',
      ],
    ]);
    for (const part of [
      'CRITICAL 9.1 (CVSS 3.1, CISA-ADP)   decision IMMEDIATE   OVERDUE   on web-old-02',
      'affected: osv-debian of 2026-11-24 02:10, CVE-2024-38475, deb: 2.4.57-2 < 2.4.61-1~deb12u1',
      'sources disagree: ubuntu-cve says fixed',
      'pid 812 /usr/sbin/apache2 · listens 0.0.0.0:443',
      '2 processes could not be looked into',
      '(vulnrichment of 2024-07-10 says "none": older, overruled)',
      'path          active / open / yes / high, tree "deployer" 2.1',
      '2025-05-22 by KEV (551d late) · 2026-11-25 by policy linux-servers (2 d after first seen, 2026-11-23',
      'apache2 2.4.57-2 → 2.4.61-1~deb12u1 with apache2-bin, apache2-data',
      'the new version is itself open to: 0 immediate, 3 scheduled',
      'NEVER: no policy selects this host; policy linux-servers: label tier is missing',
      '2 (1 imported): web-old-01 (imported) · web-17 (still-running: apache2 (812))',
      'Other scanners nessus 4d ago is answered: 1.9.13p3 predates the flawed code',
      '2024-07-11 Debian DSA-5729-1: apache2 security update',
      'higher than 99.9 % of all',
    ])
      expect(text).toContain(part);
  });

  it('says no where it is not here, and leaves out what there is nothing to say about', () => {
    const answer = { here: 'no' as const, reason: 'apache2 2.4.61 has the fix' };
    const over = {
      answer,
      here: [],
      running: null,
      decision: null,
      due: [],
      overdue: false,
      remedies: [],
      when: null,
      scanners: [],
      bulletins: [],
    };
    const text = print(80, (cli) => showExplanation(cli, explained(over)));

    expect(text).toContain('Is it here?    no: apache2 2.4.61 has the fix');
    expect(text).not.toMatch(/Does it run|Why|Due|What fixes|When|scanners|Bulletins|OVERDUE/);
  });

  it('has colour on a terminal only', () => {
    expect(print(80, (cli) => showExplanation(cli, explained()))).not.toContain('\u001b');
    expect(print(80, (cli) => showExplanation(cli, explained()), true)).toContain('\u001b[31m');
  });
});

describe('when names are hostile', () => {
  const evil = fc.oneof(
    fc.constantFrom(
      '\u001b[2J\u001b[31mowned',
      'a\nb\r\nc',
      'tab\there',
      '\u202eevil',
      'x'.repeat(300),
      '😀'.repeat(60),
      ' ',
      'ab c '.repeat(40),
    ),
    fc.string({ maxLength: 200, unit: 'binary' }),
  );

  it.each([80, 120])('fits into %d columns and sends no control character', (columns) => {
    fc.assert(
      fc.property(evil, (text) => {
        const found = explained();
        const bad = {
          ...found,
          machine: { ...MACHINE, name: text },
          cve: { ...found.cve, id: text, title: text },
          answer: { here: 'yes' as const, reason: text },
          here: found.here.map((one) => ({
            ...one,
            package: { ...PACKAGE, name: text, version: text, origin: text },
            note: text,
            coverage: text,
          })),
          decision: found.decision && {
            ...found.decision,
            points: [{ name: 'exposure', value: text, why: text, overruled: text }],
          },
          others: {
            machines: 1,
            imported: 0,
            some: [{ name: text, imported: false, state: 'fixable' as const, note: text }],
          },
          bulletins: found.bulletins.map((one) => ({ ...one, title: text, vendor: text })),
          scanners: found.scanners.map((one) => ({ ...one, scanner: text, answer: text })),
        };
        const rows = [
          row({
            machine: { ...MACHINE, name: text },
            package: { ...PACKAGE, name: text, version: text },
            cve: text,
            fixed: text,
          }),
        ];
        const out =
          print(columns, (cli) => showExplanation(cli, bad)) + print(columns, (cli) => showFindings(cli, answer(rows)));

        // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is there is the point
        expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
        expect(Math.max(...out.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(columns);
      }),
      { numRuns: 150 },
    );
  });
});
