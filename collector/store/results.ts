// Table results: what runners did, with the exact bytes they signed. Nothing here is ever changed or dropped.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { runResult } from '@selvage/shared/model/result.ts';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Db } from './dialect.ts';
import type { ResultReader, ResultWriter, StoredResult } from './ports.ts';
import * as rows from './rows.ts';

const json = z.string().transform((value, context) => {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    context.addIssue({ code: 'custom', message: 'not JSON' });

    return z.NEVER;
  }
});
const record = z.object({ host: rows.hostId, receivedAt: rows.timestamp, result: json.pipe(runResult) });
const serialRecord = record.extend({ serial: z.number().int(), payloadSha256: rows.sha256 });
const COLUMNS = ['host', 'receivedAt', 'result'] as const;

export function resultReader(db: Db): ResultReader {
  return {
    /** Newest first. */
    ofHost: async (host, limit) => {
      const found = await db
        .selectFrom('results')
        .select(COLUMNS)
        .where('host', '=', host)
        .orderBy('serial', 'desc')
        .limit(limit)
        .execute();

      return decode(found);
    },
    /** In the order they came. */
    ofApproval: async (approval) => {
      const found = await db
        .selectFrom('results')
        .select(COLUMNS)
        .where('approval', '=', approval)
        .orderBy('serial')
        .execute();

      return decode(found);
    },
    after: async (host, serial, limit) => {
      const found = await db
        .selectFrom('results')
        .select(['serial', 'payloadSha256', ...COLUMNS])
        .where('host', '=', host)
        .where('serial', '>', serial)
        .orderBy('serial')
        .limit(limit)
        .execute();

      return rows.decodeRows(serialRecord, 'results', found);
    },
    has: async (host, number, payloadSha256) => {
      const found = await db
        .selectFrom('results')
        .select('serial')
        .where('host', '=', host)
        .where('number', '=', number)
        .where('payloadSha256', '=', payloadSha256)
        .executeTakeFirst();

      return found !== undefined;
    },
    countNumbers: async (host, first, last) => {
      const counted = await db
        .selectFrom('results')
        .select(sql<number>`count(distinct number)`.as('count'))
        .where('host', '=', host)
        .where('number', '>=', sql<number>`${first}`)
        .where('number', '<=', sql<number>`${last}`)
        .executeTakeFirstOrThrow();

      return Number(counted.count);
    },
  };
}

export function resultWriter(db: Db): ResultReader & ResultWriter {
  return {
    ...resultReader(db),
    put: async (host, receivedAt, result, signed) => {
      const fields = rows.checked(runResult, 'results', result);
      if (fields.hostId !== host) {
        throw new CodedError('FRAME_WRONG_HOST', `host ${host} sent result ${fields.number} of host ${fields.hostId}`);
      }
      await db
        .insertInto('results')
        .values({
          host,
          number: fields.number,
          // Part of the key: a runner whose folder was wiped counts from 1 again, and neither result may be lost.
          payloadSha256: sha256(signed.payload),
          receivedAt: rows.checked(rows.timestamp, 'results', receivedAt),
          approval: fields.approval,
          result: JSON.stringify(fields),
          payload: signed.payload,
          signature: signed.signature,
        })
        .onConflict((conflict) => conflict.columns(['host', 'number', 'payloadSha256']).doNothing())
        .execute();
    },
  };
}

function decode(found: readonly unknown[]): StoredResult[] {
  return rows.decodeRows(record, 'results', found);
}
