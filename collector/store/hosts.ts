// Table hosts: who is enrolled, with which certificate, and whether it still may speak. Hosts are revoked, never deleted.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import { z } from 'zod';
import type { Db } from './dialect.ts';
import type { HostReader, HostRecord, HostWriter } from './ports.ts';
import * as rows from './rows.ts';

const record = z.object({
  id: rows.hostId,
  name: rows.name,
  state: z.enum(['active', 'revoked']),
  mode: rows.mode,
  machineId: rows.name,
  enrolledAt: rows.timestamp,
  revokedAt: rows.timestamp.nullable(),
  certificate: rows.sha256,
  certificateExpires: rows.timestamp,
  runnerKey: rows.text,
  agentVersion: rows.text.nullable(),
  lastSeen: rows.timestamp.nullable(),
});

export function hostReader(db: Db): HostReader {
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
      const found = await db.selectFrom('hosts').selectAll().orderBy('name').orderBy('serial').execute();

      return rows.decodeRows(record, 'hosts', found);
    },
  };
}

export function hostWriter(db: Db): HostReader & HostWriter {
  return {
    ...hostReader(db),
    add: async (host) => {
      const row = rows.checked(record, 'hosts', host);
      await refuseDouble(db, row);
      await db.insertInto('hosts').values(row).execute();
    },
    revoke: async (id, at) => {
      const host = await existing(db, id);
      if (host.state === 'revoked') return;
      const revokedAt = rows.checked(rows.timestamp, 'hosts', at);
      await db.updateTable('hosts').set({ state: 'revoked', revokedAt }).where('id', '=', id).execute();
    },
    renewCertificate: async (id, certificate, expires) => {
      await active(db, id);
      const set = {
        certificate: rows.checked(rows.sha256, 'hosts', certificate),
        certificateExpires: rows.checked(rows.timestamp, 'hosts', expires),
      };
      await db.updateTable('hosts').set(set).where('id', '=', id).execute();
    },
    seen: async (id, at: Timestamp, facts) => {
      await active(db, id);
      const set = {
        lastSeen: rows.checked(rows.timestamp, 'hosts', at),
        agentVersion: rows.checked(rows.text, 'hosts', facts.agentVersion),
        mode: rows.checked(rows.mode, 'hosts', facts.mode),
      };
      await db.updateTable('hosts').set(set).where('id', '=', id).execute();
    },
  };
}

async function find(db: Db, id: HostId): Promise<HostRecord | null> {
  const row = await db.selectFrom('hosts').selectAll().where('id', '=', id).executeTakeFirst();

  return row ? rows.decodeRow(record, 'hosts', row) : null;
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

async function refuseDouble(db: Db, host: HostRecord): Promise<void> {
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
