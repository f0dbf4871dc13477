// Tables assetLists and assets: the machines that ought to exist, list by list. A list is replaced as a whole.
import { setImmediate } from 'node:timers/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { z } from 'zod';
import { type Db, written } from './dialect.ts';
import type { Asset, AssetReader, AssetWriter } from './import-ports.ts';
import * as rows from './rows.ts';

/** Rows read at once: a list of a fleet would hold up everything else. */
const PAGE = 500;
/** After every name. */
const LAST = '\u{10ffff}';
const MAX_NAMES = 64;
const NAME_LENGTH = 253;

const text = z.string().min(1).max(NAME_LENGTH);
const count = z.number().int().nonnegative();
const list = z.object({
  source: text,
  format: rows.name,
  file: rows.text,
  fileDate: rows.timestamp.nullable(),
  sha256: rows.sha256,
  importedAt: rows.timestamp,
  importedBy: rows.name,
  entries: count,
  skipped: count,
});
const asset = z.object({
  name: text,
  line: count,
  names: z.array(text).max(MAX_NAMES),
  instance: text.nullable(),
  serial: text.nullable(),
  macs: z.array(text).max(MAX_NAMES),
  owner: text.nullable(),
  state: text.nullable(),
  expected: z.boolean(),
});
const row = z.object({ source: text, position: count, asset: rows.json(asset) });

const LISTS = 'select * from assetLists order by source';
const ALL = `
  select source, position, asset from assets where (source, position) > (?, ?) and source <= ?
  order by source, position limit ${PAGE}`;
const DROP = 'delete from assets where source = ?';
const DROP_LIST = 'delete from assetLists where source = ?';
const PUT_LIST = `
  insert into assetLists (source, format, file, fileDate, sha256, importedAt, importedBy, entries, skipped)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const PUT = `
  insert into assets (source, position, asset) select ?, key, value from json_each(?)`;

export function assetReader(db: Db): AssetReader {
  return {
    lists: async () => rows.decodeRows(list, 'assetLists', (await written(db, LISTS, [])).rows),
    all: async (source) => {
      const all: (Asset & { readonly source: string })[] = [];
      let [from, position] = [source ?? '', -1];
      for (;;) {
        const { rows: found } = await written(db, ALL, [from, position, source ?? LAST]);
        for (const each of rows.decodeRows(row, 'assets', found)) {
          all.push({ source: each.source, ...each.asset });
          [from, position] = [each.source, each.position];
        }
        if (found.length < PAGE) return all;
        await setImmediate();
      }
    },
  };
}

export function assetWriter(db: Db): AssetReader & AssetWriter {
  return {
    ...assetReader(db),
    replace: async (given, assets: readonly Asset[]) => {
      const put = rows.checked(list, 'assetLists', given);
      const checked = rows.checked(z.array(asset), 'assets', assets);
      await written(db, DROP, [put.source]);
      await written(db, DROP_LIST, [put.source]);
      await written(db, PUT_LIST, [
        ...[put.source, put.format, put.file, put.fileDate, put.sha256, put.importedAt, put.importedBy, put.entries],
        put.skipped,
      ]);
      await written(db, PUT, [put.source, JSON.stringify(checked)]);
    },
    remove: async (source) => {
      await written(db, DROP, [source]);
      const { numAffectedRows } = await written(db, DROP_LIST, [source]);
      if (numAffectedRows !== 1n) throw new CodedError('NOT_FOUND', `there is no list of machines called ${source}`);
    },
  };
}
