// Opens the database of a home for the one collector that serves it. INVARIANTS: one collector per home; a lost database is
// never replaced by an empty one; what the last collector is known to have written must be there.
import { setTimeout as wait } from 'node:timers/promises';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Home } from './home.ts';
import { takeLock } from './store/lock.ts';
import type { Readers, Store } from './store/ports.ts';
import { openStore } from './store/store.ts';
import { checkWitness, writeWitness } from './store/witness.ts';
import { backUpBeforeUpgrade } from './upgrade.ts';

/** At most this much of the ledger can be taken away unnoticed, in time. */
const WITNESS_MS = 10_000;

/**
 * Throws STORE_BUSY (a collector serves this home), STORE_CORRUPT, AUDIT_BROKEN, STORE_NEWER, FILE_*, DISK_FULL. Closing
 * the store lets the home go.
 */
export async function openHomeStore(
  home: Home,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<Store> {
  const lock = await lockHome(home);

  try {
    const { database, witness } = home.collector;
    await backUpBeforeUpgrade(home, { clock, log });
    const verify = ({ audit }: Readers) => checkWitness(witness, audit);
    const store = await openStore({ file: database, clock, existing: true, verify });
    const stopped = new AbortController();
    const watching = keepWitness(home, store, log, stopped.signal);

    return {
      ...store,
      close: async () => {
        stopped.abort();
        await watching;
        await store.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** For whoever replaces the files of a home. Throws STORE_BUSY while a collector serves it. */
export function lockHome(home: Home): ReturnType<typeof takeLock> {
  return takeLock(home.lock, {
    message: `a collector is serving ${home.root}`,
    next: 'stop it first, or choose another SELVAGE_HOME',
  });
}

async function keepWitness(home: Home, store: Store, log: Log, signal: AbortSignal): Promise<void> {
  let last: string | null = null;

  for (;;) {
    try {
      last = await writeWitness(home.collector.witness, store.read.audit, last);
    } catch (error) {
      // A full disk, say: the witness then stands further back, which is true all the same.
      log.warn({ code: asCoded(error).code, error }, 'how far the ledger is could not be written down');
    }
    if (signal.aborted) return;
    // A real timer: it follows what the process does, not the clock that tests move. Rejects when the signal aborts.
    await wait(WITNESS_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
