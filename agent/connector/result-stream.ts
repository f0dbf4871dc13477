// The results of the runner as a durable stream. Only the runner writes and prunes `runner/results/<number>.json`; the
// connector reads them and says in `outbox/acknowledged.json` up to which number they may go.
import { watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, makeFolder, readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { type DurableBody, MAX_FRAME_BYTES } from '@selvage/shared/wire/wire.ts';
import { type DurableMessage, type DurableStream, Signal } from './stream.ts';

const RESULT_FILE = /^([1-9]\d{0,15})\.json$/;
/** Base64 in JSON takes 4/3 of the bytes; what is larger could not be sent either. */
const MAX_RESULT_FILE_BYTES = Math.ceil(MAX_FRAME_BYTES * 1.4);
const MAX_STATE_BYTES = 4096;
/** Besides file notifications, which not every file system gives. */
const POLL_MS = 15_000;

export interface ResultStreamOptions {
  /** `runner/results`. */
  readonly results: string;
  /** Folder that `acknowledged.json` is written to. */
  readonly outbox: string;
  /** A wiped runner folder loses its key too and enrolls as a new host, so the host names the stream. */
  readonly hostId: HostId;
  readonly clock: Clock;
  readonly log: Log;
}

/** A result as the runner stores it: base64 of the signed bytes and of the signature. */
export interface ResultFile {
  readonly payload: string;
  readonly signature: string;
}

export async function openResultStream(options: ResultStreamOptions): Promise<DurableStream> {
  const { results, log } = options;
  const state = join(options.outbox, 'acknowledged.json');
  await makeFolder(options.outbox);
  let acknowledged = await readAcknowledged(state, log);
  const damaged = new Set<bigint>();

  const waiting = async () =>
    (await numbers(results)).filter((number) => number > acknowledged && !damaged.has(number));

  return {
    id: `results:${options.hostId}`,
    position: async () => {
      const [first] = await waiting();

      return first === undefined ? acknowledged : first - 1n;
    },
    pending: async (after, max) => {
      const messages: DurableMessage[] = [];

      for (const number of (await waiting()).filter((item) => item > after).slice(0, max)) {
        if (number !== after + BigInt(messages.length) + 1n) break;
        const body = await readResult(join(results, `${number}.json`), log);
        if (body === null) {
          damaged.add(number);
          break;
        }
        messages.push({ sequence: number, body });
      }

      return messages;
    },
    acknowledged: async (upTo) => {
      if (upTo <= acknowledged) return;
      await writeDurable(state, `${JSON.stringify({ results: Number(upTo) })}\n`, { mode: 0o644 });
      acknowledged = upTo;
    },
    changed: (abort) => changes(results, options.clock, abort),
  };
}

async function numbers(folder: string): Promise<bigint[]> {
  try {
    const found = (await readdir(folder)).flatMap((name) => RESULT_FILE.exec(name)?.[1] ?? []);

    return found.map(BigInt).sort((a, b) => (a < b ? -1 : 1));
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

async function readAcknowledged(path: string, log: Log): Promise<bigint> {
  const bytes = await readBounded(path, MAX_STATE_BYTES);
  if (bytes === null) return 0n;

  try {
    const { results } = JSON.parse(Buffer.from(bytes).toString()) as { results?: unknown };
    if (typeof results === 'number' && Number.isSafeInteger(results) && results >= 0) return BigInt(results);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }

  // Sending again is harmless: the collector knows what it has committed and says so in Welcome.
  log.warn({ path }, 'what was acknowledged cannot be read; starting from what the collector says');

  return 0n;
}

async function readResult(path: string, log: Log): Promise<DurableBody | null> {
  try {
    const bytes = await readBounded(path, MAX_RESULT_FILE_BYTES);
    if (bytes === null) throw new CodedError('FILE_CORRUPT', `${path} is gone`);
    const { payload, signature } = JSON.parse(Buffer.from(bytes).toString()) as Partial<ResultFile>;
    if (typeof payload !== 'string' || typeof signature !== 'string') {
      throw new CodedError('FILE_CORRUPT', `${path} holds no signed result`);
    }

    return { type: 'result', payload: Buffer.from(payload, 'base64'), signature: Buffer.from(signature, 'base64') };
  } catch (error) {
    log.error({ path, error }, 'a result cannot be read; the collector is told that it will not come');

    return null;
  }
}

async function* changes(folder: string, clock: Clock, abort: AbortSignal): AsyncGenerator<void> {
  const signal = new Signal();
  const ended = new AbortController();
  const end = AbortSignal.any([abort, ended.signal]);
  const watcher = startWatch(folder, () => signal.notify());
  const poll = async () => {
    while (!end.aborted) {
      await clock.sleep(POLL_MS, end);
      signal.notify();
    }
  };
  // Ends by its signal only; sleep rejects then.
  const polling = poll().catch(() => undefined);

  try {
    yield* signal.changes(end);
  } finally {
    ended.abort();
    watcher?.close();
    await polling;
  }
}

/** Null where the folder is missing or cannot be watched: polling is enough, only slower. */
function startWatch(folder: string, notify: () => void): { close(): void } | null {
  try {
    const watcher = watch(folder, { persistent: false }, notify);
    watcher.on('error', () => watcher.close());

    return watcher;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOSPC', 'EMFILE', 'EACCES')) return null;
    throw error;
  }
}
