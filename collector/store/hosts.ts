// Table hosts: who is enrolled, with which certificate, and whether it still may speak. Hosts are revoked, never deleted.
import { setImmediate } from 'node:timers/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import { MAX_LABEL_VALUES, MAX_LABELS } from '@selvage/shared/model/labels.ts';
import { MAX_UNDERSTOOD } from '@selvage/shared/policy/understanding.ts';
import type { Selectable, Updateable } from 'kysely';
import { z } from 'zod';
import { type Db, written } from './dialect.ts';
import type { HostReader, HostRecord, HostWriter, NewHost } from './ports.ts';
import * as rows from './rows.ts';
import type { HostTable } from './schema.ts';

/** Of a fleet, checked before others get their turn. */
const ROWS_AT_ONCE = 500;
/** The same where nothing is known of them from before: most are checked anew. */
const PAGE_ROWS_AT_ONCE = 100;
/** Before every name and id. */
const FIRST = '';
const MAX_MACHINES = 8;
const MAX_AUTHORITIES = 16;

const enrolled = z.object({
  id: rows.hostId,
  name: rows.name,
  state: rows.hostState,
  mode: rows.mode,
  machineId: rows.name,
  enrolledAt: rows.timestamp,
  revokedAt: rows.timestamp.nullable(),
  certificate: rows.sha256,
  certificateExpires: rows.timestamp,
  runnerKey: rows.text,
  agentVersion: rows.text.nullable(),
  lastSeen: rows.timestamp.nullable(),
  key: rows.sha256.nullable().default(null),
  authority: rows.sha256.nullable().default(null),
  owner: rows.text.nullable().default(null),
  token: rows.name.nullable().default(null),
  replaces: rows.hostId.nullable().default(null),
});
/** Label names with their values, as they are kept. */
export const labels = z
  .record(rows.name, z.array(rows.name).max(MAX_LABEL_VALUES))
  .refine((named) => Object.keys(named).length <= MAX_LABELS, `at most ${MAX_LABELS} labels`);
/** What `add` is given: enrolled, and accepted at once unless it says otherwise. */
const added = enrolled.extend({
  acceptedAt: rows.timestamp.nullable().optional(),
  labels: labels.default({}),
  lastAddress: rows.name.nullable().default(null),
});

const onMachine = z.object({ id: rows.hostId, name: rows.name, state: rows.hostState, machineId: rows.name });
const tally = z.object({
  state: rows.hostState,
  acceptedAt: rows.timestamp.nullable(),
  retiredAt: rows.timestamp.nullable(),
  count: z.number().int().positive(),
});

const next = z.object({
  certificate: rows.sha256,
  expires: rows.timestamp,
  key: rows.sha256,
  authority: rows.sha256,
  pem: rows.text,
});
const quarantine = z.object({
  at: rows.timestamp,
  reason: z.enum(['cloned', 'superseded']),
  machines: z.array(rows.name).max(MAX_MACHINES),
  addresses: z.array(rows.name).max(MAX_MACHINES),
});
const door = z.object({ until: rows.timestamp, machine: rows.name.nullable() });
const knock = z.object({
  ...{ at: rows.timestamp, address: rows.name, code: rows.code, entered: rows.timestamp },
  answered: z.literal(true).exactOptional(),
});
const authorities = z.array(rows.sha256).max(MAX_AUTHORITIES);
const understands = z.array(rows.name).max(MAX_UNDERSTOOD);
const sighting = z.object({
  id: rows.hostId,
  at: rows.timestamp,
  agentVersion: rows.text,
  mode: rows.mode,
  address: rows.name,
  clockSkewMs: z.number().transform(Math.round).nullable(),
  authorities,
  understands: understands.nullable(),
});

const whole = enrolled.extend({
  next: next.nullable(),
  authorities: rows.json(authorities),
  quarantine: rows.json(quarantine).nullable(),
  readmit: rows.json(door).nullable(),
  settledAt: rows.timestamp.nullable(),
  knock: rows.json(knock).nullable(),
  lastAddress: rows.name.nullable(),
  clockSkewMs: z.number().nullable(),
  understands: rows.json(understands).nullable(),
  acceptedAt: rows.timestamp.nullable(),
  retiredAt: rows.timestamp.nullable(),
  labels: rows.json(labels),
});

/** The five columns of the next certificate are one value of the record. */
const record = z.preprocess((row) => {
  const { nextCertificate, nextExpires, nextKey, nextAuthority, nextPem, ...rest } = row as Selectable<HostTable>;
  const offer = { certificate: nextCertificate, expires: nextExpires, key: nextKey, authority: nextAuthority };

  return { ...rest, next: nextCertificate === null ? null : { ...offer, pem: nextPem } };
}, whole);

const BY_ID = 'select * from hosts where id = ?';
const BY_MACHINE = `select * from hosts where machineId = ? and state = 'active' order by serial`;
const PAGE = 'select * from hosts where (name, id) > (?, ?) order by name, id limit ?';
const ON_MACHINES = `
  select id, name, state, machineId from hosts
  where machineId in (select value from json_each(?)) and state = 'active' order by serial`;
const SUCCESSOR = 'select * from hosts where replaces = ? order by serial desc limit 1';
const TALLY = `
  select state, max(acceptedAt) as acceptedAt, max(retiredAt) as retiredAt, count(*) as count
  from hosts group by state, acceptedAt is null, retiredAt is null`;
const PENDING = `select * from hosts where acceptedAt is null and state = 'active' order by serial`;
const SEEN = `update hosts set lastSeen = ?, agentVersion = ?, mode = ? where id = ? and state = 'active'`;
const SEEN_ALL = `
  update hosts set
    lastSeen = value ->> 'at', agentVersion = value ->> 'agentVersion', mode = value ->> 'mode',
    lastAddress = value ->> 'address', clockSkewMs = value ->> 'clockSkewMs', authorities = value -> 'authorities',
    understands = value ->> 'understands'
  from json_each(?)
  where hosts.id = value ->> 'id' and hosts.state = 'active'`;
const NO_NEXT = { nextCertificate: null, nextExpires: null, nextKey: null, nextAuthority: null, nextPem: null };

export function hostReader(db: Db): HostReader {
  /** Of the last list, by host: of a fleet few are others from one question to the next, and checking a row costs more than reading it. */
  let listed: ReadonlyMap<unknown, Decoded> = new Map();

  return {
    byId: (id) => find(db, id),
    byName: async (name) => {
      const row = await db
        .selectFrom('hosts')
        .selectAll()
        .where('name', '=', name)
        .orderBy('state')
        .orderBy('serial', 'desc')
        .limit(1)
        .executeTakeFirst();

      return row ? rows.decodeRow(record, 'hosts', row) : null;
    },
    list: async () => {
      // Read at one moment; checking what was read takes many times as long.
      const found = await db.selectFrom('hosts').selectAll().orderBy('name').orderBy('serial').execute();
      const all = new Map<unknown, Decoded>();
      for (const [at, row] of found.entries()) {
        if (at > 0 && at % ROWS_AT_ONCE === 0) await setImmediate();
        const before = listed.get(row.id);
        all.set(
          row.id,
          before && isSame(row, before.row) ? before : { row, record: rows.decodeRow(record, 'hosts', row) },
        );
      }
      listed = all;

      return Array.from(all.values(), (each) => each.record);
    },
    page: async (after, limit) => {
      const { rows: found } = await written(db, PAGE, [after?.name ?? FIRST, after?.id ?? FIRST, limit]);
      const page: HostRecord[] = [];
      for (const [at, row] of (found as Row[]).entries()) {
        if (at > 0 && at % PAGE_ROWS_AT_ONCE === 0) await setImmediate();
        const before = listed.get(row.id);
        page.push(before && isSame(row, before.row) ? before.record : rows.decodeRow(record, 'hosts', row));
      }

      return page;
    },
    byKey: async (key) => {
      const row = await db
        .selectFrom('hosts')
        .selectAll()
        .where((where) => where.or([where('key', '=', key), where('nextKey', '=', key)]))
        .orderBy('serial', 'desc')
        .limit(1)
        .executeTakeFirst();

      return row ? rows.decodeRow(record, 'hosts', row) : null;
    },
    byMachine: async (machineId) => rows.decodeRows(record, 'hosts', (await written(db, BY_MACHINE, [machineId])).rows),
    onMachines: async (machineIds) =>
      rows.decodeRows(onMachine, 'hosts', (await written(db, ON_MACHINES, [JSON.stringify(machineIds)])).rows),
    successor: async (id) => {
      const [row] = (await written(db, SUCCESSOR, [id])).rows;

      return row === undefined ? null : rows.decodeRow(record, 'hosts', row);
    },
    tally: async () => rows.decodeRows(tally, 'hosts', (await written(db, TALLY, [])).rows),
    pending: async () => rows.decodeRows(record, 'hosts', (await written(db, PENDING, [])).rows),
  };
}

export function hostWriter(db: Db): HostReader & HostWriter {
  const set = async (id: HostId, values: Updateable<HostTable>) => {
    await db.updateTable('hosts').set(values).where('id', '=', id).execute();
  };

  return {
    ...hostReader(db),
    add: async (host) => {
      const { acceptedAt, labels: own, ...row } = rows.checked(added, 'hosts', host);
      await refuseDouble(db, row);
      const accepted = acceptedAt === undefined ? row.enrolledAt : acceptedAt;
      await db
        .insertInto('hosts')
        .values({ ...row, acceptedAt: accepted, labels: JSON.stringify(own) })
        .execute();
    },
    revoke: async (id, at) => {
      const host = await existing(db, id);
      if (host.state === 'revoked') return;
      const revokedAt = rows.checked(rows.timestamp, 'hosts', at);
      await set(id, { state: 'revoked', revokedAt, readmit: null });
    },
    accept: async (id, at) => {
      const host = await active(db, id);
      if (host.acceptedAt === null) await set(id, { acceptedAt: rows.checked(rows.timestamp, 'hosts', at) });
    },
    retire: async (id, at) => {
      const host = await existing(db, id);
      if (host.retiredAt !== null) return;
      const retiredAt = rows.checked(rows.timestamp, 'hosts', at);
      await set(id, { state: 'revoked', revokedAt: host.revokedAt ?? retiredAt, retiredAt, readmit: null });
    },
    describe: async (id, said) => {
      await existing(db, id);
      const owner = said.owner === undefined ? {} : { owner: rows.checked(rows.name.nullable(), 'hosts', said.owner) };
      const own = said.labels === undefined ? {} : { labels: text(labels, said.labels) };
      if (Object.keys({ ...owner, ...own }).length > 0) await set(id, { ...owner, ...own });
    },
    renewCertificate: async (id, certificate, expires, from) => {
      await active(db, id);
      await set(id, {
        certificate: rows.checked(rows.sha256, 'hosts', certificate),
        certificateExpires: rows.checked(rows.timestamp, 'hosts', expires),
        key: rows.checked(rows.sha256.nullable(), 'hosts', from?.key ?? null),
        authority: rows.checked(rows.sha256.nullable(), 'hosts', from?.authority ?? null),
        ...NO_NEXT,
      });
    },
    seen: async (id, at: Timestamp, facts) => {
      const { numAffectedRows } = await written(db, SEEN, [
        rows.checked(rows.timestamp, 'hosts', at),
        rows.checked(rows.text, 'hosts', facts.agentVersion),
        rows.checked(rows.mode, 'hosts', facts.mode),
        id,
      ]);
      // Says which it is: unknown or revoked.
      if (numAffectedRows !== 1n) await active(db, id);
    },
    seenAll: async (sighted) => {
      const list = rows.checked(z.array(sighting), 'hosts', sighted);
      await written(db, SEEN_ALL, [JSON.stringify(list)]);
    },
    offer: async (id, offered) => {
      await active(db, id);
      const { certificate, expires, key, authority, pem } = rows.checked(next, 'hosts', offered);
      await set(id, {
        ...{ nextCertificate: certificate, nextExpires: expires, nextKey: key, nextAuthority: authority, nextPem: pem },
      });
    },
    promote: async (id) => {
      const host = await active(db, id);
      if (!host.next) throw new CodedError('STATE', `host ${host.name} has no next certificate`);
      const { certificate, expires, key, authority } = host.next;
      await set(id, {
        ...{
          certificate,
          certificateExpires: expires,
          key,
          authority,
          readmit: null,
          knock: answered(host),
          ...NO_NEXT,
        },
      });
    },
    quarantine: async (id, put) => {
      await active(db, id);
      await set(id, { quarantine: text(quarantine, put), readmit: null, ...NO_NEXT });
    },
    readmit: async (id, at, opened) => {
      const host = await active(db, id);
      await set(id, {
        ...{ quarantine: null, knock: answered(host), readmit: text(door, opened), ...NO_NEXT },
        settledAt: rows.checked(rows.timestamp, 'hosts', at),
        ...(opened.machine === null ? {} : { machineId: opened.machine }),
      });
    },
    knock: async (id, heard) => {
      await active(db, id);
      await set(id, { knock: text(knock, heard) });
    },
  };
}

function answered({ knock: heard }: HostRecord): string | null {
  return heard && text(knock, { ...heard, answered: true });
}

/** JSON of a value that could be read again. Throws STORE_FAILED. */
function text<S extends z.ZodType>(schema: S, value: unknown): string {
  return JSON.stringify(rows.checked(schema, 'hosts', value));
}

async function find(db: Db, id: HostId): Promise<HostRecord | null> {
  const [row] = (await written(db, BY_ID, [id])).rows;

  return row === undefined ? null : decoded(row as Row);
}

type Row = Readonly<Record<string, unknown>>;

/** Rows that were decoded last, by host: one host is read several times while it connects. */
const MAX_DECODED = 256;
const lately = new Map<unknown, Decoded>();

interface Decoded {
  readonly row: Row;
  readonly record: HostRecord;
}

/** Two rows of the same columns. */
function isSame(one: Row, other: Row): boolean {
  for (const column in one) if (one[column] !== other[column]) return false;

  return true;
}

/** The record in a row; the same as before when no column is another. */
function decoded(row: Row): HostRecord {
  const { id } = row;
  const before = lately.get(id);
  if (before && isSame(row, before.row)) return before.record;

  const decodedRow = rows.decodeRow(record, 'hosts', row);
  lately.delete(id);
  lately.set(id, { row, record: decodedRow });
  if (lately.size > MAX_DECODED) {
    const [oldest] = lately.keys();
    lately.delete(oldest);
  }

  return decodedRow;
}

async function existing(db: Db, id: HostId): Promise<HostRecord> {
  const host = await find(db, id);
  if (!host) throw new CodedError('NOT_FOUND', `there is no host ${id}`, { details: { host: id } });

  return host;
}

async function active(db: Db, id: HostId): Promise<HostRecord> {
  const host = await existing(db, id);
  if (host.state !== 'active') {
    throw new CodedError('HOST_REVOKED', `host ${host.name} (${id}) was revoked at ${host.revokedAt}`);
  }

  return host;
}

async function refuseDouble(db: Db, host: NewHost): Promise<void> {
  const double = await db
    .selectFrom('hosts')
    .select(['id', 'name'])
    .where((where) =>
      where.or([where('id', '=', host.id), where.and([where('name', '=', host.name), where('state', '=', 'active')])]),
    )
    .limit(1)
    .executeTakeFirst();
  if (!double || (double.id !== host.id && host.state !== 'active')) return;

  throw new CodedError('ALREADY_EXISTS', `there is an active host ${double.name} (${double.id})`, {
    details: { host: double.id, name: double.name },
  });
}
