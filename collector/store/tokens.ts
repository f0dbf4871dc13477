// Tables tokens and tokenUses: enrollment tokens by their public part, the secret as a hash only. A token is used as often as
// it says, each time by another key; the same key may ask again, because its answer may have been lost.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { z } from 'zod';
import { type Db, written } from './dialect.ts';
import { labels } from './hosts.ts';
import type { TokenReader, TokenRecord, TokenUse, TokenWriter } from './ports.ts';
import * as rows from './rows.ts';

const MAX_NETWORKS = 16;
const MAX_NETWORK = 64;

const made = z.object({
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
const uses = z.number().int().positive();
const networks = z.array(z.string().min(1).max(MAX_NETWORK)).max(MAX_NETWORKS);
const added = made.extend({
  uses: uses.default(1),
  networks: networks.default([]),
  labels: labels.default({}),
  mode: rows.mode.nullable().default(null),
  replaces: z.boolean().default(false),
});
const whole = made.extend({
  ...{ uses, used: z.number().int().nonnegative(), networks, labels: rows.json(labels), mode: rows.mode.nullable() },
  replaces: z.union([z.literal(0), z.literal(1)]).transform((flag) => flag === 1),
});
const record = z.preprocess((row) => {
  const { cidr, ...rest } = row as { readonly cidr: string | null };

  return { ...rest, networks: cidr === null ? [] : cidr.split(',') };
}, whole);
const use = z.object({ token: rows.name, key: rows.sha256, host: rows.name, at: rows.timestamp });

const SELECT = `
  select tokens.*, case kind
    when 'host' then (select count(*) from tokenUses where token = tokens.id) else usedAt is not null
  end as used from tokens`;
const BY_ID = `${SELECT} where id = ?`;
const LIST = `${SELECT} order by serial`;

export function tokenReader(db: Db): TokenReader {
  return {
    byId: (id) => find(db, id),
    list: async () => rows.decodeRows(record, 'tokens', (await written(db, LIST, [])).rows),
    useBy: (id, key) => useBy(db, id, key),
  };
}

export function tokenWriter(db: Db): TokenReader & TokenWriter {
  return {
    ...tokenReader(db),
    add: async (token) => {
      const { networks: from, labels: named, replaces, ...row } = rows.checked(added, 'tokens', token);
      if (await find(db, row.id)) throw new CodedError('ALREADY_EXISTS', `there is a token ${row.id}`);
      const cidr = from.length === 0 ? null : from.join(',');
      await db
        .insertInto('tokens')
        .values({ ...row, cidr, labels: JSON.stringify(named), replaces: Number(replaces) })
        .execute();
    },
    use: async (id, { key, at, for: whom }) => {
      const token = await existing(db, id);
      if (token.revokedAt) throw new CodedError('TOKEN_REVOKED', `token ${id} was revoked at ${token.revokedAt}`);
      const before = await useBy(db, id, key);
      if (before?.host === whom) return;
      if (before || token.used >= token.uses) {
        throw new CodedError('TOKEN_USED', `token ${id} was used ${token.used} of ${token.uses} times`);
      }
      const row = rows.checked(use, 'tokenUses', { token: id, key, host: whom, at });
      if (token.kind === 'host') await db.insertInto('tokenUses').values(row).execute();
      if (token.uses > 1) return;
      const set = { usedAt: row.at, usedByKey: row.key, usedFor: row.host };
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
  const [row] = (await written(db, BY_ID, [id])).rows;

  return row === undefined ? null : rows.decodeRow(record, 'tokens', row);
}

/** Of a token for an admin, which is used once, the use is in its own row. */
async function useBy(db: Db, id: string, key: string): Promise<TokenUse | null> {
  const row = await db
    .selectFrom('tokenUses')
    .selectAll()
    .where('token', '=', id)
    .where('key', '=', key)
    .executeTakeFirst();
  if (row) return rows.decodeRow(use, 'tokenUses', row);

  const { usedByKey, usedFor, usedAt } = (await find(db, id)) ?? {};
  if (usedByKey !== key || !usedFor || !usedAt) return null;

  return { token: id, key: usedByKey, host: usedFor, at: usedAt };
}

async function existing(db: Db, id: string): Promise<TokenRecord> {
  const token = await find(db, id);
  if (!token) throw new CodedError('TOKEN_UNKNOWN', `there is no token ${id}`);

  return token;
}
