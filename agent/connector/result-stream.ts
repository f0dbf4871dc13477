// The results of the runner as a durable stream. Only the runner writes and prunes `runner/results/<number>.json`; the
// connector reads them and says in `outbox/acknowledged.json` up to which number they may go.
import { watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, makeFolder, writeDurable } from '@selvage/shared/files/durable.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { type DurableBody, MAX_FRAME_BYTES } from '@selvage/shared/wire/wire.ts';
import * as z from 'zod/mini';
import { serial } from './serial.ts';
import { readJson } from './state-file.ts';
import { type DurableMessage, type DurableStream, Signal } from './stream.ts';

const RESULT_FILE = /^([1-9]\d{0,15})\.json$/;
/** Base64 in JSON takes 4/3 of the bytes; what is larger could not be sent either. */
const MAX_RESULT_FILE_BYTES = Math.ceil(MAX_FRAME_BYTES * 1.4);
/** Base64 characters of what the wire takes. */
const MAX_SIGNATURE_CHARACTERS = 340;
const MAX_STATE_BYTES = 4096;
const STATE_MODE = 0o644;
const STREAM_ID = /^results:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Besides file notifications, which not every file system gives. */
const POLL_MS = 15_000;

export interface ResultStreamOptions {
  /** `runner/results`. */
  readonly results: string;
  /** Folder that `acknowledged.json` is written to. */
  readonly outbox: string;
  readonly random: Random;
  readonly clock: Clock;
  readonly log: Log;
}

/** A result as the runner stores it: base64 of the signed bytes and of the signature. */
const resultFile = z.object({
  payload: z.base64().check(z.minLength(1)),
  signature: z.base64().check(z.minLength(1), z.maxLength(MAX_SIGNATURE_CHARACTERS)),
});
const savedState = z.object({
  stream: z.string().check(z.regex(STREAM_ID)),
  results: z.int().check(z.nonnegative()),
});

interface State {
  readonly stream: string;
  readonly results: bigint;
}

/**
 * Opens the stream; nothing of it is kept in memory but what is damaged. Its name lies beside the acknowledgement in the
 * outbox: when that is lost, results that were not pruned yet are sent again, and the store knows them.
 */
export async function openResultStream(options: ResultStreamOptions): Promise<DurableStream> {
  const { results, random, log } = options;
  const path = join(options.outbox, 'acknowledged.json');
  const queue = serial();
  await makeFolder(options.outbox);
  const named = () => `results:${random.uuid()}`;
  let state = (await readState(path, log)) ?? (await writeState(path, { stream: named(), results: 0n }));
  const damaged = new Set<bigint>();

  const waiting = async () => (await numbers(results)).filter((item) => item > state.results && !damaged.has(item));

  return {
    get id() {
      return state.stream;
    },
    position: () =>
      queue(async () => {
        const [first] = await waiting();

        return first === undefined ? state.results : first - 1n;
      }),
    pending: (after, max) =>
      queue(async () => {
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
      }),
    acknowledged: (upTo, stream) =>
      queue(async () => {
        if (stream !== state.stream || upTo <= state.results) return;
        const highest = (await numbers(results)).at(-1) ?? 0n;

        if (upTo > highest) {
          // The collector has results that this disk never saw (an older copy of it was restored): the runner will use
          // their numbers again, so they go into a stream of their own.
          log.warn({ stream, upTo: `${upTo}`, highest: `${highest}` }, 'the results are an old copy; new stream');
          state = { ...state, stream: named() };
        } else {
          state = { ...state, results: upTo };
        }

        try {
          await writeState(path, state);
        } catch (error) {
          // Nothing is pruned by the runner then, and after a restart some are sent again: the store knows them.
          if (!hasCode(error, 'DISK_FULL')) throw error;
          log.warn({ code: error.code }, error.message);
        }
      }),
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

async function readState(path: string, log: Log): Promise<State | null> {
  const saved = await readJson(path, savedState, MAX_STATE_BYTES, log);

  return saved && { stream: saved.stream, results: BigInt(saved.results) };
}

/** Readable by the runner, which prunes by it. */
async function writeState(path: string, state: State): Promise<State> {
  await writeDurable(path, `${JSON.stringify({ stream: state.stream, results: Number(state.results) })}\n`, {
    mode: STATE_MODE,
  });

  return state;
}

/** Null when it cannot be read: a hole, of which the collector is told. */
async function readResult(path: string, log: Log): Promise<DurableBody | null> {
  const file = await readJson(path, resultFile, MAX_RESULT_FILE_BYTES, log);

  return (
    file && {
      type: 'result',
      payload: Buffer.from(file.payload, 'base64'),
      signature: Buffer.from(file.signature, 'base64'),
    }
  );
}

async function* changes(folder: string, clock: Clock, abort: AbortSignal): AsyncGenerator<void> {
  const signal = new Signal();
  const ended = new AbortController();
  const end = AbortSignal.any([abort, ended.signal]);
  const notify = () => signal.notify();
  let watcher = startWatch(folder, notify);
  const poll = async () => {
    while (!end.aborted) {
      await clock.sleep(POLL_MS, end);
      // On a fresh host the runner makes the folder with its first result.
      watcher ??= startWatch(folder, notify);
      notify();
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
