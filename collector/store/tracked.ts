// The rooms as one transaction gets them: made when they are asked for, refused once the transaction has ended, and counted.
// Work that returns while one of its calls still runs forgot an await: half of it would be committed and the rest lost,
// so the whole transaction is refused.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Scope } from './dialect.ts';
import type { Writers } from './ports.ts';

type Method = (...parameters: readonly unknown[]) => Promise<unknown>;
type Room = Readonly<Record<string, Method>>;

export interface Tracked {
  readonly rooms: Writers;
  /** Throws STATE when a call has not ended yet. */
  settled(): void;
}

/** Runs a call as a part of a transaction; see Transactions.within. */
export type Within = <T>(scope: Scope, work: () => T) => T;

/** Hands out `writers`, which serve one transaction after the other, to one transaction at a time. */
export function tracked(writers: Writers, within: Within): (scope: Scope) => Tracked {
  const names = Object.keys(writers) as (keyof Writers)[];

  return (scope) => {
    const calls = new Calls(scope, within);
    const rooms = {};
    for (const name of names) {
      let room: Room | null = null;
      Object.defineProperty(rooms, name, {
        enumerable: true,
        get: () => (room ??= calls.of(name, writers[name] as unknown as Room)),
      });
    }

    return { rooms: rooms as Writers, settled: () => calls.settled() };
  };
}

class Calls {
  readonly #scope: Scope;
  readonly #within: Within;
  readonly #running = new Map<number, string>();
  #count = 0;

  constructor(scope: Scope, within: Within) {
    this.#scope = scope;
    this.#within = within;
  }

  of(name: string, room: Room): Room {
    const followed: Record<string, Method> = {};
    for (const key of Object.keys(room)) {
      const method = room[key];
      if (method) followed[key] = (...parameters) => this.#follow(`${name}.${key}`, () => method(...parameters));
    }

    return followed;
  }

  settled(): void {
    if (this.#running.size === 0) return;
    const calls = [...this.#running].map(([number, label]) => `${label} (call ${number})`);
    throw new CodedError('STATE', `a transaction ended before ${calls.join(', ')}: an await is missing`);
  }

  #follow(label: string, work: () => Promise<unknown>): Promise<unknown> {
    // Kept beyond its end, or by somebody else: it must not land in the transaction that is open now.
    if (!this.#scope.open)
      return Promise.reject(new CodedError('STATE', `${label} came after its transaction had ended`));
    const number = ++this.#count;
    this.#running.set(number, label);
    const promise = this.#within(this.#scope, work).finally(() => this.#running.delete(number));
    // Whoever awaits it still gets the error; one that nobody awaits is reported by `settled`, not by a crash.
    promise.catch(() => undefined);

    return promise;
  }
}
