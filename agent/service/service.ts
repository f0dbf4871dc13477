// What the resident agent does besides holding the connection: an inventory now and then, and where no service manager
// does it, waking the fetcher and the runner when there is work. It decides nothing about policy.

import type { Log } from '@selvage/shared/log/log.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';

/** `I` is an inventory in whatever shape it is handed on: nothing here looks into it. */
export interface Work<I> {
  /** Takes a whole inventory in a child process; with `refresh` package lists are brought up to date before. */
  readonly takeInventory: (refresh: boolean) => Promise<I>;
  /** Resolves when everything new is on disk in the outbox. */
  readonly send: (inventory: I) => Promise<void>;
  /** One pass of fetcher and runner as child processes; null where a service manager starts them. */
  readonly pass: (() => Promise<PassOutcome>) | null;
  /** Yields when policy or anything else that the runner reads has changed. */
  readonly wakeUps: (signal: AbortSignal) => AsyncIterable<void>;
  /** Yields when the host looks different, where passes are not started from here. */
  readonly changes?: (signal: AbortSignal) => AsyncIterable<void>;
}

export interface PassOutcome {
  /** Something was installed: the host looks different now. */
  readonly changed: boolean;
  /** When the runner wants to look again (next window, end of a delay), null: only when woken. */
  readonly again: Temporal.Instant | null;
}

export interface ServiceOptions {
  readonly inventoryEveryMs: number;
  readonly refreshEveryMs: number;
  /** Largest share by which an interval is lengthened, so that a fleet does not act in step. */
  readonly jitter: number;
}

export interface ServiceParts<I> {
  readonly work: Work<I>;
  readonly options: ServiceOptions;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A failed inventory or pass is tried again no sooner than this, and no later than the ordinary interval. */
const RETRY_MS = 5 * 60_000;
/** The runner looks at least this often, as the five-minute timer of a service manager would let it. */
const PASS_EVERY_MS = 5 * 60_000;
/** A pass that wants to look again "now" waits at least this long: no busy loop on a wrong clock. */
const SHORTEST_PASS_WAIT_MS = 1000;

/** Runs until the signal aborts. One failing inventory or pass is logged and tried again; it never ends the service. */
export async function runService<I>(parts: ServiceParts<I>, signal: AbortSignal): Promise<void> {
  const inventory = inventoryLoop(parts, signal);
  await Promise.all([
    inventory.ended,
    parts.work.pass === null ? undefined : passLoop(parts, inventory.now, signal),
    parts.work.changes === undefined ? undefined : hurryLoop(parts.work.changes(signal), inventory.now),
  ]);
}

function inventoryLoop<I>({ work, options, clock, random, log }: ServiceParts<I>, signal: AbortSignal) {
  let lastRefresh = Number.NEGATIVE_INFINITY;
  let hurry: () => void = () => undefined;
  let hurried = false;

  const loop = async () => {
    while (!signal.aborted) {
      hurried = false;
      const refresh = clock.monotonic() - lastRefresh >= options.refreshEveryMs;
      let wait = options.inventoryEveryMs * (1 + options.jitter * random.float());

      try {
        const inventory = await work.takeInventory(refresh);
        if (refresh) lastRefresh = clock.monotonic();
        await work.send(inventory);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ error }, 'no inventory this time');
        wait = Math.min(wait, RETRY_MS);
      }

      // What changed while an inventory was taken may not be in it.
      if (hurried) wait = SHORTEST_PASS_WAIT_MS;
      const early = new AbortController();
      hurry = () => early.abort();
      await quiet(clock.sleep(wait, AbortSignal.any([signal, early.signal])));
    }
  };

  const now = () => {
    hurried = true;
    hurry();
  };

  return { ended: loop(), now };
}

async function hurryLoop(changes: AsyncIterable<void>, inventoryNow: () => void): Promise<void> {
  for await (const _ of changes) inventoryNow();
}

async function passLoop(
  {
    work,
    clock,
    log,
  }: Pick<ServiceParts<unknown>, 'clock' | 'log'> & { readonly work: Pick<Work<unknown>, 'pass' | 'wakeUps'> },
  inventoryNow: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { pass } = work;
  if (pass === null) return;

  let woken = new AbortController();
  let pending = true;
  const watch = async () => {
    try {
      for await (const _ of work.wakeUps(signal)) {
        pending = true;
        woken.abort();
      }
    } catch (error) {
      // Watching a folder can fail on a busy host (inotify's limits count for all processes of root).
      log.warn({ error }, 'nothing wakes the runner early any more; it looks every few minutes');
    }
  };
  const watching = watch();

  while (!signal.aborted) {
    pending = false;
    woken = new AbortController();
    let wait = PASS_EVERY_MS;

    try {
      const outcome = await pass();
      if (outcome.changed) inventoryNow();
      if (outcome.again !== null) {
        const until = outcome.again.epochMilliseconds - clock.now().epochMilliseconds;
        wait = Math.min(wait, Math.max(SHORTEST_PASS_WAIT_MS, until));
      }
    } catch (error) {
      log.warn({ error }, 'the pass of fetcher and runner failed');
    }

    // A wake-up during the pass counts: what it saw may be older than what woke us. Whoever wakes all the time does not keep
    // the machine busy with it.
    if (!pending) await quiet(clock.sleep(wait, AbortSignal.any([signal, woken.signal])));
    else await quiet(clock.sleep(SHORTEST_PASS_WAIT_MS, signal));
  }

  await watching;
}

/** An aborted sleep is simply over. */
async function quiet(sleep: Promise<void>): Promise<void> {
  await sleep.catch(() => undefined);
}
