// Foreign rows become records here, and records are checked before they become rows: what could not be read again is
// not stored, and a row that does not fit is STORE_FAILED, never left out of a list.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { CODES, type Code } from '@selvage/shared/errors/codes.ts';
import { type HostId, MODES, type Sha256, type Timestamp } from '@selvage/shared/model/ids.ts';
import { SECTION_NAMES, type SectionName } from '@selvage/shared/model/inventory.ts';
import { z } from 'zod';

const NAME_LENGTH = 1024;
const TEXT_LENGTH = 64 * 1024;

export const name = z.string().min(1).max(NAME_LENGTH);
export const text = z.string().max(TEXT_LENGTH);
export const hostId = name.transform((value) => value as HostId);
export const sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .transform((value) => value as Sha256);
export const timestamp = z.iso.datetime({ offset: true }).transform((value) => value as Timestamp);
export const mode = z.enum(MODES);
export const hostState = z.enum(['active', 'revoked']);
export const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);
export const sectionName = z.enum(SECTION_NAMES as [SectionName, ...SectionName[]]);
export const bytes = z.instanceof(Uint8Array);

/** A column of JSON text that holds a value of that shape. `longest`: in characters. */
export function json<S extends z.ZodType>(schema: S, longest = TEXT_LENGTH) {
  return z
    .string()
    .max(longest)
    .transform((value, context) => {
      try {
        return JSON.parse(value) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: 'not JSON' });

        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** One whose length the schema bounds. */
export function longJson<S extends z.ZodType>(schema: S) {
  return json(schema, Number.POSITIVE_INFINITY);
}

/** The record in a row. Throws STORE_FAILED naming the table and the fields that do not fit. */
export function decodeRow<S extends z.ZodType>(schema: S, table: string, row: unknown): z.output<S> {
  const parsed = schema.safeParse(row);
  if (!parsed.success) throw misfit(`a row of ${table} cannot be read`, parsed.error);

  return parsed.data;
}

export function decodeRows<S extends z.ZodType>(schema: S, table: string, rows: readonly unknown[]): z.output<S>[] {
  return rows.map((row) => decodeRow(schema, table, row));
}

/** The record itself when it fits. Throws STORE_FAILED before anything is written. */
export function checked<S extends z.ZodType>(schema: S, table: string, record: unknown): z.output<S> {
  const parsed = schema.safeParse(record);
  if (!parsed.success) throw misfit(`a record for ${table} was refused`, parsed.error);

  return parsed.data;
}

function misfit(what: string, error: z.ZodError): CodedError {
  const issues = error.issues.map((issue) => `${issue.path.join('.') || 'row'}: ${issue.message}`);

  return new CodedError('STORE_FAILED', `${what}: ${issues.join('; ')}`, { details: { issues } });
}
