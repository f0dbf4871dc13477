// Writes what feeds say: a generation beside the current one, in as many transactions as its owner likes, and takes old ones away in
// steps as small. Only `makeCurrent` changes what anybody reads.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { z } from 'zod';
import { type Db, written } from './dialect.ts';
import type { FeedReader, FeedRowKind, FeedWriter, Leftover } from './feed-ports.ts';
import { feedReader } from './feeds.ts';
import * as rows from './rows.ts';

const serial = z.number().int().positive();

const PUT: Readonly<Record<FeedRowKind, string>> = {
  rules: `
    insert into feedRules (generation, ecosystem, package, hash, rules)
    select ?, value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each(?)`,
  facts: `
    insert into feedFacts (generation, cve, facts) select ?, value ->> 0, value ->> 1 from json_each(?) where true
    on conflict (generation, cve) do update set facts = excluded.facts`,
  bulletins: `
    insert into feedBulletins (generation, id, vendor, published, bulletin)
    select ?, value ->> 0, value ->> 1, value ->> 2, value ->> 3 from json_each(?) where true
    on conflict (generation, id) do update set vendor = excluded.vendor, published = excluded.published,
      bulletin = excluded.bulletin`,
  bulletinCves: `
    insert into feedBulletinCves (generation, cve, id) select ?, value ->> 0, value ->> 1 from json_each(?) where true
    on conflict do nothing`,
  cycles: `
    insert into feedCycles (generation, product, cycle, data)
    select ?, value ->> 0, value ->> 1, value ->> 2 from json_each(?) where true
    on conflict (generation, product, cycle) do update set data = excluded.data`,
};
const IS_CURRENT = 'select 1 from feeds where generation = ?';
const BEGIN = 'insert into feedGenerations (feed, startedAt) values (?, ?) returning generation';
const SEAL = `
  insert into feedEcosystems (generation, ecosystem, packages) select ?, value ->> 0, value ->> 1 from json_each(?)`;
const SEALED = `
  select ecosystem, packages from feedEcosystems join feeds on feeds.generation = feedEcosystems.generation
  where feeds.name = ? order by ecosystem`;
const KNOWN = 'insert into feeds (name) values (?) on conflict do nothing';
const NEWEST = 'select max(generation) as generation from feedGenerations where feed = ?';
const CURRENT = `
  update feeds set previous = generation, generation = ?, asOf = ?, importedAt = ?, checkedAt = ?, records = ?, skipped = ?,
    sha256 = ?, format = ?, etag = ?, lastModified = ?, errorCode = null, errorReason = null, errorAt = null
  where name = ? returning previous`;
const LEFTOVERS = `
  select feedGenerations.generation as generation, iif(feeds.previous is null, 'all', 'rules') as "drop"
  from feedGenerations left join feeds on feeds.previous = feedGenerations.generation
  where feedGenerations.generation not in (select generation from feeds where generation is not null)
    and (feeds.previous is null or emptied = 0)
  order by feedGenerations.generation`;
/** In the order of their keys, so that a step touches few pages. Generation, generation, rows. */
const DROPS: readonly string[] = [
  ['feedFacts', 'cve'],
  ['feedBulletins', 'id'],
  ['feedBulletinCves', 'cve, id'],
  ['feedCycles', 'product, cycle'],
].map(
  ([table, key]) => `
  delete from ${table} where generation = ? and (${key}) in (
    select ${key} from ${table} where generation = ? order by ${key} limit ?)`,
);
const DROP_RULES = `
  delete from feedRules where generation = ? and serial in (
    select serial from feedRules where generation = ? order by ecosystem, package limit ?)`;
/** A long text goes, the hash stays. */
const EMPTY_RULES = `
  update feedRules set rules = '' where generation = ? and serial in (
    select serial from feedRules where generation = ? and rules <> '' limit ?)`;
const UNSEAL = 'delete from feedEcosystems where generation = ?';
const EMPTIED = 'update feedGenerations set emptied = 1 where generation = ?';
const FORGET = 'delete from feedGenerations where generation = ?';

export function feedWriter(db: Db): FeedReader & FeedWriter {
  return {
    ...feedReader(db),
    begin: async (feed, at) => {
      const { rows: begun } = await written(db, BEGIN, [rows.checked(rows.name, 'feedGenerations', feed), at]);

      return rows.decodeRow(z.object({ generation: serial }), 'feedGenerations', begun[0]).generation;
    },
    put: async (generation, { kind, json }) => {
      if ((await written(db, IS_CURRENT, [generation])).rows.length > 0) throw current(generation);
      await written(db, PUT[kind], [generation, json]);
    },
    seal: async (generation, ecosystems) => {
      const list = ecosystems.map(({ ecosystem, packages }) => [ecosystem, packages]);
      await written(db, SEAL, [generation, JSON.stringify(list)]);
    },
    sealed: async (feed) => {
      const shape = z.object({ ecosystem: z.string(), packages: z.number().int().nonnegative() });

      return rows.decodeRows(shape, 'feedEcosystems', (await written(db, SEALED, [feed])).rows);
    },
    makeCurrent: async (feed, generation, given) => {
      const { rows: newest } = await written(db, NEWEST, [feed]);
      const last = rows.decodeRow(z.object({ generation: serial.nullable() }), 'feedGenerations', newest[0]).generation;
      if (last !== generation) throw new CodedError('STATE', `generation ${generation} is not the newest of ${feed}`);
      await written(db, KNOWN, [feed]);
      const { asOf, importedAt, records, skipped, sha256, format, etag, lastModified } = given;
      const { rows: changed } = await written(db, CURRENT, [
        ...[generation, asOf, importedAt, importedAt, records, skipped, sha256, format, etag, lastModified, feed],
      ]);

      return { from: rows.decodeRow(z.object({ previous: serial.nullable() }), 'feeds', changed[0]).previous };
    },
    note: (feed, seen) => note(db, feed, seen),
    leftovers: async (writing) => {
      const shape = z.object({ generation: serial, drop: z.enum(['all', 'rules']) });
      const all = rows.decodeRows(shape, 'feedGenerations', (await written(db, LEFTOVERS, [])).rows);

      return all.filter(({ generation }) => !writing.has(generation));
    },
    drop: (leftover, limit) => drop(db, leftover, limit),
  };
}

async function note(db: Db, feed: string, seen: Parameters<FeedWriter['note']>[1]): Promise<void> {
  await written(db, KNOWN, [rows.checked(rows.name, 'feeds', feed)]);
  const changes: [string, unknown][] = [
    ...(seen.checkedAt === undefined ? [] : [['checkedAt', seen.checkedAt] as [string, unknown]]),
    ...(seen.etag === undefined ? [] : [['etag', seen.etag] as [string, unknown]]),
    ...(seen.lastModified === undefined ? [] : [['lastModified', seen.lastModified] as [string, unknown]]),
  ];
  if (seen.error !== undefined) {
    const { code, reason, at } = seen.error ?? { code: null, reason: null, at: null };
    changes.push(['errorCode', code], ['errorReason', reason], ['errorAt', at]);
  }
  if (changes.length === 0) return;
  const columns = changes.map(([column]) => `${column} = ?`).join(', ');
  await written(db, `update feeds set ${columns} where name = ?`, [...changes.map(([, value]) => value), feed]);
}

async function drop(db: Db, { generation, drop: what }: Leftover, limit: number): Promise<boolean> {
  if ((await written(db, IS_CURRENT, [generation])).rows.length > 0) throw current(generation);
  for (const text of [...DROPS, what === 'all' ? DROP_RULES : EMPTY_RULES]) {
    const { numAffectedRows = 0n } = await written(db, text, [generation, generation, limit]);
    if (numAffectedRows > 0n) return true;
  }
  // Last: as long as it is there, the generation is known to be left over.
  await written(db, UNSEAL, [generation]);
  await written(db, what === 'all' ? FORGET : EMPTIED, [generation]);

  return false;
}

function current(generation: number): CodedError {
  return new CodedError('STATE', `generation ${generation} is current: nothing is added to it or taken from it`);
}
