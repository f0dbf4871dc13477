// What the link carries: durable streams of messages that lie on disk until the collector has committed them.
// The link knows streams only through this interface; ./outbox.ts and ./result-stream.ts are the two kinds.
import type { DurableBody } from '@selvage/shared/wire/wire.ts';

export interface DurableMessage {
  readonly sequence: bigint;
  readonly body: DurableBody;
}

export interface DurableStream {
  /** Name on the wire, `inventory:<uuid>` or `results:<uuid>`. May change when a stream starts anew; read it per connection. */
  readonly id: string;
  /**
   * Highest sequence that will never be sent again: what the collector acknowledged, or what is missing on disk before
   * the oldest message (a damaged folder). The collector notes a difference in its audit ledger.
   */
  position(): Promise<bigint>;
  /** Messages after `after` in order and without a gap, at most `max`; ends before the first one that is missing. */
  pending(after: bigint, max: number): Promise<readonly DurableMessage[]>;
  /** The collector has committed everything up to and including `upTo`: it may go. */
  acknowledged(upTo: bigint): Promise<void>;
  /** Yields whenever there may be something new; ends when the signal aborts. */
  changed(signal: AbortSignal): AsyncIterable<void>;
}

/** Wakes any number of waiting loops; a wake-up while nobody waits is kept for the next one. */
export class Signal {
  readonly #waiting = new Set<() => void>();

  notify(): void {
    for (const wake of this.#waiting) wake();
  }

  async *changes(signal: AbortSignal): AsyncGenerator<void> {
    let due = false;
    let resume: () => void = () => undefined;
    const wake = () => {
      due = true;
      resume();
    };
    this.#waiting.add(wake);
    signal.addEventListener('abort', wake, { once: true });

    try {
      while (!signal.aborted) {
        if (!due) {
          await new Promise<void>((resolve) => {
            resume = resolve;
          });
        }
        due = false;
        if (!signal.aborted) yield;
      }
    } finally {
      this.#waiting.delete(wake);
      signal.removeEventListener('abort', wake);
    }
  }
}
