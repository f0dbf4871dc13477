// VEX documents of others and our own words about findings, as they cross the API: shapes only.
import { z } from 'zod';
import { VEX_FORMATS } from '../../vex/export.ts';
import { selection, selectText } from './select.ts';

const instant = z.iso.datetime({ offset: true });
const count = z.number().int().nonnegative();
const text = z.string();
const MAX_FILE = 255;
const MAX_ID = 64;

export const vexId = z
  .string()
  .max(MAX_ID)
  .regex(/^[0-9a-f]+$/, 'the first digits of its hash, as vex list shows them');

const vexDocument = z.strictObject({
  id: text,
  format: z.enum(['openvex', 'csaf']),
  /** What its author calls it. */
  document: text,
  version: text.nullable(),
  author: text,
  at: instant,
  file: text,
  sha256: text,
  importedAt: instant,
  importedBy: text,
  statements: count,
});

export const vexDocuments = z.strictObject({ documents: z.array(vexDocument), selection });

export const vexQuery = z.strictObject({ file: z.string().min(1).max(MAX_FILE) });

export const vexImported = z.strictObject({
  document: vexDocument,
  /** Statements by status. */
  statuses: z.record(z.string(), count),
  /** Products that name software which some machine here has. */
  applies: count,
  /** The first of those that do not, with the reason. */
  elsewhere: z.array(z.strictObject({ product: text, reason: text })),
  elsewhereCount: count,
});

export const vexExportQuery = z.strictObject({
  format: z.enum(VEX_FORMATS).default('openvex'),
  select: selectText,
  /** Also what the installed versions have fixed: far more than what is open. */
  fixed: z
    .enum(['true', 'false'])
    .transform((value) => value === 'true')
    .optional(),
});

export const vexExported = z.strictObject({
  /** The document itself, to be written as it is. */
  document: z.record(z.string(), z.unknown()),
  statements: count,
  machines: count,
  /** False soon after a start: statements may be missing. */
  complete: z.boolean(),
  /** Machines whose packages are not known: nothing is said of them. */
  unknown: z.array(text),
});
