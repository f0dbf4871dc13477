// "Now" for the runner. A clock that was set back must neither reopen what has expired nor fake a window, so there are two
// readings: the highest time ever seen (kept in clock.json) and what the clock says. Each check takes the stricter one.
import type { Clock } from '@selvage/shared/time/clock.ts';
import { z } from 'zod';
import { type Files, readState, writeState } from './state-file.ts';

export interface Now {
  /** Never below the highest time ever seen: what has expired by it stays expired. */
  readonly floor: Temporal.Instant;
  /** What the clock says: nothing starts before it says so. */
  readonly clock: Temporal.Instant;
}

export interface FlooredClock {
  now(): Now;
  /** Keeps the highest time for the next start. */
  keep(): Promise<void>;
}

const schema = z.strictObject({ format: z.literal(1), highest: z.iso.datetime() });

export async function openFlooredClock(clock: Clock, path: string, files: Files): Promise<FlooredClock> {
  const stored = await readState(path, schema);
  let kept = stored === null ? null : Temporal.Instant.from(stored.highest);
  let highest = kept ?? clock.now();

  const now = (): Now => {
    const read = clock.now();
    if (Temporal.Instant.compare(read, highest) > 0) highest = read;

    return { floor: highest, clock: read };
  };

  return {
    now,
    keep: async () => {
      const { floor } = now();
      if (kept?.equals(floor)) return;
      await writeState(files, path, { format: 1, highest: floor.toString() });
      kept = floor;
    },
  };
}
