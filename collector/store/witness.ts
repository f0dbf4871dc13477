// How far the ledger was, kept beside the database: SQLite does not notice when its write-ahead log is taken away, or an older
// copy is put in its place, and what was acknowledged would be gone without a word. The witness notices.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import { z } from 'zod';
import { type Head, START, verifyChain } from '../audit/chain.ts';
import type { AuditReader } from './ports.ts';

const MAX_BYTES = 1024;
/** Entries at the end of the ledger that are verified at every start, some 0.1 s; all of them by `selvage audit verify`. */
const CHECKED_ENTRIES = 5000;
const PAGE = 1000;
const schema = z.strictObject({ sequence: z.number().int().nonnegative(), hash: z.string().regex(/^[0-9a-f]{64}$/) });

/** Where the ledger stands, for the next start; nothing is written when it stands where `last` says. */
export async function writeWitness(file: string, audit: AuditReader, last: string | null): Promise<string | null> {
  const head = await audit.head();
  const text = head && `${JSON.stringify({ sequence: head.sequence, hash: head.hash })}\n`;
  if (text !== null && text !== last) await writeDurable(file, text);

  return text;
}

/**
 * Throws STORE_CORRUPT when the ledger does not contain what the witness saw, AUDIT_BROKEN when its end does not verify.
 * A home without a witness (a new one, or one from before there were any) is taken as it is.
 */
export async function checkWitness(file: string, audit: AuditReader): Promise<void> {
  return checkSeen(await readWitness(file), audit, file);
}

/** The same with a witness that was read before; `file` is where it lies. */
export async function checkSeen(seen: Head | null, audit: AuditReader, file: string): Promise<void> {
  const head = await audit.head();

  if (seen && seen.sequence > 0) {
    const [entry] = await audit.after(seen.sequence - 1, 1);
    if (entry?.hash !== seen.hash) throw lost(file, seen.sequence, head?.sequence ?? 0);
  }

  const start = Math.max(0, (head?.sequence ?? 0) - CHECKED_ENTRIES);
  const [before] = start === 0 ? [] : await audit.after(start - 1, 1);
  let from: Head = before ?? START;
  for (;;) {
    const entries = await audit.after(from.sequence, PAGE);
    if (entries.length === 0) return;
    from = verifyChain(entries, { from }).head;
  }
}

/** Null where there is none. Throws FILE_CORRUPT. */
export async function readWitness(file: string): Promise<Head | null> {
  const bytes = await readBounded(file, MAX_BYTES);
  if (!bytes) return null;

  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))) as Head;
  } catch (error) {
    throw new CodedError('FILE_CORRUPT', `${file} cannot be read`, {
      cause: error,
      next: `look at it, then remove it`,
    });
  }
}

function lost(file: string, sequence: number, head: number): CodedError {
  return new CodedError(
    'STORE_CORRUPT',
    `the database ends at ledger entry ${head} and lacks entry ${sequence}, which was there: its write-ahead log was removed, or this is an older copy; nothing was changed`,
    {
      next: `put the -wal file back, or: selvage restore FOLDER (if this older copy is what you mean, remove ${file})`,
      details: { entry: sequence, head },
    },
  );
}
