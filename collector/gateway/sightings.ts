// Notes that hosts were seen. Greetings that come while one commit is under way share the next one: when a whole fleet
// comes back at once, the one writer is asked a few times a second and not once for each host.
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { SightedHost, Store } from '../store/ports.ts';

/**
 * Milliseconds from one commit to the next: what a greeting may have to wait when many come. Four times as long as the commit
 * took, so that a slow disk does not hold up everybody else for more than a fifth of the time.
 */
const LEAST_BETWEEN_MS = 20;
const MOST_BETWEEN_MS = 40;
const TIMES_THE_COMMIT = 4;
/** So many share a commit well enough: they do not wait for more. */
const ENOUGH = 12;

export interface Sightings {
  /** Resolves when it is committed; rejects with what the store said, for everybody who shared that commit. */
  note(sighted: SightedHost): Promise<void>;
}

export function createSightings(store: Store): Sightings {
  let waiting = new Map<HostId, SightedHost>();
  let next: Promise<void> | null = null;
  let running: Promise<unknown> = Promise.resolve();
  let pause = { over: Promise.resolve(), end: () => undefined as unknown };

  const commit = async () => {
    // Whoever comes until then comes along. The first after a quiet time waits for nobody.
    await running;
    await pause.over;
    const batch = [...waiting.values()];
    waiting = new Map();
    next = null;
    const began = performance.now();

    try {
      await store.transaction(({ hosts }) => hosts.seenAll(batch));
    } finally {
      pause = pauseOf(pauseAfter(performance.now() - began));
    }
  };

  return {
    note: (sighted) => {
      waiting.set(sighted.id, sighted);
      if (waiting.size >= ENOUGH) pause.end();
      if (next === null) {
        next = commit();
        // Those who wait are told; the chain goes on.
        running = next.catch(() => undefined);
      }

      return next;
    },
  };
}

function pauseAfter(commitMs: number): number {
  return Math.min(MOST_BETWEEN_MS, Math.max(LEAST_BETWEEN_MS, TIMES_THE_COMMIT * commitMs));
}

/** A real timer on purpose: it spares the disk and says nothing about time. */
function pauseOf(ms: number): { readonly over: Promise<void>; readonly end: () => unknown } {
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  setTimeout(end, ms).unref();

  return { over, end };
}
