// Results on their way: numbered without gaps, signed by the runner's key, durable, and told once. The journal holds a
// signed result until its file and the memory of it are both written, so a crash in between loses and repeats nothing.
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';
import { readForeign } from '@selvage/shared/files/foreign.ts';
import { type RunResult, runResult } from '@selvage/shared/model/result.ts';
import { signBytes } from '@selvage/shared/pki/keys.ts';
import * as z from 'zod';
import type { RunnerFolders } from './folders.ts';
import { type Journal, type JournalEntry, type Memory, memory } from './journal.ts';
import { type Files, readState, writeState } from './state-file.ts';

const reported = z.strictObject({
  format: z.literal(1),
  /** Highest number ever given. */
  last: z.number().int().nonnegative(),
  /** By SHA-256 of the approval. */
  approvals: z.record(z.string(), memory),
});
type Reported = z.infer<typeof reported>;

const acknowledgement = z.object({ results: z.number().int().nonnegative() });
const MAX_KEY_BYTES = 4096;
const MAX_ACKNOWLEDGEMENT_BYTES = 4096;
/** The connector reads results, it never writes them. */
const READABLE = 0o644;
const RESULT_FILE = /^([1-9]\d{0,15})\.json$/;

export type SignedEntry = Extract<JournalEntry, { state: 'ResultSigned' }>;

export interface Results {
  memoryOf(approvalSha256: string): Memory | null;
  /** Numbers and signs; nothing is written yet. Throws KEY_UNUSABLE when there is no key. */
  sign(
    result: Omit<RunResult, 'number' | 'format'>,
    remember: Memory,
  ): Promise<{ result: RunResult; entry: SignedEntry }>;
  /** Writes the file and the memory of it. Doing it again changes nothing. */
  publish(entry: SignedEntry): Promise<void>;
  /** Removes what the collector has committed. */
  prune(): Promise<void>;
  /** Forgets approvals that the accepted policy does not hold any more. */
  forget(keep: ReadonlySet<string>): Promise<void>;
}

export async function openResults(folders: RunnerFolders, files: Files): Promise<Results> {
  let state: Reported = (await readState(folders.reported, reported)) ?? { format: 1, last: 0, approvals: {} };

  return {
    memoryOf: (sha) => (Object.hasOwn(state.approvals, sha) ? (state.approvals[sha] ?? null) : null),

    sign: async (facts, remember) => {
      const key = await readKey(folders.key);
      const result = runResult.parse({ format: 1, number: state.last + 1, ...facts });
      const payload = Buffer.from(JSON.stringify(result));
      const signature = Buffer.from(signBytes(payload, key));
      const entry: SignedEntry = {
        format: 1,
        state: 'ResultSigned',
        number: result.number,
        payload: payload.toString('base64'),
        signature: signature.toString('base64'),
        approvalSha256: facts.approvalSha256,
        memory: remember,
      };

      return { result, entry };
    },

    publish: async (entry) => {
      const file = { payload: entry.payload, signature: entry.signature };
      // After the memory was written the file may have been sent and pruned already: it is not written again.
      if (entry.number > state.last) {
        await writeState(files, join(folders.results, `${entry.number}.json`), file, READABLE);
        const next: Reported = {
          format: 1,
          last: entry.number,
          approvals: { ...state.approvals, [entry.approvalSha256]: entry.memory },
        };
        await writeState(files, folders.reported, next);
        state = next;
      }
    },

    prune: async () => {
      const upTo = Math.min(await acknowledgedUpTo(folders.acknowledged), state.last);
      for (const name of await readdir(folders.results)) {
        const number = Number(RESULT_FILE.exec(name)?.[1] ?? Number.NaN);
        if (number <= upTo) await files.remove(join(folders.results, name));
      }
    },

    forget: async (keep) => {
      const kept = Object.entries(state.approvals).filter(([sha]) => keep.has(sha));
      if (kept.length === Object.keys(state.approvals).length) return;
      const next: Reported = { ...state, approvals: Object.fromEntries(kept) };
      await writeState(files, folders.reported, next);
      state = next;
    },
  };
}

/** Signs the result, journals it, writes it, clears the journal: from here on it cannot get lost. */
export async function settle(
  results: Results,
  journal: Journal,
  facts: Omit<RunResult, 'number' | 'format'>,
  remember: Memory,
): Promise<RunResult> {
  const { result, entry } = await results.sign(facts, remember);
  await journal.write(entry);
  await results.publish(entry);
  await journal.clear();

  return result;
}

/** PEM. Throws NOT_ENROLLED when there is none, KEY_UNUSABLE when it cannot be used. */
export async function readKey(path: string): Promise<string> {
  const bytes = await readBounded(path, MAX_KEY_BYTES);
  if (bytes === null) {
    throw new CodedError('NOT_ENROLLED', `the runner has no key at ${path}, so its results would prove nothing`);
  }

  return Buffer.from(bytes).toString('utf8');
}

/** The connector writes this file; what it says can only remove what was sent, and damage only delays the removal. */
async function acknowledgedUpTo(path: string): Promise<number> {
  try {
    const bytes = await readForeign(dirname(path), basename(path), MAX_ACKNOWLEDGEMENT_BYTES);
    if (bytes === null) return 0;

    return acknowledgement.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).results;
  } catch {
    // Unreadable, planted or malformed: nothing is pruned, which loses nothing.
    return 0;
  }
}
