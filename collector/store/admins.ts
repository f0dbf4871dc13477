// Table admins: who may use the API, by client certificate, and which key signs for whom. Revoked, never deleted.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Selectable } from 'kysely';
import { z } from 'zod';
import type { Db } from './dialect.ts';
import type { AdminReader, AdminRecord, AdminWriter } from './ports.ts';
import * as rows from './rows.ts';
import type { AdminTable } from './schema.ts';

const enrolled = z.object({
  name: rows.name,
  role: z.enum(['admin', 'reader']),
  state: z.enum(['active', 'revoked']),
  certificate: rows.sha256,
  certificateExpires: rows.timestamp,
  keyId: rows.name.nullable(),
  addedAt: rows.timestamp,
  revokedAt: rows.timestamp.nullable(),
});

const offered = z.object({ certificate: rows.sha256, expires: rows.timestamp });
const record = z.preprocess(
  (row) => {
    const { nextCertificate, nextExpires, ...rest } = row as Selectable<AdminTable>;

    return nextCertificate === null ? rest : { ...rest, next: { certificate: nextCertificate, expires: nextExpires } };
  },
  enrolled.extend({ next: offered.exactOptional() }),
);

const NO_NEXT = { nextCertificate: null, nextExpires: null };

export function adminReader(db: Db): AdminReader {
  return {
    byName: (name) => find(db, name),
    byCertificate: async (fingerprint) => {
      const row = await db
        .selectFrom('admins')
        .selectAll()
        .where((where) =>
          where.or([where('certificate', '=', fingerprint), where('nextCertificate', '=', fingerprint)]),
        )
        .executeTakeFirst();

      return row ? rows.decodeRow(record, 'admins', row) : null;
    },
    list: async () => {
      const found = await db.selectFrom('admins').selectAll().orderBy('name').orderBy('serial').execute();

      return rows.decodeRows(record, 'admins', found);
    },
  };
}

export function adminWriter(db: Db): AdminReader & AdminWriter {
  return {
    ...adminReader(db),
    add: async (admin) => {
      const row = rows.checked(enrolled, 'admins', admin);
      const other = await find(db, row.name);
      if (other?.state === 'active' && row.state === 'active') {
        throw new CodedError('ALREADY_EXISTS', `there is an active admin ${row.name}`);
      }
      await refuseCertificate(db, row.certificate, null);
      await db.insertInto('admins').values(row).execute();
    },
    revoke: async (name, at) => {
      const admin = await existing(db, name);
      if (admin.state === 'revoked') return;
      const revokedAt = rows.checked(rows.timestamp, 'admins', at);
      await db
        .updateTable('admins')
        .set({ state: 'revoked', revokedAt })
        .where('name', '=', name)
        .where('state', '=', 'active')
        .execute();
    },
    renewCertificate: async (name, certificate, expires) => {
      const admin = await existing(db, name);
      if (admin.state !== 'active')
        throw new CodedError('FORBIDDEN', `admin ${name} was revoked at ${admin.revokedAt}`);
      const set = {
        certificate: rows.checked(rows.sha256, 'admins', certificate),
        certificateExpires: rows.checked(rows.timestamp, 'admins', expires),
        ...NO_NEXT,
      };
      await refuseCertificate(db, set.certificate, admin);
      await db.updateTable('admins').set(set).where('name', '=', name).where('state', '=', 'active').execute();
    },
    offer: async (name, next) => {
      const admin = await existing(db, name);
      if (admin.state !== 'active') throw new CodedError('ADMIN_REVOKED', `admin ${name} is revoked`);
      const { certificate, expires } = rows.checked(offered, 'admins', next);
      await refuseCertificate(db, certificate, admin);
      const set = { nextCertificate: certificate, nextExpires: expires };
      await db.updateTable('admins').set(set).where('name', '=', name).where('state', '=', 'active').execute();
    },
    promote: async (name) => {
      const { next } = await existing(db, name);
      if (!next) throw new CodedError('STATE', `admin ${name} has no next certificate`);
      const set = { certificate: next.certificate, certificateExpires: next.expires, ...NO_NEXT };
      await db.updateTable('admins').set(set).where('name', '=', name).where('state', '=', 'active').execute();
    },
    replaceKey: async (name, keyId) => {
      const set = { keyId: rows.checked(rows.name, 'admins', keyId) };
      await existing(db, name);
      await db.updateTable('admins').set(set).where('name', '=', name).where('state', '=', 'active').execute();
    },
  };
}

/** The active admin of that name, else the newest revoked one. */
async function find(db: Db, name: string): Promise<AdminRecord | null> {
  const row = await db
    .selectFrom('admins')
    .selectAll()
    .where('name', '=', name)
    .orderBy('state')
    .orderBy('serial', 'desc')
    .limit(1)
    .executeTakeFirst();

  return row ? rows.decodeRow(record, 'admins', row) : null;
}

async function existing(db: Db, name: string): Promise<AdminRecord> {
  const admin = await find(db, name);
  if (!admin) throw new CodedError('NOT_FOUND', `there is no admin ${name}`, { details: { admin: name } });

  return admin;
}

/** One certificate is one person's: a fingerprint that two records shared would name the wrong one. */
async function refuseCertificate(db: Db, certificate: string, owner: AdminRecord | null): Promise<void> {
  const other = await adminReader(db).byCertificate(rows.checked(rows.sha256, 'admins', certificate));
  if (!other || (owner && other.name === owner.name && other.state === 'active')) return;

  throw new CodedError('ALREADY_EXISTS', `the certificate belongs to admin ${other.name}`);
}
