// Which hosts have something to be taken in, and when: after their commits, one at a time, each at most once in a while however much
// it sends; after a start whatever a killed collector left; each hour the marks whose result did not come.
import { setImmediate } from 'node:timers/promises';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { digestHost, type HistoryParts } from './take-in.ts';
import { RESULT_LATE_MS } from './verdict.ts';

export interface HistoryKeeper {
  /** Resolves when nothing waits; for tests and for the end. */
  idle(): Promise<void>;
  /** Takes in nothing more; what waits is found again by the next start. */
  close(): Promise<void>;
}

/** One host is looked at again after so long, with all that came meanwhile: inventing changes costs it more than others. */
const PAUSE_MS = 5000;
const LATE_EVERY_MS = 3_600_000;
const SECTIONS: readonly string[] = ['changes', 'packages'];

/** `pauseMs`: another pause, in tests. */
export function keepHistory(parts: HistoryParts, { pauseMs = PAUSE_MS } = {}): HistoryKeeper {
  const { store, clock, events, log } = parts;
  const stopped = new AbortController();
  const waiting = new Set<HostId>();
  const resting = new Map<HostId, { again: boolean }>();
  let working: Promise<void> | null = null;

  const want = (host: HostId) => {
    if (stopped.signal.aborted) return;
    const rest = resting.get(host);
    if (rest) rest.again = true;
    else waiting.add(host);
    working ??= work().finally(() => {
      working = null;
    });
  };

  const rest = async (host: HostId) => {
    const state = { again: false };
    resting.set(host, state);
    await clock.sleep(pauseMs, stopped.signal).catch(() => undefined);
    resting.delete(host);
    if (state.again) want(host);
  };

  const work = async () => {
    for (const host of waiting) {
      if (stopped.signal.aborted) return;
      waiting.delete(host);
      try {
        if (await digestHost(parts, host)) waiting.add(host);
        else if (pauseMs > 0) void rest(host);
      } catch (error) {
        // Said once; the host's next inventory asks for it again, and so does the next start.
        log.error({ error, host }, 'changes of packages of a host were not taken in');
      }
      // Others may have waited for this thread meanwhile.
      await setImmediate();
    }
  };

  const unsubscribe = events.subscribe((event) => {
    if (event.type === 'inventory.received' && event.changed.some((name) => SECTIONS.includes(name))) {
      want(event.host as HostId);
    }
    if (event.type === 'result.received' || event.type === 'host.accepted') want(event.host as HostId);
  });

  const sweeping = sweep();

  return {
    idle: async () => {
      await sweeping.begun;
      while (working !== null) await working;
    },
    close: async () => {
      stopped.abort();
      unsubscribe();
      await sweeping.ended;
      while (working !== null) await working;
    },
  };

  function sweep(): { readonly begun: Promise<void>; readonly ended: Promise<void> } {
    const begun = store.read.changes.behind().then((hosts) => hosts.forEach(want), failed);
    const ended = begun.then(async () => {
      for (;;) {
        await clock.sleep(LATE_EVERY_MS, stopped.signal).catch(() => undefined);
        if (stopped.signal.aborted) return;
        await store.read.changes
          .late(clock.now().epochMilliseconds - RESULT_LATE_MS)
          .then((hosts) => hosts.forEach(want), failed);
      }
    });

    return { begun, ended };
  }

  function failed(error: unknown): void {
    log.error({ error }, 'hosts whose changes are to be taken in were not found');
  }
}
