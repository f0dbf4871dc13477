// Waits until something that other processes do has happened. Polls, because files and commands have no event for it.
import { setTimeout as wait } from 'node:timers/promises';
import { Unexpected } from './expectation.ts';

const POLL_MS = 100;

/** The first answer of `probe` that is not null. Throws Unexpected with `seen()` when the deadline passes. */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T | null>,
  deadlineMs: number,
  seen: () => unknown = () => 'nothing',
): Promise<T> {
  const until = performance.now() + deadlineMs;

  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (performance.now() > until) throw new Unexpected(`${what} within ${deadlineMs} ms`, seen());
    await wait(POLL_MS);
  }
}
