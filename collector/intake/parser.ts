// Reads sections of hosts without keeping everybody else waiting: 500 bytes on the wire can become JSON that takes seconds to
// parse. Small ones, which is what honest hosts send, are read at once; large ones by one thread, with little memory
// and a deadline. The thread is started when it is needed and stopped when it was not for a while.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { SectionName } from '@selvage/shared/model/inventory.ts';
import { faultOf } from './fault.ts';
import { READY } from './parser-ready.ts';

/** Bytes of JSON that are read on the event loop: 20 ms at the worst, 250 packages. */
const INLINE_BYTES = 64 * 1024;
/** Milliseconds one section may take: many times what the largest honest one needs. Not counted while the thread starts. */
const DEADLINE_MS = 5_000;
/** Milliseconds in which a thread starts on any machine; one that does not is no fault of any section. */
const START_MS = 60_000;
/** Milliseconds after which an idle thread gives its memory back. */
const IDLE_MS = 30_000;
/** MiB for the objects of one section: 8 MiB of empty objects are 120. */
const MEMORY_MIB = 256;
/** Bytes of JSON that wait for the thread: a fleet that comes at once has gigabytes. What is more is unpacked again later. */
const WAITING_BYTES = 64 * 1024 * 1024;
/** Beside this file, in a checkout and in a bundle. */
const THREAD = new URL(`./parser-thread${extname(import.meta.filename)}`, import.meta.url);

export interface ParserLimits {
  readonly inlineBytes: number;
  readonly deadlineMs: number;
  readonly startMs: number;
  readonly idleMs: number;
  readonly memoryMib: number;
  readonly waitingBytes: number;
}

/** The same JSON once more. */
export type Again = () => Promise<Uint8Array>;

interface Task {
  readonly name: SectionName;
  /** Null: there was no room for it; `again` has it. */
  readonly json: Uint8Array | null;
  readonly again: Again;
  readonly resolve: (fault: string | null) => void;
  readonly reject: (error: unknown) => void;
}

export class SectionParser {
  readonly #limits: ParserLimits;
  readonly #file: URL;
  readonly #queue: Task[] = [];
  #waitingBytes = 0;
  #thread: Worker | null = null;
  /** The thread has loaded its modules. */
  #ready = false;
  #current: Task | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: Partial<ParserLimits> = {}, thread = THREAD) {
    this.#limits = {
      ...{ inlineBytes: INLINE_BYTES, deadlineMs: DEADLINE_MS, startMs: START_MS, idleMs: IDLE_MS },
      memoryMib: MEMORY_MIB,
      waitingBytes: WAITING_BYTES,
      ...limits,
    };
    this.#file = thread;
  }

  /** Bytes that are kept for sections which wait. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /**
   * Resolves with what is wrong with the section, null when nothing is. Rejects for an error of ours (the thread cannot be
   * started), never for what a host sent. Where too much waits already `json` is let go, and asked for again.
   */
  async check(name: SectionName, json: Uint8Array, again: Again = async () => json): Promise<string | null> {
    if (json.length <= this.#limits.inlineBytes) return faultOf(name, json);

    return new Promise((resolve, reject) => {
      const hasRoom = this.#waitingBytes + json.length <= this.#limits.waitingBytes;
      this.#queue.push({ name, json: hasRoom ? json : null, again, resolve, reject });
      if (hasRoom) this.#waitingBytes += json.length;
      this.#next();
    });
  }

  /** True while there is a thread, at work or idle. */
  get running(): boolean {
    return this.#thread !== null;
  }

  #next(): void {
    if (this.#current !== null) return;
    clearTimeout(this.#timer);
    const task = this.#queue.shift();
    if (task === undefined) {
      // Idle, it never keeps the collector alive. Not once when it starts: a listener for messages takes that back.
      this.#thread?.unref();
      this.#after(this.#limits.idleMs, () => this.#stop());

      return;
    }

    this.#current = task;
    this.#waitingBytes -= task.json?.length ?? 0;
    if (task.json) {
      this.#read(task, task.json);
    } else {
      task.again().then(
        (json) => this.#read(task, json),
        (error: unknown) => this.#done(() => task.reject(error)),
      );
    }
  }

  #read({ name }: Task, json: Uint8Array): void {
    try {
      const thread = this.#thread ?? this.#start();
      // On a busy machine a start takes longer than any section: that is no fault of the host that sent the first one.
      if (this.#ready) this.#giveUpSection();
      else this.#giveUpThread();
      thread.ref();
      thread.postMessage({ name, json });
    } catch (error) {
      // No thread can be had (too many processes, no memory): those that wait behind are not to wait for ever.
      queueMicrotask(() => this.#done((task) => task.reject(error)));
    }
  }

  /** The section that is read now, when it is not done in its time. */
  #giveUpSection(): void {
    const { deadlineMs } = this.#limits;
    this.#after(deadlineMs, () => {
      this.#stop();
      this.#done((late) => late.resolve(`section ${late.name} takes longer than ${deadlineMs} ms to read`));
    });
  }

  /** The thread, when it does not start. What it was to read was never looked at: it comes again. */
  #giveUpThread(): void {
    const { startMs } = this.#limits;
    this.#after(startMs, () => {
      this.#stop();
      const error = new CodedError('INTERNAL', `the thread that reads sections did not start within ${startMs} ms`);
      this.#done((task) => task.reject(error));
    });
  }

  #done(answer: (task: Task) => void): void {
    const task = this.#current;
    this.#current = null;
    if (task) answer(task);
    this.#next();
  }

  #start(): Worker {
    const thread = new Worker(this.#file, {
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.memoryMib },
    });
    this.#ready = false;
    const isOurs = () => this.#thread === thread;
    thread.on('message', (said: string | null | typeof READY) => {
      if (!isOurs()) return;
      if (said !== READY) return this.#done((task) => task.resolve(said));
      this.#ready = true;
      clearTimeout(this.#timer);
      this.#giveUpSection();
    });
    thread.on('error', (error) => {
      if (!isOurs()) return;
      this.#thread = null;
      const full = hasErrno(error, 'ERR_WORKER_OUT_OF_MEMORY');
      this.#done((task) =>
        full
          ? task.resolve(`section ${task.name} needs more than ${this.#limits.memoryMib} MiB to read`)
          : task.reject(error),
      );
    });
    this.#thread = thread;

    return thread;
  }

  #stop(): void {
    const thread = this.#thread;
    this.#thread = null;
    // Nothing is waited for: what it said after this counts no more.
    void thread?.terminate();
  }

  #after(ms: number, act: () => void): void {
    this.#timer = setTimeout(act, ms);
    this.#timer.unref();
  }
}
