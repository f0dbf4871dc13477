// The durable record of the one run that is under way: intent before each irreversible act, facts after it. It is empty
// between runs. What it holds is enough to say after a crash what was meant, what was there before, and what to report.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import { CODES } from '@selvage/shared/errors/codes.ts';
import { packageVersion } from '@selvage/shared/model/package.ts';
import { OUTCOMES, transaction } from '@selvage/shared/model/result.ts';
import * as z from 'zod';
import { type Files, readState, writeState } from './state-file.ts';

const text = z.string().min(1);
const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);
const problem = z.strictObject({ code, message: z.string() });

/** What identifies a run and goes into its result. */
export const runFacts = z.strictObject({
  run: text,
  attempt: z.number().int().positive(),
  approval: text,
  approvalSha256: text,
  provider: z.enum(['apt', 'dnf', 'zypper', 'pacman']),
  fix: z.strictObject({ source: text, version: text }),
  window: z.string().nullable(),
  startedAt: z.iso.datetime(),
});
export type RunFacts = z.infer<typeof runFacts>;

/** What an installation is about to do, and what was there before. */
export const intent = runFacts.extend({
  packages: z.array(packageVersion).min(1),
  removes: z.array(text),
  before: z.array(z.strictObject({ name: text, arch: text, version: text })),
  transaction,
});
export type Intent = z.infer<typeof intent>;

/** What is remembered of an approval so that it is neither run nor reported twice. */
export const memory = z.strictObject({
  approval: text,
  outcome: z.enum(OUTCOMES),
  code: code.nullable(),
  /** Installations that were started. */
  attempts: z.number().int().nonnegative(),
  /** Nothing is done or said about this approval any more. */
  final: z.boolean(),
});
export type Memory = z.infer<typeof memory>;

const entry = z.discriminatedUnion('state', [
  z.strictObject({ format: z.literal(1), state: z.literal('IntentRecorded'), intent }),
  z.strictObject({ format: z.literal(1), state: z.literal('RollbackSaved'), intent }),
  z.strictObject({ format: z.literal(1), state: z.literal('InstallStarted'), intent }),
  z.strictObject({
    format: z.literal(1),
    state: z.literal('InstallEnded'),
    intent,
    problem: problem.nullable(),
    log: z.string(),
  }),
  z.strictObject({
    format: z.literal(1),
    state: z.literal('ResultSigned'),
    number: z.number().int().positive(),
    /** Content of the result's file: the signed bytes and the signature, in base64. */
    payload: text,
    signature: text,
    approvalSha256: text,
    memory,
  }),
]);
export type JournalEntry = z.infer<typeof entry>;

export interface Journal {
  /** Null between runs. Throws JOURNAL_INVALID: then nothing may be installed until a person has looked. */
  read(): Promise<JournalEntry | null>;
  /** Throws STATE when the entry would take the place of one that it does not follow from: that one would be lost. */
  write(entry: JournalEntry): Promise<void>;
  clear(): Promise<void>;
  /** False when nothing is under way, as far as this process knows; a write that failed may have been done. */
  holds(): boolean;
}

type EntryState = JournalEntry['state'];

/** What may be written over what. Forward only: an entry that was not brought to its end is never replaced. */
const FOLLOWS: Readonly<Record<EntryState | 'empty', readonly EntryState[]>> = {
  empty: ['IntentRecorded', 'ResultSigned'],
  IntentRecorded: ['RollbackSaved'],
  RollbackSaved: ['InstallStarted'],
  // Straight to the result when an interrupted installation is found.
  InstallStarted: ['InstallEnded', 'ResultSigned'],
  InstallEnded: ['ResultSigned'],
  ResultSigned: [],
};

export function openJournal(path: string, files: Files): Journal {
  let state: EntryState | 'empty' | 'unknown' = 'unknown';
  const read = async () => {
    const found = await readState(path, entry);
    state = found?.state ?? 'empty';

    return found;
  };

  return {
    read,
    write: async (value) => {
      if (state === 'unknown') await read();
      if (state === 'unknown' || !FOLLOWS[state].includes(value.state)) {
        throw new CodedError('STATE', `the journal holds ${state}: ${value.state} cannot take its place`);
      }
      state = 'unknown';
      await writeState(files, path, value);
      state = value.state;
    },
    clear: async () => {
      state = 'unknown';
      await files.remove(path);
      state = 'empty';
    },
    holds: () => state !== 'empty',
  };
}
