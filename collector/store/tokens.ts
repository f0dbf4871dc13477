// Table tokens: enrollment tokens by their public part, the secret as a hash only. A token is used once; the same key
// may ask again, because its answer may have been lost.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { z } from 'zod';
import type { Db } from './dialect.ts';
import type { TokenReader, TokenRecord, TokenWriter } from './ports.ts';
import * as rows from './rows.ts';

const record = z.object({
  id: rows.name,
  kind: z.enum(['host', 'admin']),
  secretHash: rows.sha256,
  boundTo: rows.name.nullable(),
  createdBy: rows.name,
  createdAt: rows.timestamp,
  expiresAt: rows.timestamp,
  revokedAt: rows.timestamp.nullable(),
  usedAt: rows.timestamp.nullable(),
  usedByKey: rows.sha256.nullable(),
  usedFor: rows.name.nullable(),
});

export function tokenReader(db: Db): TokenReader {
  return {
    byId: (id) => find(db, id),
    list: async () => {
      const found = await db.selectFrom('tokens').selectAll().orderBy('serial').execute();

      return rows.decodeRows(record, 'tokens', found);
    },
  };
}

export function tokenWriter(db: Db): TokenReader & TokenWriter {
  return {
    ...tokenReader(db),
    add: async (token) => {
      const row = rows.checked(record, 'tokens', token);
      if (await find(db, row.id)) throw new CodedError('ALREADY_EXISTS', `there is a token ${row.id}`);
      await db.insertInto('tokens').values(row).execute();
    },
    use: async (id, use) => {
      const token = await existing(db, id);
      if (token.revokedAt) throw new CodedError('TOKEN_REVOKED', `token ${id} was revoked at ${token.revokedAt}`);
      if (token.usedAt) {
        if (token.usedByKey === use.key && token.usedFor === use.for) return;
        throw new CodedError('TOKEN_USED', `token ${id} was used at ${token.usedAt}`);
      }
      const set = {
        usedAt: rows.checked(rows.timestamp, 'tokens', use.at),
        usedByKey: rows.checked(rows.sha256, 'tokens', use.key),
        usedFor: rows.checked(rows.name, 'tokens', use.for),
      };
      await db.updateTable('tokens').set(set).where('id', '=', id).execute();
    },
    revoke: async (id, at) => {
      const token = await existing(db, id);
      if (token.revokedAt) return;
      const revokedAt = rows.checked(rows.timestamp, 'tokens', at);
      await db.updateTable('tokens').set({ revokedAt }).where('id', '=', id).execute();
    },
  };
}

async function find(db: Db, id: string): Promise<TokenRecord | null> {
  const row = await db.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst();

  return row ? rows.decodeRow(record, 'tokens', row) : null;
}

async function existing(db: Db, id: string): Promise<TokenRecord> {
  const token = await find(db, id);
  if (!token) throw new CodedError('TOKEN_UNKNOWN', `there is no token ${id}`);

  return token;
}
