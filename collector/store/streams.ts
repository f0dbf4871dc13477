// Table streams: how far each durable stream of a host is committed. Positions only ever grow.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Db } from './dialect.ts';
import type { StreamReader, StreamWriter } from './ports.ts';
import * as rows from './rows.ts';

/** Largest sequence SQLite can hold (signed 64 bit); the wire's uint64 is twice as large. */
const MAX_SEQUENCE = 2n ** 63n - 1n;

const record = z.object({ sequence: z.string().regex(/^\d{1,19}$/) });
const streamName = rows.name;

export function streamReader(db: Db): StreamReader {
  return { position: (host, stream) => position(db, host, stream) };
}

export function streamWriter(db: Db): StreamReader & StreamWriter {
  return {
    ...streamReader(db),
    advance: async (host, stream, sequence) => {
      const current = await position(db, host, stream);
      if (sequence < 1n || sequence > MAX_SEQUENCE) {
        throw new CodedError('FRAME_INVALID', `sequence ${sequence} of stream ${stream} is out of range`);
      }
      if (sequence < current) {
        throw new CodedError(
          'STATE',
          `stream ${stream} of ${host} is at ${current}; it never goes back to ${sequence}`,
        );
      }
      await db
        .insertInto('streams')
        .values({ host, stream: rows.checked(streamName, 'streams', stream), sequence })
        .onConflict((conflict) => conflict.columns(['host', 'stream']).doUpdateSet({ sequence }))
        .execute();
    },
  };
}

async function position(db: Db, host: HostId, stream: string): Promise<bigint> {
  const row = await db
    .selectFrom('streams')
    .select(sql<string>`cast(sequence as text)`.as('sequence'))
    .where('host', '=', host)
    .where('stream', '=', stream)
    .executeTakeFirst();

  return row ? BigInt(rows.decodeRow(record, 'streams', row).sequence) : 0n;
}
