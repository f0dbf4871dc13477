// Counts what a transaction has begun. Work that returns while one of its calls still runs forgot an await: half of it
// would be committed and the rest lost, so the whole transaction is refused.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Writers } from './ports.ts';

type Method = (...parameters: readonly unknown[]) => Promise<unknown>;

/** The same rooms, and `settled` which throws STATE when a call has not ended yet. */
export function tracked(writers: Writers): { readonly rooms: Writers; settled(): void } {
  const running = new Set<string>();
  let calls = 0;

  const follow =
    (label: string, method: Method): Method =>
    (...parameters) => {
      const call = `${label} (call ${++calls})`;
      running.add(call);
      const promise = method(...parameters).finally(() => running.delete(call));
      // Whoever awaits it still gets the error; one that nobody awaits is reported by `settled`, not by a crash.
      promise.catch(() => undefined);

      return promise;
    };
  const room = ([name, methods]: [string, Record<string, Method>]) => [
    name,
    Object.fromEntries(Object.entries(methods).map(([key, method]) => [key, follow(`${name}.${key}`, method)])),
  ];

  return {
    rooms: Object.fromEntries(Object.entries(writers).map(room)) as unknown as Writers,
    settled: () => {
      if (running.size === 0) return;
      throw new CodedError('STATE', `a transaction ended before ${[...running].join(', ')}: an await is missing`);
    },
  };
}
