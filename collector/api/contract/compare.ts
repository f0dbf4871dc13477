// Reports of other scanners held against findings, as they cross the API: shapes only.
import { z } from 'zod';
import { ANSWER_KINDS } from '../../compare/joining.ts';
import { FINDING_STATES } from '../../findings/finding.ts';

const instant = z.iso.datetime({ offset: true });
const count = z.number().int().nonnegative();
const text = z.string();
const MAX_FILE = 255;
const MAX_HOST = 253;
export const COMPARE_OUTPUTS = ['groups', 'csv', 'openvex'] as const;

export const compareQuery = z.strictObject({
  file: z.string().min(1).max(MAX_FILE),
  /** The machine that a report without names is of. */
  host: z.string().min(1).max(MAX_HOST).optional(),
  as: z.enum(COMPARE_OUTPUTS).default('groups'),
});

const evidence = z.strictObject({
  feed: text,
  feedAsOf: instant.nullable(),
  record: text,
  rule: text,
  fixed: text.nullable(),
  says: z.enum(['affected', 'fixed', 'not-affected', 'unknown']),
});

export const compareLine = z.strictObject({
  /** Key and name of the machine. */
  machine: text,
  name: text,
  cve: text,
  package: text.nullable(),
  installed: text.nullable(),
  severity: text.nullable(),
  state: z.enum(FINDING_STATES).nullable(),
  kind: z.enum(ANSWER_KINDS).nullable(),
  /** One sentence. */
  answer: text,
  evidence: z.array(evidence),
});

export const compared = z.strictObject({
  scanner: text,
  format: text,
  sha256: text,
  /** False soon after a start: answers may be missing, and nothing was kept. */
  complete: z.boolean(),
  /** Lines of the report without a CVE; they are in no group. */
  withoutCve: count,
  counts: z.strictObject({ agreed: count, answered: count, open: count, oursOnly: count }),
  /** Of `answered`, by kind of answer. */
  answers: z.partialRecord(z.enum(ANSWER_KINDS), count),
  machines: z.array(z.strictObject({ machine: text, name: text, host: text, scannedAt: instant.nullable() })),
  unknownHosts: z.array(z.strictObject({ host: text, findings: count, why: text })),
  agreed: z.array(compareLine),
  answered: z.array(compareLine),
  open: z.array(compareLine),
  oursOnly: z.array(compareLine),
  /** Lines that are counted and not among those above, because there are too many. */
  leftOut: count,
  /** `as=csv`: the table; `as=openvex`: the document as JSON text. Null otherwise. */
  file: text.nullable(),
});
