// Tables sections, reports and reportSections: the newest report of each host and the sections it names, as the zstd
// bytes that came. A section that cannot be read whole is STORE_FAILED, never an empty one.

import { setImmediate } from 'node:timers/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import {
  type Inventory,
  SECTION_NAMES,
  type Section,
  type SectionName,
  type SectionOutcome,
} from '@selvage/shared/model/inventory.ts';
import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import { type Derived, derivedOf } from './derived.ts';
import { type Db, written } from './dialect.ts';
import type {
  Derivation,
  DerivedOfHost,
  InventoryReader,
  InventoryWriter,
  SectionKey,
  SectionOfHost,
} from './ports.ts';
import * as rows from './rows.ts';
import { decodeSection } from './section.ts';

/** Rows read at once when all hosts are looked through: a query holds up everything else, and one of all hosts for seconds. */
const PAGE = 100;
/** The same where only hashes are read. */
const HASHES_PAGE = 500;

const problem = { problemCode: rows.code.nullable(), problemReason: rows.text.nullable() };
const state = z.object({ name: rows.sectionName, sha256: rows.sha256.nullable(), takenAt: rows.timestamp, ...problem });
const hashed = state.extend({ host: rows.hostId });
const withData = state.extend({ host: rows.hostId, zstdJson: rows.bytes.nullable() });
const reported = z.object({
  name: rows.sectionName,
  sha256: rows.sha256.nullable(),
  problem: z.object({ code: rows.code, reason: rows.text }).nullable(),
});

const key = z.object({ name: rows.sectionName, sha256: rows.sha256 });
const size = z.object({ bytes: z.number().int() });
const content = z.object({ zstdJson: rows.bytes });

const SECTIONS = `
  select name, sha256, takenAt, problemCode, problemReason
  from reports join reportSections on reportSections.host = reports.host
  where reports.host = ? order by name`;
const PUT_SECTION = `
  insert into sections (host, name, sha256, zstdJson) values (?, ?, ?, ?) on conflict (host, name, sha256) do nothing`;
const PUT_REPORT = `
  insert into reports (host, takenAt) values (?, ?) on conflict (host) do update set takenAt = excluded.takenAt`;
const KEPT = 'select name, sha256 from sections where host = ?';
const DROP_STATES = 'delete from reportSections where host = ?';
const PUT_STATES = `
  insert into reportSections (host, name, sha256, problemCode, problemReason)
  select ?, value ->> 'name', value ->> 'sha256', value ->> '$.problem.code', value ->> '$.problem.reason'
  from json_each(?)`;
const DROP_UNUSED = `
  delete from sections where host = ? and not exists (
    select 1 from reportSections as used
    where used.host = sections.host and used.name = sections.name and used.sha256 = sections.sha256)
  and not (name = 'packages' and sha256 is (select packages from hostHistory where hostHistory.host = sections.host))`;
const SIZE = 'select ifnull(sum(length(zstdJson)), 0) as bytes from sections where host = ?';
const FORGET = ['reportSections', 'reports', 'sections', 'hostChanges', 'hostHistory'].map(
  (table) => `delete from ${table} where host = ?`,
);
const CONTENT = 'select zstdJson from sections where host = ? and name = ? and sha256 = ?';

export function inventoryReader(db: Db): InventoryReader {
  return {
    hasSection: async (host, name, sha256) => (await kept(db, host, [{ name, sha256 }])).length === 1,
    content: async (host, name, sha256) => {
      const [row] = (await written(db, CONTENT, [host, name, sha256])).rows;

      return row === undefined ? null : rows.decodeRow(content, 'sections', row).zstdJson;
    },
    kept: (host, sections) => kept(db, host, sections),
    size: async (host) => rows.decodeRow(size, 'sections', (await written(db, SIZE, [host])).rows[0]).bytes,
    sections: async (host) => {
      const found = (await written(db, SECTIONS, [host])).rows;

      return found.map((row) => {
        const { name, sha256, takenAt, ...rest } = rows.decodeRow(state, 'reportSections', row);

        return { name, sha256, takenAt, problem: problemOf(rest) };
      });
    },
    latest: (host) => latest(db, host),
    eachSection: (name, among) => eachSection(db, name, among),
    eachDerived: (derivation, among) => eachDerived(db, derivation, among),
  };
}

export function inventoryWriter(db: Db): InventoryReader & InventoryWriter {
  return {
    ...inventoryReader(db),
    putSection: async (host, name, sha256, zstdJson) => {
      await written(db, PUT_SECTION, [
        host,
        rows.checked(rows.sectionName, 'sections', name),
        rows.checked(rows.sha256, 'sections', sha256),
        zstdJson,
      ]);
    },
    putReport: async (host, takenAt, sections) => {
      const list = rows.checked(z.array(reported), 'reportSections', sections);
      const named = list.flatMap(({ name, sha256 }) => (sha256 === null ? [] : [{ name, sha256 }]));
      const stored = new Set((await kept(db, host, named)).map(({ name }) => name));
      for (const { name, sha256 } of named) {
        if (stored.has(name)) continue;
        throw new CodedError('NOT_FOUND', `section ${name} ${sha256} of host ${host} was never stored`);
      }
      await written(db, PUT_REPORT, [host, rows.checked(rows.timestamp, 'reports', takenAt)]);
      await replaceSections(db, host, list);
    },
    forget: async (host) => {
      for (const statement of FORGET) await written(db, statement, [host]);
      await written(db, 'delete from machineSoftware where machine = ?', [`host:${host}`]);
    },
  };
}

/** The host's own are few (intake bounds them): comparing here costs a tenth of a join with a list given as JSON. */
async function kept(db: Db, host: HostId, sections: readonly SectionKey[]): Promise<readonly SectionKey[]> {
  const text = ({ name, sha256 }: SectionKey) => `${name} ${sha256}`;
  const { rows: found } = await written(db, KEPT, [host]);
  const stored = new Set(rows.decodeRows(key, 'sections', found).map(text));

  return sections.filter((section) => stored.has(text(section)));
}

async function replaceSections(db: Db, host: HostId, list: readonly z.output<typeof reported>[]): Promise<void> {
  await written(db, DROP_STATES, [host]);
  await written(db, PUT_STATES, [host, JSON.stringify(list)]);
  await written(db, DROP_UNUSED, [host]);
}

/** One row per section of the newest report; a report without sections is one row with null names. */
function reportRows(db: Db) {
  return db
    .selectFrom('reports')
    .leftJoin('reportSections', 'reportSections.host', 'reports.host')
    .select([
      'reports.host as host',
      'reports.takenAt as takenAt',
      'reportSections.name as name',
      'reportSections.sha256 as sha256',
      'reportSections.problemCode as problemCode',
      'reportSections.problemReason as problemReason',
    ])
    .orderBy('reportSections.name');
}

function withSections(db: Db) {
  return reportRows(db)
    .leftJoin('sections', (join) =>
      join
        .onRef('sections.host', '=', 'reportSections.host')
        .onRef('sections.name', '=', 'reportSections.name')
        .onRef('sections.sha256', '=', 'reportSections.sha256'),
    )
    .select('sections.zstdJson as zstdJson');
}

async function latest(db: Db, host: HostId): Promise<Inventory | null> {
  const found = await withSections(db).where('reports.host', '=', host).execute();
  const [first] = found;
  if (!first) return null;

  const outcomes: Partial<Record<SectionName, SectionOutcome<SectionName>>> = {};
  for (const row of found) {
    if (row.name === null) continue;
    const { name, data, problem: why } = await decode(row);
    outcomes[name] = why ? { ok: false, ...why } : { ok: true, data: data as never };
  }
  // An older agent knows fewer sections: said as a reason, so that nobody takes it for "nothing there".
  for (const name of SECTION_NAMES) {
    outcomes[name] ??= { ok: false, code: 'NOT_BUILT', reason: 'the agent did not report this section' };
  }

  return { takenAt: first.takenAt, sections: outcomes as Inventory['sections'] };
}

/** Of all hosts, or of those in one JSON list: with none there is nothing to compare. */
function ofThose(among: readonly HostId[] | undefined): RawBuilder<boolean> {
  return among === undefined
    ? sql<boolean>`true`
    : sql<boolean>`reportSections.host in (select value from json_each(${JSON.stringify(among)}))`;
}

async function* eachSection<N extends SectionName>(
  db: Db,
  name: N,
  among?: readonly HostId[],
): AsyncGenerator<SectionOfHost<N>> {
  let after = '';

  for (;;) {
    const page = await withSections(db)
      .innerJoin('hosts', 'hosts.id', 'reports.host')
      .where('hosts.state', '=', 'active')
      .where('reportSections.name', '=', name)
      .where(ofThose(among))
      // The columns of the index, so that a page costs a page: ordered by another table's, each would read the whole rest.
      .where('reportSections.host', '>', after)
      .orderBy('reportSections.host')
      .limit(PAGE)
      .execute();

    for (const row of page) {
      const { host, takenAt, data, problem: why } = await decode(row);
      after = host;
      yield { host, takenAt, data: data as SectionOfHost<N>['data'], problem: why };
    }
    if (page.length < PAGE) return;
    await setImmediate();
  }
}

/** Hashes only: what was derived of a content before is not read again. */
async function* eachDerived<N extends SectionName, T>(
  db: Db,
  derivation: Derivation<N, T>,
  among?: readonly HostId[],
): AsyncGenerator<DerivedOfHost<T>> {
  const known = derivedOf(derivation);
  let after = '';

  for (;;) {
    const page = await reportRows(db)
      .innerJoin('hosts', 'hosts.id', 'reports.host')
      .where('hosts.state', '=', 'active')
      .where('reportSections.name', '=', derivation.section)
      .where(ofThose(among))
      .where('reportSections.host', '>', after)
      .orderBy('reportSections.host')
      .limit(HASHES_PAGE)
      .execute();

    for (const row of page) {
      const { host, sha256, takenAt, ...rest } = rows.decodeRow(hashed, 'reportSections', row);
      after = host;
      const why = problemOf(rest);
      if (why) yield { host, takenAt, data: null, problem: why };
      else if (sha256 && known.has(sha256)) {
        const data = known.get(sha256) as T;
        known.set(sha256, data);
        yield { host, takenAt, data, problem: null };
      } else yield await derive(db, host, derivation, known);
    }
    if (page.length < HASHES_PAGE) break;
    // A page is there at once, without any waiting in which others would have their turn.
    await setImmediate();
  }
  if (among === undefined) known.forgetTheRest();
  else known.keep();
}

/** By what is there now: the host may have reported again since its hash was read. */
async function derive<N extends SectionName, T>(
  db: Db,
  host: HostId,
  { section, of }: Derivation<N, T>,
  known: Derived<T>,
): Promise<DerivedOfHost<T>> {
  const row = await withSections(db)
    .where('reports.host', '=', host)
    .where('reportSections.name', '=', section)
    .executeTakeFirst();
  if (!row) throw new CodedError('STORE_FAILED', `section ${section} of host ${host} is not there any more`);
  const { sha256 } = rows.decodeRow(state, 'reportSections', row);
  const { takenAt, data, problem: why } = await decode(row);
  if (!sha256 || why) return { host, takenAt, data: null, problem: why };
  const derived = of(data as Section<N>);
  known.set(sha256, derived);

  return { host, takenAt, data: derived, problem: null };
}

async function decode(row: unknown) {
  const { host, name, takenAt, sha256, zstdJson, ...rest } = rows.decodeRow(withData, 'reportSections', row);
  const why = problemOf(rest);
  if (why) return { host, name, takenAt, data: null, problem: why };
  if (!sha256 || !zstdJson) throw new CodedError('STORE_FAILED', `section ${name} of host ${host} has no data`);

  return { host, name, takenAt, data: await decodeSection(name, sha256, zstdJson), problem: null };
}

function problemOf(row: z.output<z.ZodObject<typeof problem>>) {
  return row.problemCode === null || row.problemReason === null
    ? null
    : { code: row.problemCode, reason: row.problemReason };
}
