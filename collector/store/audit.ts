// Table audit: the append-only, hash-chained ledger. Triggers in the database refuse every change; how a hash is made
// and checked is in collector/audit/chain.ts.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { canonicalJson } from '@selvage/shared/files/canonical.ts';
import { z } from 'zod';
import { entryHash, GENESIS } from '../audit/chain.ts';
import type { Db } from './dialect.ts';
import type { AuditEntry, AuditReader, AuditWriter } from './ports.ts';
import * as rows from './rows.ts';

const details = z.record(z.string(), z.json());
const record = z.object({
  sequence: z.number().int().positive(),
  at: rows.timestamp,
  actor: rows.name,
  action: rows.name,
  subject: rows.text,
  details: z.string(),
  previous: rows.sha256,
  hash: rows.sha256,
});
/** What a caller may append. Text is made well-formed first: a lone surrogate would not survive UTF-8. */
const addition = z.object({
  at: rows.timestamp,
  actor: rows.name.transform((value) => value.toWellFormed()),
  action: rows.name.transform((value) => value.toWellFormed()),
  subject: rows.text.transform((value) => value.toWellFormed()),
  details: z.preprocess(withoutUndefined, details).default({}),
});

export function auditReader(db: Db): AuditReader {
  return {
    after: async (sequence, limit) => {
      const found = await db
        .selectFrom('audit')
        .selectAll()
        .where('sequence', '>', sequence)
        .orderBy('sequence')
        .limit(limit)
        .execute();

      return found.map(decode);
    },
    head: () => head(db),
    byAction: async (action, limit) => {
      const found = await db
        .selectFrom('audit')
        .selectAll()
        .where('action', '=', action)
        .orderBy('sequence', 'desc')
        .limit(limit)
        .execute();

      return found.map(decode);
    },
    bySubject: async (subject, limit) => {
      const found = await db
        .selectFrom('audit')
        .selectAll()
        .where('subject', '=', subject)
        .orderBy('sequence', 'desc')
        .limit(limit)
        .execute();

      return found.map(decode);
    },
  };
}

export function auditWriter(db: Db): AuditReader & AuditWriter {
  return {
    ...auditReader(db),
    append: async (entry) => {
      const last = await head(db);
      const body = {
        ...rows.checked(addition, 'audit', entry),
        sequence: (last?.sequence ?? 0) + 1,
        previous: last?.hash ?? GENESIS,
      };
      const whole: AuditEntry = { ...body, hash: entryHash(body) };
      await db
        .insertInto('audit')
        .values({ ...whole, details: canonicalJson(whole.details) })
        .execute();

      return whole;
    },
  };
}

async function head(db: Db): Promise<AuditEntry | null> {
  const row = await db.selectFrom('audit').selectAll().orderBy('sequence', 'desc').limit(1).executeTakeFirst();

  return row ? decode(row) : null;
}

function decode(row: { readonly sequence: number; readonly details: string }): AuditEntry {
  try {
    const entry = { ...rows.decodeRow(record, 'audit', row), details: plainObject(JSON.parse(row.details)) };
    // Text that means the same (spaces, a key given twice) was not written by `append`.
    if (canonicalJson(entry.details) !== row.details) throw new TypeError('the details are not as they were written');

    return entry;
  } catch (error) {
    throw new CodedError('AUDIT_BROKEN', `audit entry ${row.sequence} cannot be read`, {
      cause: error,
      details: { sequence: row.sequence, wrong: 'changed' },
    });
  }
}

/** What JSON.parse gave, untouched: a decoder that drops a key (`__proto__`) would hide it from the hash. */
function plainObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };

  throw new TypeError('the details are not an object');
}

/** Optional facts that are not there are left out, as JSON does. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;

  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, withoutUndefined(item)]])),
  );
}
