// A scan as it crosses the API: software in, findings out. Shapes only.
import { z } from 'zod';
import { DISTRO_STATUSES } from '../../matching/rule.ts';
import { DECISIONS, type DecisionWord } from '../../triage/decision.ts';

/** More is no one thing; an SBOM of a large image has some ten thousand. */
const MAX_SOFTWARE = 100_000;
const MAX_BINARIES = 2000;
const MAX_TEXT = 1024;

const text = z.string().min(1).max(MAX_TEXT);
const count = z.number().int().nonnegative();
const software = z.strictObject({
  ecosystem: text,
  name: text,
  version: text,
  source: text,
  module: text.nullable(),
  kernel: z.enum(['running', 'installed']).nullable(),
  origin: text.nullable(),
});

export const scanRequest = z.strictObject({
  software: z
    .array(z.strictObject({ software, binaries: z.array(z.tuple([text, text])).max(MAX_BINARIES) }))
    .min(1)
    .max(MAX_SOFTWARE),
  /** Day in UTC: what became known later does not count. */
  asOf: z.iso.date().nullable(),
  epochsUnknown: z.boolean(),
});

const decision = z.enum(DECISIONS);

const scanFinding = z.strictObject({
  source: z.string(),
  /** Binary packages of it that are there. */
  packages: z.array(z.string()),
  ecosystem: z.string(),
  cve: z.string(),
  /** Of the sources: announcements of the fix beside the CVE itself. */
  records: z.array(z.string()),
  installed: z.string(),
  fixed: z.string().nullable(),
  /** Where the fix is served, when not for everybody or not at once. */
  pocket: z.string().nullable(),
  state: z.enum(['fixable', 'no-fix', 'not-running']),
  /** The distribution's own verdict. */
  status: z.enum(DISTRO_STATUSES),
  urgency: z.string().nullable(),
  decision,
  /** The tree's path in words. */
  path: z.string(),
  severity: z.enum(['none', 'low', 'medium', 'high', 'critical']).nullable(),
  score: z.number().nullable(),
  kev: z.string().nullable(),
  epss: z.number().nullable(),
  /** Whose word it is, of when, and the comparison. */
  evidence: z.strictObject({ feed: z.string(), asOf: z.string().nullable(), record: z.string(), rule: z.string() }),
  disagreement: z.string().nullable(),
});

export const scanReport = z.strictObject({
  at: z.iso.datetime({ offset: true }),
  asOf: z.iso.date().nullable(),
  feeds: z.array(z.strictObject({ name: z.string(), asOf: z.string().nullable(), records: count })),
  /** The most urgent first. */
  findings: z.array(scanFinding),
  /** Without what does not run. */
  counts: z.strictObject(
    Object.fromEntries(DECISIONS.map((word) => [word, count])) as Record<DecisionWord, typeof count>,
  ),
  /** Software by who watches it; unknown is not clean. */
  watched: z.strictObject({ feed: count, rule: count, unknown: count }),
  unknown: z.array(
    z.strictObject({ ecosystem: z.string(), name: z.string(), version: z.string(), reason: z.string() }),
  ),
  notes: z.array(z.string()),
});
export type ScanReport = z.output<typeof scanReport>;
