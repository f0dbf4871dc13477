// Table streams: how far each durable stream of a host is committed. Positions only ever grow.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { z } from 'zod';
import { type Db, written } from './dialect.ts';
import type { StreamReader, StreamWriter } from './ports.ts';
import * as rows from './rows.ts';

/** Largest sequence SQLite can hold (signed 64 bit); the wire's uint64 is twice as large. */
const MAX_SEQUENCE = 2n ** 63n - 1n;

const sequence = z
  .string()
  .regex(/^\d{1,19}$/)
  .transform((digits) => BigInt(digits));
const record = z.object({ sequence });
const sender = z.object({
  id: rows.hostId,
  name: rows.name,
  state: rows.hostState,
  mode: rows.mode,
  agentVersion: rows.text.nullable(),
  acceptedAt: rows.timestamp.nullable(),
  quarantined: z.union([z.literal(0), z.literal(1)]).transform((flag) => flag === 1),
  position: sequence,
});
const streamName = rows.name;

const POSITION = 'select cast(sequence as text) as sequence from streams where host = ? and stream = ?';
const SENDER = `
  select id, name, state, mode, agentVersion, acceptedAt, quarantine is not null as quarantined,
    ifnull((select cast(sequence as text) from streams where host = hosts.id and stream = ?), '0') as position
  from hosts where id = ?`;
const ADVANCE = `
  insert into streams (host, stream, sequence) values (?, ?, ?)
  on conflict (host, stream) do update set sequence = excluded.sequence where excluded.sequence >= sequence`;

export function streamReader(db: Db): StreamReader {
  return {
    position: (host, stream) => position(db, host, stream),
    sender: async (host, stream) => {
      const [row] = (await written(db, SENDER, [stream, host])).rows;

      return row === undefined ? null : rows.decodeRow(sender, 'hosts', row);
    },
  };
}

export function streamWriter(db: Db): StreamReader & StreamWriter {
  return {
    ...streamReader(db),
    advance: async (host, stream, to) => {
      if (to < 1n || to > MAX_SEQUENCE) {
        throw new CodedError('FRAME_INVALID', `sequence ${to} of stream ${stream} is out of range`);
      }
      const named = rows.checked(streamName, 'streams', stream);
      const { numAffectedRows } = await written(db, ADVANCE, [host, named, to]);
      if (numAffectedRows === 1n) return;

      const current = await position(db, host, stream);
      throw new CodedError('STATE', `stream ${stream} of ${host} is at ${current}; it never goes back to ${to}`);
    },
  };
}

async function position(db: Db, host: HostId, stream: string): Promise<bigint> {
  const [row] = (await written(db, POSITION, [host, stream])).rows;

  return row === undefined ? 0n : rows.decodeRow(record, 'streams', row).sequence;
}
