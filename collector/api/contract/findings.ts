// Findings as the API shows them: a page of a list with counts of all of it, and everything that is known of one CVE on one machine.
import { z } from 'zod';
import { FINDING_STATES } from '../../findings/finding.ts';
import { DISTRO_STATUSES } from '../../matching/rule.ts';
import { SEVERITIES } from '../../triage/cvss.ts';
import { DECISIONS } from '../../triage/decision.ts';
import { selection, selectText } from './select.ts';

const MAX_FINDINGS = 1000;
const SOME_FINDINGS = 50;
const text = z.string();
const count = z.number().int().nonnegative();
const instant = z.iso.datetime({ offset: true });
const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);
const severity = z.enum(SEVERITIES).nullable();
const score = z.number().min(0).max(10);
/** Which tree decided, and how its publisher calls the same table. */
const tree = z.strictObject({ name: text, version: text, definition: text });
const due = z.strictObject({ date: day, by: text });
const machine = z.strictObject({
  name: text,
  /** Id of the host; null for a machine that is known from a file. */
  id: text.nullable(),
  imported: z.boolean(),
  asOf: instant,
});
const packageOf = z.strictObject({
  ecosystem: text,
  /** As advisories name it: deb by source, rpm by binary package. */
  name: text,
  source: text,
  version: text,
  module: text.nullable(),
  kernel: z.enum(['running', 'installed']).nullable(),
  origin: text.nullable(),
});

export const findingsQuery = z.strictObject({
  select: selectText,
  cve: z.string().min(1).max(100).optional(),
  package: z.string().min(1).max(200).describe('Name of a package or of its source.').optional(),
  decision: z.enum(DECISIONS).optional(),
  state: z.enum(FINDING_STATES).optional(),
  olderThan: z.string().max(32).describe('First seen longer ago than this: 30d.').optional(),
  limit: z.coerce.number().int().positive().max(MAX_FINDINGS).default(SOME_FINDINGS),
  after: z.string().max(2000).describe('`next` of the page before.').optional(),
});

export const finding = z.strictObject({
  machine,
  package: packageOf,
  cve: text,
  decision: z.enum(DECISIONS),
  /** `active / open / yes / medium`. */
  path: text,
  severity,
  score: score.nullable(),
  state: z.enum(FINDING_STATES),
  status: z.enum(DISTRO_STATUSES),
  due: due.nullable(),
  /** Null: nobody scored it, which is not zero. */
  epss: z.number().min(0).max(1).nullable(),
  kev: z.boolean(),
  fixed: text.nullable(),
  pocket: text.nullable(),
  firstSeen: instant,
  note: text.nullable(),
});

const byDecision = z.record(z.enum(DECISIONS), count);
const byState = z.record(z.enum(FINDING_STATES), count);

export const findings = z.strictObject({
  /** In the order of decision, date, EPSS (no score last), CVE and machine. */
  findings: z.array(finding),
  /** For `after`; null: this was the last page. */
  next: text.nullable(),
  /** Of all pages together. */
  total: count,
  byDecision,
  byState,
  machines: z.strictObject({ with: count, lookedAt: count }),
  /** Machines whose findings are not known, which is not none. */
  unknown: z.strictObject({ count, some: z.array(z.strictObject({ name: text, reason: text })) }),
  /** False: the collector has not matched everything yet. */
  complete: z.boolean(),
  /** Of when KEV is; null: never imported, and decisions are unknown. */
  kev: z.strictObject({ asOf: text.nullable() }).nullable(),
  tree,
  selection,
});

const evidence = z.strictObject({
  feed: text,
  feedAsOf: instant.nullable(),
  record: text,
  rule: text,
  status: z.enum(DISTRO_STATUSES),
  fixed: text.nullable(),
  pocket: text.nullable(),
  urgency: text.nullable(),
  says: z.enum(['affected', 'fixed', 'not-affected', 'unknown']),
});

/** One package of the machine that some source connects with the CVE. */
const here = z.strictObject({
  package: packageOf,
  /** `unknown`: a source speaks of it and cannot be compared. */
  says: z.enum(['affected', 'fixed', 'not-affected', 'unknown']),
  /** Of an open finding. */
  state: z.enum(FINDING_STATES).nullable(),
  status: z.enum(DISTRO_STATUSES).nullable(),
  firstSeen: instant.nullable(),
  note: text.nullable(),
  fixed: text.nullable(),
  pocket: text.nullable(),
  evidence: z.array(evidence),
  disagreement: text.nullable(),
  coverage: text,
});

const decided = z.strictObject({
  decision: z.enum(DECISIONS),
  path: text,
  severity,
  score: score.nullable(),
  points: z.array(z.strictObject({ name: text, value: text, why: text, overruled: text.nullable() })),
});

const running = z.strictObject({
  /**
   * `yes`: something of it runs or listens. `old`: replaced on disk, the old code runs. `no`: of a kernel that does not run.
   * `unknown`: nobody could look.
   */
  answer: z.enum(['yes', 'old', 'no', 'not seen', 'unknown']),
  listening: z.array(
    z.strictObject({ address: text, port: count, protocol: text, pid: count.nullable(), program: text.nullable() }),
  ),
  old: z.array(z.strictObject({ pid: count, program: text, service: text.nullable() })),
  kernel: z.strictObject({ running: text, newest: text.nullable() }).nullable(),
  /** Processes that nobody could look into. */
  unseen: count,
});

const remedy = z.strictObject({
  source: text,
  from: text,
  /** Null: no version that closes it is offered. */
  to: text.nullable(),
  provider: text.nullable(),
  security: z.boolean(),
  held: z.boolean(),
  /** Whether `to` closes every finding of this CVE in the source. */
  closes: z.boolean(),
  /** Of the same source, in one transaction. */
  packages: z.array(z.strictObject({ name: text, arch: text, from: text, to: text })),
  /** Of `to`; null where there is none or it could not be matched. */
  openTo: z.strictObject({ total: count, byDecision }).nullable(),
  /** Why nothing is offered, or what is to be known about it. */
  note: text.nullable(),
});

const when = z.strictObject({
  /** `never`: not before somebody does something, which `why` says. */
  answer: z.enum(['done', 'never', 'needs-approval', 'waits', 'expected', 'unknown']),
  at: instant.nullable(),
  window: text.nullable(),
  why: z.array(text),
  policies: z.array(text),
  next: z.array(text),
});

export const explanation = z.strictObject({
  machine,
  cve: z.strictObject({
    id: text,
    title: text.nullable(),
    published: instant.nullable(),
    severity,
    scores: z.array(z.strictObject({ version: text, vector: text, score, severity: z.enum(SEVERITIES), source: text })),
    kev: z.strictObject({ dateAdded: text, dueDate: text.nullable(), ransomware: z.boolean().nullable() }).nullable(),
    epss: z.strictObject({ score: z.number(), percentile: z.number(), asOf: text }).nullable(),
    cwe: z.array(text),
    references: z.array(text),
  }),
  /** Whether it is here; `no` says why in `reason`, `unknown` too. */
  answer: z.strictObject({ here: z.enum(['yes', 'no', 'unknown']), reason: text.nullable() }),
  here: z.array(here),
  running: running.nullable(),
  /** Of the worst of its findings; null where there is none. */
  decision: decided.nullable(),
  tree,
  overdue: z.boolean(),
  /** Every date that somebody names, the earliest first; that one counts. */
  due: z.array(due.extend({ afterDays: z.number().nullable() })),
  remedies: z.array(remedy),
  when: when.nullable(),
  others: z.strictObject({
    machines: count,
    imported: count,
    some: z.array(
      z.strictObject({ name: text, imported: z.boolean(), state: z.enum(FINDING_STATES), note: text.nullable() }),
    ),
  }),
  scanners: z.array(
    z.strictObject({
      scanner: text,
      scannedAt: instant.nullable(),
      says: z.enum(['agreed', 'answered', 'open', 'silent']),
      answer: text.nullable(),
    }),
  ),
  bulletins: z.array(
    z.strictObject({
      id: text,
      vendor: text,
      product: text.nullable(),
      title: text,
      url: text.nullable(),
      published: instant,
    }),
  ),
  feeds: z.array(z.strictObject({ name: text, asOf: instant.nullable() })),
});
