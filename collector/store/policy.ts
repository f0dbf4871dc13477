// Table policyFiles: the files of the signed repository, as bytes. Metadata lies at the top ("7.snapshot.json") and is
// replaced by name; targets lie in folders and are kept per hash. It checks no signature: collector/policy has done so.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Db } from './dialect.ts';
import type { PolicyFileRecord, PolicyReader, PolicyWriter } from './ports.ts';
import * as rows from './rows.ts';

const TIMESTAMP = 'timestamp.json';
const listed = z.object({ name: rows.name, sha256: rows.sha256 });
const stored = z.object({ content: rows.bytes });
const timestampMetadata = z.object({ signed: z.object({ version: z.number().int().positive() }) });

export function policyReader(db: Db): PolicyReader {
  return {
    file: (name, hash) => file(db, name, hash),
    names: async () => {
      const found = await db.selectFrom('policyFiles').select(['name', 'sha256']).orderBy('serial').execute();

      return rows.decodeRows(listed, 'policyFiles', found);
    },
  };
}

export function policyWriter(db: Db): PolicyReader & PolicyWriter {
  return {
    ...policyReader(db),
    put: async (files, expectedTimestampVersion) => {
      const current = await timestampVersion(db);
      if (current !== expectedTimestampVersion) {
        throw new CodedError(
          'POLICY_CONFLICT',
          `the repository is at timestamp version ${current}, not ${expectedTimestampVersion}`,
          { details: { current, expected: expectedTimestampVersion } },
        );
      }
      for (const record of files) await putFile(db, record);
    },
    prune: async (keep, metadata) => {
      await db
        .deleteFrom('policyFiles')
        .where('name', 'like', '%/%')
        .where(
          sql<boolean>`not exists (select 1 from json_each(${JSON.stringify(keep)}) as kept
            where kept.value ->> 'name' = policyFiles.name and kept.value ->> 'sha256' = policyFiles.sha256)`,
        )
        .execute();
      if (metadata === undefined) return;
      await db
        .deleteFrom('policyFiles')
        .where('name', 'not like', '%/%')
        .where(
          sql<boolean>`not exists (select 1 from json_each(${JSON.stringify(metadata)}) as kept
            where kept.value = policyFiles.name)`,
        )
        .execute();
    },
  };
}

async function putFile(db: Db, record: PolicyFileRecord): Promise<void> {
  const { name, sha256: hash } = rows.checked(listed, 'policyFiles', record);
  if (sha256(record.content) !== hash) {
    throw new CodedError('STORE_FAILED', `policy file ${name} does not have the hash ${hash} it came with`);
  }
  if (!name.includes('/')) await db.deleteFrom('policyFiles').where('name', '=', name).execute();
  await db
    .insertInto('policyFiles')
    .values({ name, sha256: hash, content: record.content })
    .onConflict((conflict) => conflict.columns(['name', 'sha256']).doNothing())
    .execute();
}

/** By name and hash; without a hash the newest of that name. */
async function file(db: Db, name: string, hash?: string): Promise<Uint8Array | null> {
  const row = await db
    .selectFrom('policyFiles')
    .select('content')
    .where('name', '=', name)
    .$if(hash !== undefined, (query) => query.where('sha256', '=', hash ?? ''))
    .orderBy('serial', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (!row) return null;

  // A plain Uint8Array: what was a Buffer would serialise and compare differently.
  return new Uint8Array(rows.decodeRow(stored, 'policyFiles', row).content);
}

/** 0 before the first push. */
async function timestampVersion(db: Db): Promise<number> {
  const content = await file(db, TIMESTAMP);
  if (!content) return 0;

  try {
    const metadata: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(content));

    return rows.decodeRow(timestampMetadata, 'policyFiles', metadata).signed.version;
  } catch (error) {
    throw new CodedError('STORE_FAILED', `the stored ${TIMESTAMP} cannot be read`, { cause: error });
  }
}
