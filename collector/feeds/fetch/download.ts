// Brings one address into a file of this collector, if it is another than before. What is cut, slow without end or too large is no file:
// it is removed, and said.
import { constants, type FileHandle, open, rm } from 'node:fs/promises';
import { setTimeout as timer } from 'node:timers';
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Random } from '@selvage/shared/random.ts';
import { nextDelay } from '@selvage/shared/time/backoff.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { type Answer, type Asked, get, type Way } from './request.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
const PRIVATE_FILE = 0o600;
const MAX_ATTEMPTS = 3;
const BACKOFF = { baseMs: 2000, capMs: 30_000 };

export interface DownloadLimits {
  readonly maxBytes: number;
  /** Milliseconds without a byte. */
  readonly idleMs: number;
  /** Milliseconds for the body. */
  readonly totalMs: number;
}

export const DOWNLOAD_LIMITS: DownloadLimits = {
  maxBytes: 4096 * 1024 * 1024,
  idleMs: 60_000,
  totalMs: 30 * 60 * 1000,
};

export interface Downloaded {
  /** Null: it has not changed. */
  readonly path: string | null;
  readonly etag: string | null;
  readonly lastModified: string | null;
}

export interface DownloadParts {
  readonly way: Way;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits?: DownloadLimits;
}

/**
 * Into the file `path`, which must not exist. What may pass is tried up to three times. Throws UNREACHABLE, PROXY_REFUSED,
 * CERTIFICATE_INVALID, FEED_UNAVAILABLE, FEED_INVALID (too large), DISK_FULL.
 */
export async function download(
  asked: Asked,
  path: string,
  parts: DownloadParts,
  signal: AbortSignal,
): Promise<Downloaded> {
  const { clock, random, limits = DOWNLOAD_LIMITS } = parts;
  let delay = 0;

  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await get(asked, parts.way, signal);
      const { etag, lastModified } = answer;
      if (answer.body === null)
        return { path: null, etag: etag ?? asked.etag, lastModified: lastModified ?? asked.lastModified };
      await save(answer, path, asked.url, limits);

      return { path, etag, lastModified };
    } catch (error) {
      if (attempt === MAX_ATTEMPTS || signal.aborted || !mayPass(error)) throw error;
      delay = nextDelay(delay, { ...BACKOFF, random: () => random.float() });
      await clock.sleep(delay, signal);
    }
  }
}

function mayPass(error: unknown): boolean {
  if (hasCode(error, 'UNREACHABLE')) return true;

  return hasCode(error, 'FEED_UNAVAILABLE') && error.details.retryable === true;
}

async function save({ body, length }: Answer, path: string, url: string, limits: DownloadLimits): Promise<void> {
  if (body === null) return;
  if (length !== null && length > limits.maxBytes) throw tooLarge(url, limits, body);
  const late = (what: string) => () => body.destroy(cut(url, what));
  const total = timer(late(`took longer than ${limits.totalMs} ms`), limits.totalMs);
  body.setTimeout(limits.idleMs, late(`sent nothing for ${limits.idleMs} ms`));
  let file: FileHandle | undefined;

  try {
    file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, PRIVATE_FILE);
    let size = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > limits.maxBytes) throw tooLarge(url, limits, body);
      await file.writeFile(part);
    }
    if (length !== null && size !== length) throw cut(url, `sent ${size} of ${length} bytes`);
  } catch (error) {
    await rm(path, { force: true });
    if (error instanceof CodedError) throw error;
    if (hasErrno(error, 'ENOSPC', 'EDQUOT')) throw new CodedError('DISK_FULL', `no space for ${url}`, { cause: error });
    if (hasErrno(error, 'EEXIST', 'ELOOP')) throw error;
    throw cut(url, 'ended its answer half-way', error);
  } finally {
    clearTimeout(total);
    await file?.close();
  }
}

function cut(url: string, why: string, cause?: unknown): CodedError {
  return new CodedError('FEED_UNAVAILABLE', `${new URL(url).host} ${why}`, { cause, details: { retryable: true } });
}

function tooLarge(url: string, { maxBytes }: DownloadLimits, body: { destroy(): unknown }): CodedError {
  body.destroy();

  return new CodedError('FEED_INVALID', `${new URL(url).host} sends more than ${maxBytes} bytes; nothing was taken`);
}
