// Notices that the machine was suspended, or that its network is another one: then what was known of the connection is worth
// nothing, and a long wait is pointless. It only looks, rarely; whoever asked decides what to do.
import { networkInterfaces, uptime } from 'node:os';
import type { Clock } from '@selvage/shared/time/clock.ts';

/** What the machine says of itself. */
export interface Machine {
  /** Milliseconds since it started, suspension included: timers and monotonic clocks stop meanwhile. */
  readonly uptimeMs: () => number;
  /** Changes when the machine comes into another network, or back into one. */
  readonly addresses: () => string;
}

export type Change = 'suspended' | 'addresses';

/** One look costs a tenth of a millisecond. */
const LOOK_MS = 15_000;
/** Shorter ones are survived by any connection. */
const SUSPENDED_MS = 30_000;
const SECOND_MS = 1000;

export const thisMachine: Machine = {
  uptimeMs: () => uptime() * SECOND_MS,
  addresses: () =>
    Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal }) => !internal)
      .map(({ cidr }) => cidr)
      .sort()
      .join(' '),
};

/** Looks until the signal aborts; never throws. */
export async function watchMachine(
  { uptimeMs, addresses }: Machine,
  clock: Clock,
  signal: AbortSignal,
  changed: (change: Change) => void,
): Promise<void> {
  const read = () => ({ asleep: uptimeMs() - clock.monotonic(), addresses: addresses() });

  for (let before = read(); !signal.aborted; ) {
    // Rejects when the signal aborts; the loop then ends.
    await clock.sleep(LOOK_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    const now = read();
    if (now.asleep - before.asleep >= SUSPENDED_MS) changed('suspended');
    else if (now.addresses !== before.addresses && now.addresses !== '') changed('addresses');
    before = now;
  }
}
