// Reads a log and its rotated parts, newest first, until a budget of bytes is used up: packed ones are unpacked into what is left of
// it, so a bomb costs no more than an honest log. Nothing is followed, executed or changed.
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import type { Code } from '@selvage/shared/errors/codes.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import { namesIn } from '../files.ts';

export interface LogText {
  /** Oldest first; begins with a whole line. */
  readonly text: string;
  /** False: older parts are there and were not read, or not whole. */
  readonly complete: boolean;
  readonly problems: readonly LogProblem[];
}

export interface LogProblem {
  readonly log: string;
  readonly code: Code;
  readonly reason: string;
}

/** Rotated parts that are looked at: logrotate keeps 12 of these logs where nobody changed it. */
const MAX_PARTS = 60;
const unpackGzip = promisify(gunzip);
const unpackZstd = promisify(zstdDecompress);

/** `folder` and `name` as in /var/log/apt and history.log. A log that is not there tells nothing. */
export async function readLog(folder: string, name: string, budget: number): Promise<LogText> {
  const parts = partsOf(await namesIn(folder), name);
  const texts: string[] = [];
  const problems: LogProblem[] = [];
  let left = budget;
  let complete = parts.length <= MAX_PARTS;

  for (const part of parts.slice(0, MAX_PARTS)) {
    const read = await readPart(join(folder, part), left);
    if (read === 'too large') {
      complete = false;
      break;
    }
    if ('problem' in read) {
      problems.push({ log: join(folder, part), ...read.problem });
      // Of this part nothing is known then; older ones still tell what they tell.
      complete = false;
      continue;
    }
    texts.push(read.text);
    left -= read.bytes;
    if (!read.whole) complete = false;
    if (!read.whole || left <= 0) {
      complete &&= part === parts.at(-1);
      break;
    }
  }

  return { text: texts.reverse().join(''), complete, problems };
}

/** Newest first: the log itself, then `.1`, `.2.gz` … or `-20261101.gz` …, as logrotate(8) names them. */
export function partsOf(names: readonly string[], name: string): readonly string[] {
  const rotated = names.flatMap((file) => {
    const match = file.startsWith(name)
      ? /^(?:\.(\d{1,4})|-(\d{8}(?:\d{2}|-\d{1,10})?))(?:\.(?:gz|zst|xz|bz2))?$/.exec(file.slice(name.length))
      : null;
    if (!match) return [];

    return [{ file, number: match[1] === undefined ? null : Number(match[1]), date: match[2] ?? null }];
  });
  const numbered = rotated.filter(({ number }) => number !== null).sort((a, b) => (a.number ?? 0) - (b.number ?? 0));
  const dated = rotated.filter(({ date }) => date !== null).sort((a, b) => ((a.date ?? '') < (b.date ?? '') ? 1 : -1));

  return [
    ...(names.includes(name) ? [name] : []),
    ...numbered.map(({ file }) => file),
    ...dated.map(({ file }) => file),
  ];
}

/** `too large`: packed, and more than what is left of the budget. */
type Read =
  | 'too large'
  | { readonly text: string; readonly bytes: number; readonly whole: boolean }
  | { readonly problem: Omit<LogProblem, 'log'> };

async function readPart(path: string, budget: number): Promise<Read> {
  try {
    if (/\.(xz|bz2)$/.test(path)) {
      return { problem: { code: 'FILE_UNREADABLE', reason: 'packed in a way that is not read here (gz and zst are)' } };
    }
    const packed = /\.(gz|zst)$/.exec(path)?.[1];
    const { bytes, whole } = await tailOf(path, budget);
    if (packed === undefined)
      return { text: whole ? linesOf(bytes) : linesAfterCut(bytes), bytes: bytes.length, whole };
    if (!whole) return 'too large';
    const unpacked = await (packed === 'gz' ? unpackGzip : unpackZstd)(bytes, { maxOutputLength: budget });

    return { text: linesOf(unpacked), bytes: unpacked.length, whole: true };
  } catch (error) {
    return hasErrno(error, 'ERR_BUFFER_TOO_LARGE') ? 'too large' : { problem: problemOf(error) };
  }
}

/** The last bytes of a regular file, at most so many. */
async function tailOf(path: string, most: number): Promise<{ readonly bytes: Buffer; readonly whole: boolean }> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);

  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new Error('no regular file');
    const length = Math.min(facts.size, most);
    const buffer = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const { bytesRead } = await file.read(buffer, done, length - done, facts.size - length + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }

    return { bytes: buffer.subarray(0, done), whole: length === facts.size };
  } finally {
    await file.close();
  }
}

/** What ends in the middle of a line is being written, or was torn: the next reading has it. */
function linesOf(bytes: Buffer): string {
  return bytes.toString('utf8', 0, bytes.lastIndexOf(0x0a) + 1);
}

function linesAfterCut(bytes: Buffer): string {
  const text = linesOf(bytes);

  return text.slice(text.indexOf('\n') + 1);
}

function problemOf(error: unknown): Omit<LogProblem, 'log'> {
  if (hasErrno(error, 'EACCES', 'EPERM')) return { code: 'FILE_UNREADABLE', reason: 'only root may read it' };
  if (hasErrno(error, 'ENOENT')) return { code: 'NOT_FOUND', reason: 'it was rotated while it was read' };

  return {
    code: 'FILE_UNREADABLE',
    reason: error instanceof Error ? error.message.slice(0, 200) : 'it cannot be read',
  };
}
