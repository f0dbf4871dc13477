// Table proposals: changes of policy that wait to be signed, and what became of them. What a document may hold is not known here.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { z } from 'zod';
import { type Db, written } from './dialect.ts';
import { PROPOSAL_OUTCOMES, type ProposalReader, type ProposalRecord, type ProposalWriter } from './proposal-ports.ts';
import * as rows from './rows.ts';

const MAX_DOCUMENTS = 1000;

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
  outcome: z.enum(PROPOSAL_OUTCOMES).nullable(),
  reason: rows.text,
  closedBy: rows.name.nullable(),
  closedAt: rows.timestamp.nullable(),
});

const WAITING = 'select * from proposals where outcome is null order by number';
const CLOSED = 'select * from proposals where outcome is not null order by number desc limit ?';
const COUNT = 'select count(*) as waiting from proposals where outcome is null';
const BY_NUMBER = 'select * from proposals where number = ?';
const ADD = `
  insert into proposals (note, documents, removed, proposedBy, proposedAt) values (?, ?, ?, ?, ?) returning number`;
const CLOSE = `
  update proposals set outcome = ?, reason = ?, closedBy = ?, closedAt = ? where number = ? and outcome is null`;

export function proposalReader(db: Db): ProposalReader {
  const all = async (sql: string, values: readonly unknown[]) =>
    rows.decodeRows(record, 'proposals', (await written(db, sql, values)).rows);

  return {
    list: async (closed) => [...(await all(WAITING, [])), ...(await all(CLOSED, [closed]))],
    byNumber: async (number) => (await all(BY_NUMBER, [number]))[0] ?? null,
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
