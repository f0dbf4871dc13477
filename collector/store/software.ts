// Tables software, softwareVariants, softwareMatches, packageSince, machineSoftware and matchedFeeds. Everything is read page by page;
// what was written here is checked for its outer shape only: a fleet's matches are large and its own.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { z } from 'zod';
import type { Match } from '../matching/match.ts';
import { type Software, softwareKey } from '../matching/software.ts';
import { type Db, written } from './dialect.ts';
import { labels } from './hosts.ts';
import * as rows from './rows.ts';
import type { Binary, SoftwareMatches, SoftwareReader, SoftwareWriter, Variant, VariantId } from './software-ports.ts';

/** Bytes of the matches of one piece of software: a kernel of years has two million. */
const MAX_MATCHES_JSON = 64 * 1024 * 1024;
/** Bytes of what else is kept of a machine: thousands of processes and sockets. */
const MAX_FACTS_JSON = 16 * 1024 * 1024;
/** Sections that a machine's list is made of. */
const BASIS = [
  'agent',
  'kernel',
  'languagePackages',
  'listeners',
  'os',
  'packages',
  'repositories',
  'staleProcesses',
  'updates',
] as const;

/** Characters of matches that travel with others in one parameter; a longer text would be copied more often than it is worth. */
const SMALL = 2000;

const id = z.number().int().positive();
const MAX_NAME = 4096;
const name = z.string().max(MAX_NAME);
const software = z
  .tuple([
    name,
    name,
    name,
    name,
    name.nullable(),
    z.enum(['running', 'installed']).nullable(),
    name.nullable(),
    name.optional(),
  ])
  .transform(
    ([ecosystem, is, version, source, module, kernel, origin, sourceVersion]): Software => ({
      ...{ ecosystem, name: is, version, source, module, kernel, origin },
      ...(sourceVersion === undefined ? {} : { sourceVersion }),
    }),
  );
const ownJson = <T>(most: number, fits: (value: unknown) => value is T) =>
  z
    .string()
    .max(most)
    .transform((text, context) => {
      try {
        const value: unknown = JSON.parse(text);
        if (fits(value)) return value;
      } catch {
        // Said below: whatever it is, it is not what was written.
      }
      context.addIssue({ code: 'custom', message: 'not the JSON that was written' });

      return z.NEVER;
    });
const isList = <T>(value: unknown): value is readonly T[] => Array.isArray(value);
const isRecord = (value: unknown): value is Readonly<Record<string, SoftwareMatches['matchedAt'] & string>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const softwareJson = rows.json(software);
const row = z.object({ id, key: softwareJson });
const keyed = z.object({ id, key: z.string() });
const variant = z.object({ id, software: id, binaries: ownJson(MAX_FACTS_JSON, isList<Binary>) });
const variantKeyed = z.object({ id, software: id, binaries: z.string() });
const matched = z.object({
  id,
  matchedAt: rows.timestamp,
  matches: ownJson(MAX_MATCHES_JSON, isList<Match>),
});
const since = z.object({ ecosystem: name, package: name, since: ownJson(MAX_MATCHES_JSON, isRecord) });
const machine = z.object({
  machine: rows.name,
  basis: z.string(),
  list: rows.bytes,
  facts: z.string().max(MAX_FACTS_JSON),
});
const basis = z.object({ host: rows.hostId, takenAt: rows.timestamp, sections: z.string() });
const host = z.object({ id: rows.hostId, name: rows.name, enrolledAt: rows.timestamp, labels: rows.json(labels) });
const feed = z.object({ feed: rows.name, generation: z.number().int() });

const SELECT_SOFTWARE = 'select id, key from software where id > ? order by id limit ?';
const VARIANTS = 'select id, software, binaries from softwareVariants where id > ? order by id limit ?';
const MATCHES = `
  select software as id, matchedAt, matches from softwareMatches where software > ? order by software limit ?`;
const SINCE = `
  select ecosystem, package, since from packageSince where (ecosystem, package) > (?, ?)
  order by ecosystem, package limit ?`;
const MACHINES = 'select machine, basis, list, facts from machineSoftware where machine > ? order by machine limit ?';
const MACHINE = 'select machine, basis, list, facts from machineSoftware where machine = ?';
const BASES = `
  select reports.host as host, takenAt,
    ifnull(group_concat(name || ' ' || ifnull(sha256, problemCode), ';' order by name), '') as sections
  from reports left join reportSections on reportSections.host = reports.host
    and name in (${BASIS.map((one) => `'${one}'`).join(', ')})
  where reports.host > ? and exists (select 1 from hosts where hosts.id = reports.host and state = 'active' and acceptedAt is not null)
  group by reports.host order by reports.host limit ?`;
const BASIS_OF = BASES.replace('reports.host > ?', 'reports.host = ?');
const HOSTS = `
  select id, name, enrolledAt, labels from hosts where state = 'active' and acceptedAt is not null and id > ? order by id limit ?`;
const FEEDS = 'select feed, generation from matchedFeeds';
const INTERN = `
  insert into software (key) select value from json_each(?) where true on conflict (key) do nothing returning id, key`;
const INTERNED = 'select id, key from software where key in (select value from json_each(?))';
const INTERN_VARIANTS = `
  insert into softwareVariants (software, binaries) select value ->> 0, value ->> 1 from json_each(?) where true
  on conflict (software, binaries) do nothing returning id, software, binaries`;
const INTERNED_VARIANTS = `
  select softwareVariants.id as id, softwareVariants.software as software, softwareVariants.binaries as binaries
  from json_each(?) join softwareVariants
  on softwareVariants.software = value ->> 0 and softwareVariants.binaries = value ->> 1`;
const PUT_MACHINE = `
  insert into machineSoftware (machine, basis, list, facts) values (?, ?, ?, ?)
  on conflict (machine) do update set basis = excluded.basis, list = excluded.list, facts = excluded.facts`;
const PUT_MATCHES = `
  insert into softwareMatches (software, matchedAt, matches) values (?, ?, ?)
  on conflict (software) do update set matchedAt = excluded.matchedAt, matches = excluded.matches`;
const PUT_SMALL_MATCHES = `
  insert into softwareMatches (software, matchedAt, matches)
  select value ->> 0, value ->> 1, value ->> 2 from json_each(?) where true
  on conflict (software) do update set matchedAt = excluded.matchedAt, matches = excluded.matches`;
const PUT_SINCE = `
  insert into packageSince (ecosystem, package, since)
  select value ->> 0, value ->> 1, value ->> 2 from json_each(?) where true
  on conflict (ecosystem, package) do update set since = excluded.since`;
const PUT_FEED = `
  insert into matchedFeeds (feed, generation) values (?, ?) on conflict (feed) do update set generation = excluded.generation`;
const DROP_SOFTWARE = [
  'delete from softwareMatches where software in (select value from json_each(?))',
  'delete from softwareVariants where software in (select value from json_each(?))',
  'delete from software where id in (select value from json_each(?))',
];

export function softwareReader(db: Db): SoftwareReader {
  const all = async <S extends z.ZodType>(shape: S, table: string, text: string, parameters: readonly unknown[]) =>
    rows.decodeRows(shape, table, (await written(db, text, parameters)).rows);

  return {
    software: async (after, limit) =>
      (await all(row, 'software', SELECT_SOFTWARE, [after, limit])).map(({ id: is, key }) => ({
        id: is,
        software: key,
      })),
    variants: (after, limit) => all(variant, 'softwareVariants', VARIANTS, [after, limit]),
    matches: (after, limit) => all(matched, 'softwareMatches', MATCHES, [after, limit]),
    since: (after, limit) => all(since, 'packageSince', SINCE, [after?.ecosystem ?? '', after?.package ?? '', limit]),
    machines: (after, limit) => all(machine, 'machineSoftware', MACHINES, [after, limit]),
    machine: async (key) => (await all(machine, 'machineSoftware', MACHINE, [key]))[0] ?? null,
    hosts: (after, limit) => all(host, 'hosts', HOSTS, [after ?? '', limit]),
    bases: (after, limit) => all(basis, 'reports', BASES, [after ?? '', limit]),
    basis: async (host: HostId) => (await all(basis, 'reports', BASIS_OF, [host, 1]))[0] ?? null,
    matchedFeeds: async () =>
      new Map((await all(feed, 'matchedFeeds', FEEDS, [])).map((one) => [one.feed, one.generation])),
  };
}

export function softwareWriter(db: Db): SoftwareReader & SoftwareWriter {
  return {
    ...softwareReader(db),
    intern: (list) => intern(db, list),
    internVariants: (list) => internVariants(db, list),
    putMachine: async (put) => {
      const { machine: key, basis: of, list, facts } = rows.checked(machine, 'machineSoftware', put);
      await written(db, PUT_MACHINE, [key, of, list, facts]);
    },
    dropMachine: async (key) => {
      await written(db, 'delete from machineSoftware where machine = ?', [key]);
    },
    putMatches: async (list) => {
      const small = list.filter(({ json }) => json.length <= SMALL);
      await written(db, PUT_SMALL_MATCHES, [
        JSON.stringify(small.map(({ id: of, matchedAt, json }) => [of, matchedAt, json])),
      ]);
      for (const { id: of, matchedAt, json } of list) {
        if (json.length > SMALL) await written(db, PUT_MATCHES, [of, matchedAt, json]);
      }
    },
    putSince: async (list) => {
      await written(db, PUT_SINCE, [
        JSON.stringify(list.map((one) => [one.ecosystem, one.package, JSON.stringify(one.since)])),
      ]);
    },
    setMatchedFeed: async (name, generation) => {
      if (generation === null) await written(db, 'delete from matchedFeeds where feed = ?', [name]);
      else await written(db, PUT_FEED, [name, generation]);
    },
    dropSoftware: async (ids) => {
      for (const text of DROP_SOFTWARE) await written(db, text, [JSON.stringify(ids)]);
    },
  };
}

async function intern(db: Db, list: readonly Software[]): Promise<readonly number[]> {
  const keys = list.map(softwareKey);
  for (const [index, key] of keys.entries()) {
    // Hundreds at once: the shape is only looked up where something may be wrong with it.
    if (!isPlain(list[index])) rows.checked(softwareJson, 'software', key);
  }
  const ids = new Map<string, number>();
  const find = async (text: string, asked: readonly string[]) => {
    if (asked.length === 0) return;
    for (const one of rows.decodeRows(keyed, 'software', (await written(db, text, [JSON.stringify(asked)])).rows)) {
      ids.set(one.key, one.id);
    }
  };
  await find(INTERN, keys);
  await find(
    INTERNED,
    keys.filter((key) => !ids.has(key)),
  );

  return keys.map((key) => ids.get(key) ?? missing('software', key));
}

/** Texts of a length that can be read again, and nothing else. */
function isPlain(one: Software | undefined): boolean {
  if (one === undefined) return false;
  const { ecosystem, name: is, version, source, module, kernel, origin, sourceVersion = '' } = one;
  const fits = (text: string | null) => text === null || (typeof text === 'string' && text.length <= MAX_NAME);

  return (
    [ecosystem, is, version, source].every((text) => typeof text === 'string' && text.length <= MAX_NAME) &&
    [module, origin, sourceVersion].every(fits) &&
    (kernel === null || kernel === 'running' || kernel === 'installed')
  );
}

async function internVariants(db: Db, list: readonly Variant[]): Promise<readonly VariantId[]> {
  const keys = list.map(({ software: of, binaries }) => [of, JSON.stringify(binaries)] as const);
  const ids = new Map<string, number>();
  const find = async (text: string, asked: readonly (readonly [number, string])[]) => {
    if (asked.length === 0) return;
    const found = (await written(db, text, [JSON.stringify(asked)])).rows;
    for (const one of rows.decodeRows(variantKeyed, 'softwareVariants', found)) {
      ids.set(`${one.software} ${one.binaries}`, one.id);
    }
  };
  await find(INTERN_VARIANTS, keys);
  await find(
    INTERNED_VARIANTS,
    keys.filter(([of, binaries]) => !ids.has(`${of} ${binaries}`)),
  );

  return keys.map(([of, binaries]) => ids.get(`${of} ${binaries}`) ?? missing('softwareVariants', binaries));
}

function missing(table: string, key: string): never {
  throw new CodedError('STORE_FAILED', `${key.slice(0, 200)} was written into ${table} and is not there`);
}
