// What there is to do, as it crosses the API. Shapes only; ../../todo/todo.ts says what each means.
import { PROVIDER_NAMES } from '@selvage/shared/model/package.ts';
import { z } from 'zod';
import { NOT_OFFERED, STANDINGS } from '../../todo/todo.ts';
import { DECISIONS, type DecisionWord } from '../../triage/decision.ts';
import { coverageSummary } from './coverage.ts';
import { selection } from './select.ts';

const count = z.number().int().nonnegative();
const instant = z.iso.datetime({ offset: true });
const text = z.string();
const decision = z.enum(DECISIONS);
const names = z.array(text);
export const byDecision = z.strictObject(
  Object.fromEntries(DECISIONS.map((word) => [word, count])) as Record<DecisionWord, typeof count>,
);
const due = z.strictObject({ date: z.iso.date(), by: text });
const counted = z.strictObject({ findings: count, machines: count, byDecision });

const NEED_KINDS = [
  'no-feed',
  'not-ready',
  'alarm',
  'unknown',
  'unwatched',
  'no-way',
  'unsigned',
  'silent',
  'stale-feed',
  'pending',
  'unclear',
  'missing',
  'outside',
  'imported-old',
] as const;

/** One thing that waits for a person, with the command that shows or helps. */
const need = z.strictObject({
  kind: z.enum(NEED_KINDS),
  count,
  message: text,
  some: names,
  next: text,
});

export const fixRow = z.strictObject({
  id: text,
  ecosystem: text.nullable(),
  provider: z.enum(PROVIDER_NAMES).nullable(),
  source: text,
  version: text,
  from: z.enum(['offer', 'feed']),
  security: z.boolean(),
  decision,
  closes: count,
  closesByDecision: byDecision,
  cves: count,
  why: z.array(z.strictObject({ kind: text, text, cve: text.nullable() })),
  due: due.nullable(),
  /** Whole days since the due date; null: it has not passed, or there is none. */
  overdueDays: count.nullable(),
  machines: count,
  standings: z.partialRecord(z.enum(STANDINGS), count),
  some: names,
  reason: text.nullable(),
  approval: z.strictObject({ policy: text, lane: text, expires: instant }).nullable(),
  lastHost: z.strictObject({ at: instant.nullable(), reason: text.nullable() }),
  /** Some of its machines are done after its due date, or nobody can say when. */
  late: z.boolean(),
  reboot: z.boolean(),
});

export const todoFeed = z.strictObject({
  name: text,
  asOf: instant.nullable(),
  importedAt: instant.nullable(),
  records: count,
  stale: z.boolean(),
  error: text.nullable(),
});

export const todo = z.strictObject({
  now: instant,
  /** Nothing waits to be taken in or matched; of a large fleet something nearly always does. */
  settled: z.boolean(),
  coverage: coverageSummary,
  /** Nothing was imported yet while it is empty: no finding is known then. */
  feeds: z.array(todoFeed),
  needs: z.array(need),
  fixes: z.array(fixRow),
  notOffered: z.array(
    z.strictObject({
      ...{ ecosystem: text, source: text, fixed: text, kind: z.enum(NOT_OFFERED), why: text, decision },
      ...{ findings: count, cves: count, due: due.nullable(), machines: count, some: names },
    }),
  ),
  /** All open findings: fixable, without a fix, still running. */
  open: byDecision,
  /** `kernelSources`: of these are in headers or tools of kernel sources of which no kernel runs. `urgent`: immediate ones but those. */
  noFix: z.strictObject({ ...counted.shape, kernelSources: count, urgent: count }),
  stillRunning: counted,
  notRunning: counted,
  accepted: counted,
  notAffected: counted,
  otherUpdates: z.strictObject({ fixes: count, machines: count }),
  oldCode: z.strictObject({
    machines: count,
    reboot: count,
    restart: count,
    /** Machines on which nobody could look at all processes. */
    unseen: count,
    services: z.array(z.strictObject({ name: text, machines: count })),
  }),
  nextWindow: z
    .strictObject({ window: text, opens: instant, closes: instant.nullable(), machines: count, fixes: count })
    .nullable(),
  /** `unknown`: of so many it is not known what is installed. */
  machines: z.strictObject({ counted: count, unknown: count }),
  selection,
});
