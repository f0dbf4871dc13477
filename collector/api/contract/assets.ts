// Lists of machines that ought to exist, as they cross the API: shapes only.
import { z } from 'zod';
import { FORMAT_NAMES } from '../../assets/formats.ts';
import { selection } from './select.ts';

const instant = z.iso.datetime({ offset: true });
const count = z.number().int().nonnegative();
const text = z.string();
const MAX_SOURCE = 64;
const MAX_FILE = 255;

/** What a list is called: by it, the next one of the same origin takes its place. */
export const sourceName = z
  .string()
  .max(MAX_SOURCE)
  .regex(/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/, 'small letters, digits and . _ - only');

export const assetList = z.strictObject({
  source: text,
  format: text,
  file: text,
  fileDate: instant.nullable(),
  sha256: text,
  importedAt: instant,
  importedBy: text,
  entries: count,
  skipped: count,
});

export const asset = z.strictObject({
  source: text,
  name: text,
  line: count,
  names: z.array(text),
  instance: text.nullable(),
  serial: text.nullable(),
  macs: z.array(text),
  owner: text.nullable(),
  /** The list's own word. */
  state: text.nullable(),
  /** False where the list itself says that it is gone. */
  expected: z.boolean(),
});

export const assets = z.strictObject({ lists: z.array(assetList), assets: z.array(asset), selection });

const flag = z
  .enum(['true', 'false'])
  .transform((value) => value === 'true')
  .optional();

export const assetQuery = z.strictObject({
  file: z.string().min(1).max(MAX_FILE),
  fileDate: instant.optional(),
  source: sourceName.optional(),
  format: z.enum(FORMAT_NAMES).optional(),
  skipInvalid: flag,
  dryRun: flag,
});

export const assetsImported = z.strictObject({
  list: assetList,
  expected: count,
  gone: count,
  added: z.array(text),
  removed: z.array(text),
  skipped: z.array(z.strictObject({ line: count, message: text })),
  notes: z.array(text),
  dryRun: z.boolean(),
});
