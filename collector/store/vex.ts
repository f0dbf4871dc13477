// Tables vexDocuments, vexStatements and scannerReports: what others say about findings, word for word and with whose word it is.
import { setImmediate } from 'node:timers/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { z } from 'zod';
import { type Db, written } from './dialect.ts';
import * as rows from './rows.ts';
import {
  type ScannerReader,
  type ScannerReport,
  type ScannerWriter,
  VEX_STATUSES,
  type VexReader,
  type VexWriter,
} from './vex-ports.ts';

/** Rows read at once: statements of a vendor would hold up everything else. */
const PAGE = 100;
/** Milliseconds until others have their turn; a statement about thousands of products takes some more. */
const TURN_MS = 8;
/** Before every id. */
const FIRST = '';
const MAX_PRODUCTS = 10_000;
/** Of statements that are written at once. */
const PRODUCTS_AT_ONCE = 1000;
const MAX_NAMES = 64;
const MAX_ROWS = 100_000;
/** Rows of scanners written between two turns of everybody else; one report about a fleet has a million. */
const ROWS_A_TURN = 2000;

const document = z.object({
  id: rows.name,
  format: z.enum(['openvex', 'csaf']),
  document: rows.text,
  version: rows.text.nullable(),
  author: rows.text,
  at: rows.timestamp,
  file: rows.text,
  sha256: rows.sha256,
  importedAt: rows.timestamp,
  importedBy: rows.name,
  statements: z.number().int().nonnegative(),
});
const product = z.object({
  id: rows.text,
  purl: rows.text.nullable(),
  ecosystem: rows.text.nullable(),
  machine: rows.name.nullable(),
});
const statement = z.object({
  vulnerabilities: z.array(rows.name).max(MAX_NAMES),
  status: z.enum(VEX_STATUSES),
  justification: rows.text.nullable(),
  detail: rows.text.nullable(),
  products: z.array(product).max(MAX_PRODUCTS),
  at: rows.timestamp,
});
const scannerRow = z.object({
  cve: rows.name,
  package: rows.text.nullable(),
  group: z.enum(['agreed', 'answered', 'open']),
  answer: rows.text.nullable(),
});
const report = z.object({
  machine: rows.name,
  scanner: rows.name,
  scannedAt: rows.timestamp.nullable(),
  file: rows.text,
  sha256: rows.sha256,
  comparedAt: rows.timestamp,
  comparedBy: rows.name,
});

const DOCUMENTS = 'select * from vexDocuments order by serial';
const STATEMENTS = `
  select document, position, statement from vexStatements where (document, position) > (?, ?)
  order by document, position limit ${PAGE}`;
const ADD = `
  insert into vexDocuments (id, format, document, version, author, at, file, sha256, importedAt, importedBy, statements)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const ADD_STATEMENTS =
  'insert into vexStatements (document, position, statement) select ?, ? + key, value from json_each(?)';
const DROP_STATEMENTS = 'delete from vexStatements where document = ?';
const DROP = 'delete from vexDocuments where id = ?';
const REPORTS = 'select * from scannerReports where machine = ? order by scanner';
const PUT_REPORT = `
  insert into scannerReports (machine, scanner, scannedAt, file, sha256, comparedAt, comparedBy, rows)
  values (?, ?, ?, ?, ?, ?, ?, ?)
  on conflict (machine, scanner) do update set scannedAt = excluded.scannedAt, file = excluded.file,
    sha256 = excluded.sha256, comparedAt = excluded.comparedAt, comparedBy = excluded.comparedBy, rows = excluded.rows`;

export function vexReader(db: Db): VexReader {
  return {
    documents: async () => rows.decodeRows(document, 'vexDocuments', (await written(db, DOCUMENTS, [])).rows),
    statements: async () => {
      const all: { document: string; statement: z.output<typeof statement> }[] = [];
      let [from, position] = [FIRST, -1];
      const shape = z.object({ document: rows.name, position: z.number(), statement: rows.longJson(statement) });
      for (;;) {
        const { rows: found } = await written(db, STATEMENTS, [from, position]);
        let since = performance.now();
        for (const row of found) {
          const each = rows.decodeRow(shape, 'vexStatements', row);
          all.push({ document: each.document, statement: each.statement });
          [from, position] = [each.document, each.position];
          if (performance.now() - since < TURN_MS) continue;
          await setImmediate();
          since = performance.now();
        }
        if (found.length < PAGE) return all;
        await setImmediate();
      }
    },
  };
}

export function vexWriter(db: Db): VexReader & VexWriter {
  const reader = vexReader(db);

  return {
    ...reader,
    add: async (given, statements) => {
      const row = rows.checked(document, 'vexDocuments', given);
      if ((await reader.documents()).some(({ id }) => id === row.id)) {
        throw new CodedError('ALREADY_EXISTS', `this very file was imported before, as ${row.id}`);
      }
      await written(db, ADD, [
        ...[row.id, row.format, row.document, row.version, row.author, row.at, row.file, row.sha256],
        ...[row.importedAt, row.importedBy, row.statements],
      ]);
      // In turns, in this one transaction: all of a document is there, or nothing of it.
      let since = performance.now();
      for (let at = 0; at < statements.length; ) {
        const some: unknown[] = [];
        const from = at;
        for (let products = 0; at < statements.length && some.length < PAGE && products < PRODUCTS_AT_ONCE; at += 1) {
          some.push(rows.checked(statement, 'vexStatements', statements[at]));
          products += statements[at]?.products.length ?? 0;
        }
        await written(db, ADD_STATEMENTS, [row.id, from, JSON.stringify(some)]);
        if (performance.now() - since < TURN_MS) continue;
        await setImmediate();
        since = performance.now();
      }
    },
    remove: async (id) => {
      await written(db, DROP_STATEMENTS, [id]);
      const { numAffectedRows } = await written(db, DROP, [id]);
      if (numAffectedRows !== 1n) {
        throw new CodedError('NOT_FOUND', `there is no VEX document ${id}`, { next: 'list them: selvage vex list' });
      }
    },
  };
}

export function scannerReader(db: Db): ScannerReader {
  return {
    ofMachine: async (machine) => {
      const shape = report.extend({ rows: rows.longJson(z.array(scannerRow).max(MAX_ROWS)) });

      return rows.decodeRows(shape, 'scannerReports', (await written(db, REPORTS, [machine])).rows);
    },
  };
}

export function scannerWriter(db: Db): ScannerReader & ScannerWriter {
  return {
    ...scannerReader(db),
    put: async (reports: readonly ScannerReport[]) => {
      let since = 0;
      for (const each of reports) {
        since += each.rows.length;
        if (since > ROWS_A_TURN) {
          since = 0;
          await setImmediate();
        }
        const row = rows.checked(report, 'scannerReports', each);
        const said = rows.checked(z.array(scannerRow).max(MAX_ROWS), 'scannerReports', each.rows);
        await written(db, PUT_REPORT, [
          ...[row.machine, row.scanner, row.scannedAt, row.file, row.sha256, row.comparedAt, row.comparedBy],
          JSON.stringify(said),
        ]);
      }
    },
  };
}
