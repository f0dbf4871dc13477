// The inventory messages that the collector has not committed yet, one durable file each, named by its sequence.
// It survives being killed at any point; it never renumbers or changes a message that may have been sent.
//
// INVARIANTS:
// - stream.json names the current stream and the highest acknowledged sequence; only files of that stream above it count.
// - A sequence is used once: `highest` counts damaged files too, and one operation runs at a time.
// - The acknowledgement is durable before the files go, so a crash between leaves files that opening removes. On a full disk
//   all files but the last acknowledged one may go first: it keeps the sequence from being used again.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { makeFolder, readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import { type Log, silentLog } from '@selvage/shared/log/levels.ts';
import type { Random } from '@selvage/shared/random.ts';
import { type DurableBody, decodeAgentFrame, encodeAgentFrame, MAX_FRAME_BYTES } from '@selvage/shared/wire/wire.ts';
import * as z from 'zod/mini';
import { serial } from './serial.ts';
import { readJson } from './state-file.ts';
import { type DurableMessage, type DurableStream, Signal } from './stream.ts';

/** Messages kept while the collector is away; more are pointless, the newest inventory says it all. */
const MAX_PENDING_MESSAGES = 512;
const MAX_STATE_BYTES = 4096;
const SEQUENCE_DIGITS = 19;
const MESSAGE_FILE = /^(\d{19})\.message$/;
const TEMPORARY_FILE = /^\..*\.tmp$/;
const STREAM_ID = /^inventory:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const STREAM_FOLDER = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const savedState = z.object({
  stream: z.string().check(z.regex(STREAM_ID)),
  acknowledged: z.string().check(z.regex(/^\d{1,19}$/)),
});

interface State {
  readonly stream: string;
  readonly acknowledged: bigint;
}

export interface Outbox extends DurableStream {
  /** Folder of the current stream; what the sender remembers lies in it and goes with it. */
  readonly folder: string;
  /** Resolves with the sequence when the message is on disk. Throws DISK_FULL, FRAME_TOO_LARGE, FRAME_INVALID. */
  add(body: DurableBody): Promise<bigint>;
  /** Messages not yet acknowledged. */
  size(): number;
  /** True when so much waits that the sender should start anew with one whole inventory. */
  full(): boolean;
  /**
   * Drops everything unsent and begins a new stream: for state that is sent whole again right after. Throws DISK_FULL; the
   * old stream then goes on.
   */
  restart(): Promise<void>;
}

/**
 * Opens (or makes) the outbox in `dir`; one process at a time. A state file that cannot be read begins a new stream:
 * what the messages were is not guessed, the next inventory is sent whole.
 */
export async function openOutbox(dir: string, tools: { readonly random: Random; readonly log: Log }): Promise<Outbox> {
  const signal = new Signal();
  const queue = serial();
  await makeFolder(dir);

  let state = (await readState(dir, tools.log)) ?? (await begin(dir, tools.random));
  let files = await recover(dir, state);
  let highest = files.at(-1) ?? state.acknowledged;
  const damaged = new Set<bigint>();
  /** Acknowledged, but that could not be written: a file that stays until it can be. */
  let unsettled: readonly bigint[] = [];
  const folder = () => join(dir, folderOf(state.stream));

  const restart = async () => {
    const fresh = await begin(dir, tools.random);
    // What it throws leaves the old stream in place, here: the new one on disk is empty and goes with the next start.
    files = await recover(dir, fresh);
    state = fresh;
    highest = 0n;
    unsettled = [];
    damaged.clear();
    signal.notify();
  };
  const remove = async (sequences: readonly bigint[]) => {
    for (const sequence of sequences) await rm(join(folder(), fileOf(sequence)), { force: true });
  };
  /** Throws nothing for a full disk: what the collector has committed is no reason to leave it. */
  const settle = async (done: readonly bigint[]) => {
    try {
      await writeState(dir, state);
      await remove(done);
      unsettled = [];
    } catch (error) {
      if (!hasCode(error, 'DISK_FULL')) throw error;
      await remove(done.slice(0, -1));
      unsettled = done.slice(-1);
      tools.log.warn({ code: error.code }, error.message);
    }
  };

  return {
    get id() {
      return state.stream;
    },
    get folder() {
      return folder();
    },
    size: () => files.length,
    full: () => files.length >= MAX_PENDING_MESSAGES,
    changed: (abort) => signal.changes(abort),
    restart: () => queue(restart),
    add: (body) =>
      queue(async () => {
        const sequence = highest + 1n;
        const frame = encodeAgentFrame({ type: 'durable', stream: state.stream, sequence, message: body });
        await writeDurable(join(folder(), fileOf(sequence)), frame);
        highest = sequence;
        files.push(sequence);
        signal.notify();

        return sequence;
      }),
    position: () => queue(async () => (files.find((sequence) => !damaged.has(sequence)) ?? highest + 1n) - 1n),
    pending: (after, max) =>
      queue(async () => {
        const messages: DurableMessage[] = [];

        for (const sequence of files.filter((file) => file > after && !damaged.has(file)).slice(0, max)) {
          if (sequence !== after + BigInt(messages.length) + 1n) break;
          const body = await readMessage(join(folder(), fileOf(sequence)), state.stream, sequence, tools.log);
          if (body === null) {
            damaged.add(sequence);
            break;
          }
          messages.push({ sequence, body });
        }

        return messages;
      }),
    acknowledged: (upTo, stream) =>
      queue(async () => {
        if (stream !== state.stream || upTo <= state.acknowledged) return;

        if (upTo > highest) {
          // The collector knows more of this stream than was ever written here: this folder is an older copy of itself
          // (a restored disk image). New messages would be taken for repeats, so a new stream begins.
          tools.log.warn({ stream: state.stream, upTo: `${upTo}`, highest: `${highest}` }, 'the outbox is an old copy');
          await restart();

          return;
        }

        state = { ...state, acknowledged: upTo };
        const done = files.filter((sequence) => sequence <= upTo);
        files = files.filter((sequence) => sequence > upTo);
        await settle([...unsettled, ...done]);
      }),
  };
}

/** Where the present stream of the outbox in `dir` lies; null when there is none. Changes nothing. */
export async function folderIn(dir: string): Promise<string | null> {
  const state = await readState(dir, silentLog);

  return state && join(dir, folderOf(state.stream));
}

/** Null for a new or damaged folder: a new stream begins then. */
async function readState(dir: string, log: Log): Promise<State | null> {
  const saved = await readJson(join(dir, 'stream.json'), savedState, MAX_STATE_BYTES, log);

  return saved && { stream: saved.stream, acknowledged: BigInt(saved.acknowledged) };
}

async function writeState(dir: string, state: State): Promise<void> {
  const text = JSON.stringify({ stream: state.stream, acknowledged: `${state.acknowledged}` });
  await writeDurable(join(dir, 'stream.json'), `${text}\n`);
}

async function begin(dir: string, random: Random): Promise<State> {
  const state = { stream: `inventory:${random.uuid()}`, acknowledged: 0n };
  await writeState(dir, state);

  return state;
}

/** The sequences on disk in order; leftovers of crashes (temporary files, acknowledged messages, old streams) go. */
async function recover(dir: string, state: State): Promise<bigint[]> {
  const current = folderOf(state.stream);
  await makeFolder(join(dir, current));

  for (const name of await readdir(dir)) {
    if (name === current || !(STREAM_FOLDER.test(name) || TEMPORARY_FILE.test(name))) continue;
    await rm(join(dir, name), { recursive: true, force: true });
  }

  const sequences: bigint[] = [];

  for (const name of await readdir(join(dir, current))) {
    const sequence = BigInt(MESSAGE_FILE.exec(name)?.[1] ?? 0);
    if (sequence > state.acknowledged) sequences.push(sequence);
    else if (sequence > 0n || TEMPORARY_FILE.test(name)) await rm(join(dir, current, name), { force: true });
  }

  return sequences.sort((a, b) => (a < b ? -1 : 1));
}

/** The message in a file, null when the file is missing or damaged: a hole that position() makes known. */
async function readMessage(path: string, stream: string, sequence: bigint, log: Log): Promise<DurableBody | null> {
  try {
    const bytes = await readBounded(path, MAX_FRAME_BYTES);
    const frame = bytes === null ? null : decodeAgentFrame(bytes);
    if (frame?.type === 'durable' && frame.stream === stream && frame.sequence === sequence) return frame.message;
    log.error({ path }, 'a message in the outbox is gone or is another one');
  } catch (error) {
    log.error({ path, error }, 'a message in the outbox cannot be read');
  }

  return null;
}

function fileOf(sequence: bigint): string {
  return `${String(sequence).padStart(SEQUENCE_DIGITS, '0')}.message`;
}

function folderOf(stream: string): string {
  return STREAM_ID.exec(stream)?.[1] ?? '';
}
