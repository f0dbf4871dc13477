// Tables imports and importSections: machines that are known from a file. One import per name is current; the others are
// history, and only the newest of a machine keeps its sections.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import {
  type Inventory,
  SECTION_NAMES,
  type SectionName,
  type SectionOutcome,
} from '@selvage/shared/model/inventory.ts';
import { z } from 'zod';
import { type Db, written } from './dialect.ts';
import { labels } from './hosts.ts';
import type { ImportReader, ImportRecord, ImportWriter, SectionOfImport } from './import-ports.ts';
import * as rows from './rows.ts';
import { decodeSection } from './section.ts';

const MAX_LINES = 64;
/** Rows read at once: sections of some hundred machines would hold up everything else. */
const PAGE = 100;

const texts = z.array(rows.text).max(MAX_LINES);
const facts = z.object({
  os: z.object({ id: rows.text, version: rows.text, prettyName: rows.text, idLike: texts }).nullable(),
  kernel: rows.text,
  arch: rows.text,
  packages: z.number().int().nonnegative().nullable(),
  rebootRequired: z.boolean().nullable(),
  staleProcesses: z.number().int().nonnegative().nullable(),
  marks: z.object({ serials: texts, macs: texts, instances: texts }),
  warnings: texts,
  missing: texts,
  unprivileged: z.boolean(),
});
const plain = z.object({
  id: rows.name,
  name: rows.name,
  state: z.enum(['current', 'replaced', 'superseded', 'retired']),
  asOf: rows.timestamp,
  asOfFrom: z.enum(['machine', 'file', 'import']),
  clock: rows.timestamp,
  importedAt: rows.timestamp,
  importedBy: rows.name,
  sha256: rows.sha256,
  bytes: z.number().int().nonnegative(),
  hostname: rows.name,
  machineId: rows.name.nullable(),
  owner: rows.text.nullable(),
  endedAt: rows.timestamp.nullable(),
  endedBy: rows.name.nullable(),
});
const given = plain.extend({ labels, facts });
const record = plain.extend({ labels: rows.json(labels), facts: rows.json(facts) });
const problem = { problemCode: rows.code.nullable(), problemReason: rows.text.nullable() };
const section = z.object({
  import: rows.name,
  name: rows.sectionName,
  asOf: rows.timestamp,
  sha256: rows.sha256.nullable(),
  zstdJson: rows.bytes.nullable(),
  ...problem,
});

const LIST = `select * from imports where state = 'current' order by name`;
const BY_NAME = `select * from imports where name = ? order by state = 'current' desc, serial desc limit 1`;
const HISTORY = 'select * from imports where name = ? order by serial desc limit ?';
const SECTIONS = `
  select import, importSections.name as name, asOf, importSections.sha256 as sha256, zstdJson, problemCode, problemReason
  from importSections join imports on imports.id = importSections.import`;
const ADD = `
  insert into imports (id, name, state, asOf, asOfFrom, clock, importedAt, importedBy, sha256, bytes, hostname, machineId,
    owner, labels, facts, endedAt, endedBy) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const ADD_SECTION = `
  insert into importSections (import, name, sha256, zstdJson, problemCode, problemReason) values (?, ?, ?, ?, ?, ?)`;
const END = `update imports set state = ?, endedAt = ?, endedBy = ? where name = ? and state = 'current'`;
const DROP_SECTIONS = 'delete from importSections where import in (select id from imports where name = ?)';

export function importReader(db: Db): ImportReader {
  const find = async (text: string, parameters: readonly unknown[]): Promise<readonly ImportRecord[]> =>
    rows.decodeRows(record, 'imports', (await written(db, text, parameters)).rows);

  return {
    list: () => find(LIST, []),
    byName: async (name) => (await find(BY_NAME, [name]))[0] ?? null,
    history: (name, limit) => find(HISTORY, [name, limit]),
    inventory: (id) => inventory(db, id),
    eachSection: (name) => eachSection(db, name),
  };
}

export function importWriter(db: Db): ImportReader & ImportWriter {
  return {
    ...importReader(db),
    put: async (put, sections) => {
      const row = rows.checked(given, 'imports', put);
      await written(db, DROP_SECTIONS, [row.name]);
      await written(db, END, ['replaced', row.importedAt, `import:${row.id}`, row.name]);
      await written(db, ADD, [
        ...[row.id, row.name, row.state, row.asOf, row.asOfFrom, row.clock, row.importedAt, row.importedBy, row.sha256],
        ...[row.bytes, row.hostname, row.machineId, row.owner, JSON.stringify(row.labels), JSON.stringify(row.facts)],
        ...[row.endedAt, row.endedBy],
      ]);
      for (const each of sections) {
        await written(db, ADD_SECTION, [
          ...[row.id, each.name, each.sha256, each.zstdJson],
          ...[each.problem?.code ?? null, each.problem?.reason ?? null],
        ]);
      }
    },
    retire: async (name, at, by) => {
      const { numAffectedRows } = await written(db, END, [
        ...['retired', rows.checked(rows.timestamp, 'imports', at), rows.checked(rows.name, 'imports', by), name],
      ]);
      if (numAffectedRows !== 1n) throw new CodedError('NOT_FOUND', `no imported machine is called ${name}`);
    },
  };
}

async function inventory(db: Db, id: string): Promise<Inventory | null> {
  const { rows: found } = await written(db, `${SECTIONS} where import = ? order by importSections.name`, [id]);
  const outcomes: Partial<Record<SectionName, SectionOutcome<SectionName>>> = {};
  let takenAt: string | null = null;

  for (const row of found) {
    const { name, asOf, data, problem: why } = await decode(row);
    takenAt = asOf;
    outcomes[name] = why ? { ok: false, ...why } : { ok: true, data: data as never };
  }
  if (takenAt === null) return null;
  for (const name of SECTION_NAMES) {
    outcomes[name] ??= { ok: false, code: 'NOT_BUILT', reason: 'it was imported before this was collected' };
  }

  return { takenAt, sections: outcomes as Inventory['sections'] };
}

async function* eachSection<N extends SectionName>(db: Db, name: N): AsyncGenerator<SectionOfImport<N>> {
  const page = `${SECTIONS} where state = 'current' and importSections.name = ? and import > ? order by import limit ${PAGE}`;
  let after = '';

  for (;;) {
    const { rows: found } = await written(db, page, [name, after]);
    for (const row of found) {
      const { import: id, asOf, data, problem: why } = await decode(row);
      after = id;
      yield { import: id, asOf, data: data as SectionOfImport<N>['data'], problem: why };
    }
    if (found.length < PAGE) return;
  }
}

async function decode(row: unknown) {
  const { problemCode, problemReason, sha256, zstdJson, ...rest } = rows.decodeRow(section, 'importSections', row);
  if (problemCode !== null && problemReason !== null) {
    return { ...rest, data: null, problem: { code: problemCode, reason: problemReason } };
  }
  if (!sha256 || !zstdJson) throw new CodedError('STORE_FAILED', `section ${rest.name} of ${rest.import} has no data`);

  return { ...rest, data: await decodeSection(rest.name, sha256, zstdJson), problem: null };
}
