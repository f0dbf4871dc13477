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
  /**
   * The collector has committed everything up to and including `upTo`: it may go. `stream` is the name it said this of;
   * for a stream that has started anew since then it says nothing.
   */
  acknowledged(upTo: bigint, stream: string): Promise<void>;
  /** Yields whenever there may be something new; ends when the signal aborts. */
  changed(signal: AbortSignal): AsyncIterable<void>;
}

/** Wakes any number of waiting loops. A wake-up between two waits is kept; many of them count once. */
export class Signal {
  readonly #listeners = new Set<() => void>();

  notify(): void {
    for (const wake of this.#listeners) wake();
  }

  /** Listens from the call on, not only from the first wait. Ends when the signal aborts. */
  changes(signal: AbortSignal): AsyncIterableIterator<void> {
    let due = false;
    let ended = signal.aborted;
    let resume: () => void = () => undefined;
    const wake = () => {
      due = true;
      resume();
    };
    const end = () => {
      ended = true;
      this.#listeners.delete(wake);
      signal.removeEventListener('abort', end);
      resume();
    };
    if (!ended) {
      this.#listeners.add(wake);
      signal.addEventListener('abort', end);
    }

    const iterator: AsyncIterableIterator<void> = {
      next: async () => {
        while (!due && !ended) {
          await new Promise<void>((resolve) => {
            resume = resolve;
          });
        }
        due = false;

        return { done: ended, value: undefined };
      },
      return: async () => {
        end();

        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]: () => iterator,
    };

    return iterator;
  }
}
