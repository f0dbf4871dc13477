// Table proposals: changes of policy that wait to be signed, and what became of them. What a document may hold is not known here.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { z } from 'zod';
import { type Db, written } from './dialect.ts';
import { PROPOSAL_OUTCOMES, type ProposalReader, type ProposalRecord, type ProposalWriter } from './proposal-ports.ts';
import * as rows from './rows.ts';

/** Documents of one proposal, and paths that it removes. */
export const MAX_DOCUMENTS = 1000;
/** Files of one change, and keys that sign it. */
const MAX_FILES = 256;

const signing = z.object({
  signers: z.array(z.object({ keyId: rows.name, by: rows.name, at: rows.timestamp })).max(MAX_FILES),
  requirements: z
    .array(
      z.object({
        ...{ file: rows.name, threshold: z.number().int().positive() },
        ...{ keys: z.array(rows.name).max(MAX_FILES), signed: z.array(rows.name).max(MAX_FILES) },
      }),
    )
    .max(MAX_FILES),
  ends: rows.timestamp,
});
const signingFiles = z.array(z.object({ name: rows.name, content: z.string() })).max(MAX_FILES);
const added = z.object({
  note: rows.text,
  documents: z.array(z.record(z.string(), z.unknown())).max(MAX_DOCUMENTS),
  removed: z.array(rows.name).max(MAX_DOCUMENTS),
  proposedBy: rows.name,
  proposedAt: rows.timestamp,
});
const record = z.object({
  ...added.shape,
  number: z.number().int().positive(),
  documents: rows.longJson(z.array(z.record(z.string(), z.unknown())).max(MAX_DOCUMENTS)),
  removed: rows.longJson(z.array(rows.name).max(MAX_DOCUMENTS)),
  signing: rows.longJson(signing).nullable(),
  outcome: z.enum(PROPOSAL_OUTCOMES).nullable(),
  reason: rows.text,
  closedBy: rows.name.nullable(),
  closedAt: rows.timestamp.nullable(),
});

// Without the files: whoever lists proposals does not read megabytes.
const COLUMNS =
  'number, note, documents, removed, signing, proposedBy, proposedAt, outcome, reason, closedBy, closedAt';
const WAITING = `select ${COLUMNS} from proposals where outcome is null order by number`;
const CLOSED = `select ${COLUMNS} from proposals where outcome is not null order by number desc limit ?`;
const COUNT = 'select count(*) as waiting from proposals where outcome is null';
const BY_NUMBER = `select ${COLUMNS} from proposals where number = ?`;
const FILES = "select coalesce(files, '[]') as files from proposals where number = ?";
const FILES_SIZE = 'select coalesce(sum(length(files)), 0) as size from proposals where outcome is null';
const ADD = `
  insert into proposals (note, documents, removed, proposedBy, proposedAt) values (?, ?, ?, ?, ?) returning number`;
const KEEP_SIGNING = 'update proposals set signing = ?, files = ? where number = ? and outcome is null';
// What was signed lies in the repository then, or is worth nothing any more.
const CLOSE = `
  update proposals set outcome = ?, reason = ?, closedBy = ?, closedAt = ?, signing = null, files = null
  where number = ? and outcome is null`;

export function proposalReader(db: Db): ProposalReader {
  const all = async (sql: string, values: readonly unknown[]) =>
    rows.decodeRows(record, 'proposals', (await written(db, sql, values)).rows);

  return {
    list: async (closed) => [...(await all(WAITING, [])), ...(await all(CLOSED, [closed]))],
    byNumber: async (number) => (await all(BY_NUMBER, [number]))[0] ?? null,
    files: async (number) => {
      const [row] = (await written(db, FILES, [number])).rows;
      if (row === undefined) return [];

      return rows.decodeRow(z.object({ files: rows.longJson(signingFiles) }), 'proposals', row).files;
    },
    filesSize: async () => {
      const [row] = (await written(db, FILES_SIZE, [])).rows;

      return rows.decodeRow(z.object({ size: z.number() }), 'proposals', row).size;
    },
    waiting: async () => {
      const [row] = (await written(db, COUNT, [])).rows;

      return rows.decodeRow(z.object({ waiting: z.number() }), 'proposals', row).waiting;
    },
  };
}

export function proposalWriter(db: Db): ProposalReader & ProposalWriter {
  return {
    ...proposalReader(db),
    add: async (given) => {
      const { note, documents, removed, proposedBy, proposedAt } = rows.checked(added, 'proposals', given);
      const values = [note, JSON.stringify(documents), JSON.stringify(removed), proposedBy, proposedAt];
      const [row] = (await written(db, ADD, values)).rows;

      return rows.decodeRow(z.object({ number: z.number() }), 'proposals', row).number;
    },
    keepSigning: async (number, given, files) => {
      const [state, content] = [
        rows.checked(signing, 'proposals', given),
        rows.checked(signingFiles, 'proposals', files),
      ];
      const values = [JSON.stringify(state), JSON.stringify(content), number];
      const { numAffectedRows } = await written(db, KEEP_SIGNING, values);
      if (numAffectedRows !== 1n) throw notWaiting(number);
    },
    close: async (number, { outcome, reason, by, at }) => {
      const values = [outcome, rows.checked(rows.text, 'proposals', reason), by, at, number];
      const { numAffectedRows } = await written(db, CLOSE, values);
      if (numAffectedRows !== 1n) throw notWaiting(number);
    },
  };
}

/** For whoever asks for one that is gone, or was never there. */
export function notWaiting(number: number, known: ProposalRecord | null = null): CodedError {
  const closed = known?.outcome ? `: ${known.closedBy} has ${known.outcome} it at ${known.closedAt}` : '';

  return new CodedError('NOT_FOUND', `no proposal ${number} waits for a signature${closed}`, {
    next: 'list them: selvage policy proposals',
  });
}
