// Asks the collector for files of the policy repository, one at a time, and hands the mirror its turn whenever there may
// be something new. It looks into no file.
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { Bucket } from '@selvage/shared/time/bucket.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { AgentFrame, CollectorFrame, PolicyHeld } from '@selvage/shared/wire/wire.ts';
import { deadline } from './deadline.ts';
import { serial } from './serial.ts';
import { Signal } from './stream.ts';

/** Milliseconds one request may take. */
const REQUEST_MS = 30_000;

/**
 * Milliseconds until a mirror that failed for a reason that passes (a full disk) gets another turn without an announcement.
 */
const AGAIN_MS = 5 * 60_000;

/** Turns of the mirror: each may write a whole copy and wake the runner, so announcements alone must not set the pace. */
const TURNS = { perMs: 1 / 60_000, burst: 20 };

/** One file of the policy repository, null when the collector has none of that name. */
export type PolicyRequest = (name: string, sha256?: Sha256) => Promise<Uint8Array | null>;

type PolicyFile = CollectorFrame & { readonly type: 'policyFile' };

export interface PolicyDeskParts {
  readonly send: (frame: AgentFrame) => void;
  readonly clock: Clock;
  /** What the host goes by, told before each look; null: nothing to tell. */
  readonly held?: (() => Promise<Omit<PolicyHeld, 'type'> | null>) | undefined;
  readonly onPolicy: (request: PolicyRequest, signal: AbortSignal) => Promise<void>;
  readonly onProblem: (error: CodedError) => void;
}

export class PolicyDesk {
  readonly #parts: PolicyDeskParts;
  readonly #announced = new Signal();
  readonly #queue = serial();
  readonly #turns: Bucket;
  #due = false;
  #open: { readonly name: string; readonly resolve: (content: Uint8Array | null) => void } | null = null;

  constructor(parts: PolicyDeskParts) {
    this.#parts = parts;
    this.#turns = new Bucket(TURNS, parts.clock.monotonic());
  }

  announce(): void {
    this.#due = true;
    this.#announced.notify();
  }

  /** Throws FRAME_UNEXPECTED for an answer to nothing. */
  answer(file: PolicyFile): void {
    if (this.#open?.name !== file.name) throw new CodedError('FRAME_UNEXPECTED', 'a policy file that nobody asked for');
    const { resolve } = this.#open;
    this.#open = null;
    resolve(file.found ? file.content : null);
  }

  /**
   * Gives the mirror its turns until the signal aborts. A mirror that fails waits for the next announcement; where trying
   * again may help, not longer than some minutes.
   */
  async run(signal: AbortSignal): Promise<void> {
    const announcements = this.#announced.changes(signal);
    const turns = async () => {
      while (this.#due && !signal.aborted) {
        const wait = this.#turns.take(1, this.#parts.clock.monotonic());
        if (wait > 0) {
          // What is announced meanwhile is in the turn that comes.
          await this.#parts.clock.sleep(wait, signal);
          continue;
        }
        this.#due = false;
        await this.#turn(request, signal);
      }
    };
    const request: PolicyRequest = (name, sha256) => this.#queue(() => this.#request(name, sha256 ?? null, signal));

    await turns();
    for await (const _ of announcements) await turns();
  }

  async #turn(request: PolicyRequest, signal: AbortSignal): Promise<void> {
    await this.#tell(signal);
    try {
      await this.#parts.onPolicy(request, signal);
    } catch (error) {
      if (signal.aborted) return;
      const coded = asCoded(error);
      // No answer in time means that the connection is of no use any more; anything else is the mirror's own trouble.
      if (coded.code === 'UNREACHABLE') throw coded;
      this.#parts.onProblem(coded);
      if (coded.rule === 'retry') this.#again(signal);
    }
  }

  #again(signal: AbortSignal): void {
    this.#parts.clock.sleep(AGAIN_MS, signal).then(
      () => this.announce(),
      // Aborted: the session is over, and the next one begins with a turn.
      () => undefined,
    );
  }

  /** What cannot be told is no reason not to look for newer policy. */
  async #tell(signal: AbortSignal): Promise<void> {
    try {
      const held = await this.#parts.held?.();
      if (held && !signal.aborted) this.#parts.send({ type: 'policyHeld', ...held });
    } catch (error) {
      if (!signal.aborted) this.#parts.onProblem(asCoded(error));
    }
  }

  async #request(name: string, sha256: Sha256 | null, signal: AbortSignal): Promise<Uint8Array | null> {
    signal.throwIfAborted();
    const answered = new Promise<Uint8Array | null>((resolve) => {
      this.#open = { name, resolve };
    });
    this.#parts.send({ type: 'policyRequest', name, sha256 });

    return deadline(this.#parts.clock, REQUEST_MS, answered, signal, `no answer to the request for ${name}`);
  }
}
