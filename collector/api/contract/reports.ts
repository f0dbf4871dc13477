// Reports over all machines, as they cross the API. Shapes only; ../../reports says what each number means.
import { z } from 'zod';
import { EXPOSURE_STAGES, type ExposureStage } from '../../reports/exposure.ts';
import { STAGES, type StageName } from '../../reports/funnel.ts';
import { coverageSummary } from './coverage.ts';
import { selection } from './select.ts';
import { todoFeed } from './todo.ts';

const count = z.number().int().nonnegative();
const amount = z.number().nonnegative();
const instant = z.iso.datetime({ offset: true });

const stage = z.strictObject({ cves: count, findings: count, machines: count });
const year = z.strictObject({ year: z.number().int(), known: count, exploited: count });

/** What every report says of what it is about. */
const about = {
  now: instant,
  coverage: coverageSummary,
  feeds: z.array(todoFeed),
  /** False while the fleet is still being matched. */
  ready: z.boolean(),
  /** Machines of a release that no feed speaks of: what is found on them is not all. */
  unwatched: count,
  selection,
};

export const triageReport = z.strictObject({
  ...about,
  /** Distinct CVEs that feeds here know facts of; null: no feed of facts was imported. */
  disclosed: count.nullable(),
  stages: z.strictObject(Object.fromEntries(STAGES.map((name) => [name, stage])) as Record<StageName, typeof stage>),
  /** Relevant CVEs of which no feed here has facts: not among those that are disclosed. */
  withoutFacts: count,
  /** Findings of which nobody can say whether they are exploited. */
  undecided: count,
  /** By the year in the id, the newest first. `exploited`: in KEV; null: KEV was never imported. */
  years: z.array(year.extend({ exploited: count.nullable() })),
  machines: z.strictObject({ counted: count, unknown: count }),
});

const days = z.strictObject({
  ...{ known: count, unknown: count, median: amount.nullable(), p90: amount.nullable(), worst: amount.nullable() },
  total: amount,
});

export const exposureReport = z.strictObject({
  ...about,
  closed: count,
  stages: z.strictObject(
    Object.fromEntries(EXPOSURE_STAGES.map((name) => [name, days])) as Record<ExposureStage, typeof days>,
  ),
  costliest: z.array(z.strictObject({ stage: z.enum(EXPOSURE_STAGES), days: amount, share: amount })),
  open: z.strictObject({ findings: count, age: days }),
  machines: z.strictObject({ counted: count, unknown: count, withClosed: count }),
});
