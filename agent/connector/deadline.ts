// Bounds a wait by the clock that was given, so that tests can move it.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';

/** Waits for `work`, at most `ms`; throws UNREACHABLE with `message` when it takes longer, and the signal's reason when it aborts. */
export async function deadline<T>(
  clock: Clock,
  ms: number,
  work: Promise<T>,
  stop: AbortSignal,
  message: string,
): Promise<T> {
  const done = new AbortController();
  const late = clock.sleep(ms, AbortSignal.any([stop, done.signal])).then(() => {
    throw new CodedError('UNREACHABLE', message);
  });

  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
    // Whichever way the sleep ended, the race has its answer.
    late.catch(() => undefined);
  }
}
