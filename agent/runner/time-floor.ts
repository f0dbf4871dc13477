// "Now" for the runner. A clock that was set back must neither reopen what has expired nor fake a window, and one that was set
// ahead must not cut a delay short: so there are several readings, and each check takes the strictest one. The clock is held
// against the uptime of the boot, which nobody can set.
import type { Clock } from '@selvage/shared/time/clock.ts';
import * as z from 'zod';
import { type Files, readState, writeState } from './state-file.ts';
import type { Uptime } from './uptime.ts';

export interface Now {
  /** Never below the highest time ever seen: what has expired by it stays expired. */
  readonly floor: Temporal.Instant;
  /** What the clock says: nothing starts before it says so. */
  readonly clock: Temporal.Instant;
  /** The clock without what it leapt ahead of the uptime, until that is confirmed. */
  readonly steady: Temporal.Instant;
  /** Highest steady time ever seen: what is written down as "first seen" or "accepted at". */
  readonly seen: Temporal.Instant;
}

export interface FlooredClock {
  now(): Now;
  /** Keeps the highest time for the next start. */
  keep(): Promise<void>;
  /** Somebody else says the same time: what the clock leapt is believed. */
  confirm(signedAt: Temporal.Instant): void;
  /** A person says that the clock is right: everything seen before is forgotten, and this is written down. */
  reset(): Promise<ClockReset>;
}

export interface ClockReset {
  /** Highest time seen before. */
  readonly from: Temporal.Instant;
  readonly to: Temporal.Instant;
}

/** Clocks are set by less than this all the time. */
const STEP_MS = 60_000;
/** Signed by the collector, carried here, verified by the next pass. */
const CONFIRM_WITHIN_MS = 15 * 60_000;
const MAX_RESETS = 16;

const instant = z.iso.datetime();
const schema = z.strictObject({
  format: z.literal(1),
  highest: instant,
  base: z
    .strictObject({
      boot: z.string(),
      uptimeMs: z.number().int().nonnegative(),
      wall: instant,
      leapMs: z.number().int().nonnegative(),
    })
    .nullable()
    .default(null),
  /** When a person said so, newest last. */
  resets: z.array(z.strictObject({ from: instant, to: instant })).default([]),
});

/** A reading that was believed: what later ones are held against. */
interface Base {
  readonly boot: string;
  readonly uptimeMs: number;
  readonly wallMs: number;
  /** Of this reading. */
  readonly leapMs: number;
}

/**
 * Pure: milliseconds by which the clock has gone ahead of the uptime. It does not fade: a delay that runs would be cut short by
 * as much. Across boots what was known stays, unless the clock now says less than it did then: it was set back meanwhile.
 */
export function leapOf(base: Base | null, wallMs: number, uptime: Uptime): number {
  if (base === null) return 0;
  // A container or a restored image may begin its uptime anew while the kernel's boot is the same.
  if (base.boot !== uptime.boot || uptime.boot === '' || uptime.ms < base.uptimeMs) {
    const back = base.wallMs - wallMs;

    // How long it was off is not known; a clock that went back by most of its leap has been put right.
    return back > base.leapMs / 2 ? 0 : base.leapMs - Math.max(0, back);
  }
  const drift = wallMs - base.wallMs - (uptime.ms - base.uptimeMs);

  return Math.abs(drift) < STEP_MS ? base.leapMs : Math.max(0, base.leapMs + drift);
}

export async function openFlooredClock(
  clock: Clock,
  uptime: () => Uptime,
  path: string,
  files: Files,
): Promise<FlooredClock> {
  const stored = await readState(path, schema);
  let highest = stored === null ? null : Temporal.Instant.from(stored.highest).epochMilliseconds;
  let base: Base | null = stored?.base ? { ...stored.base, wallMs: msOf(stored.base.wall) } : null;
  let resets = stored?.resets ?? [];
  let kept = '';

  const now = (): Now => {
    const wallMs = clock.now().epochMilliseconds;
    const up = uptime();
    const leapMs = leapOf(base, wallMs, up);
    const steady = wallMs - leapMs;
    // A clock behind what was seen is wrong, so later readings are not held against it.
    if (highest === null || steady >= highest) {
      highest = steady;
      base = { boot: up.boot, uptimeMs: up.ms, wallMs, leapMs };
    }

    return {
      floor: at(Math.max(highest, wallMs)),
      clock: at(wallMs),
      steady: at(steady),
      seen: at(highest),
    };
  };
  const reading = () => [highest, base?.boot, base?.leapMs].join(' ');
  const write = async () => {
    const { seen } = now();
    const wall = base === null ? null : { ...base, wall: at(base.wallMs).toString() };
    const { wallMs: _, ...saved } = wall ?? { wallMs: 0 };
    const last = { format: 1, highest: seen.toString(), base: wall === null ? null : saved, resets };
    await writeState(files, path, last);
    kept = reading();
  };

  return {
    now,
    keep: async () => {
      now();
      if (kept !== reading()) await write();
    },
    confirm: (signedAt) => {
      const wallMs = clock.now().epochMilliseconds;
      if (base === null || Math.abs(wallMs - signedAt.epochMilliseconds) > CONFIRM_WITHIN_MS) return;
      const up = uptime();
      base = { boot: up.boot, uptimeMs: up.ms, wallMs, leapMs: 0 };
    },
    reset: async () => {
      const { floor: from, clock: to } = now();
      highest = null;
      base = null;
      resets = [...resets, { from: from.toString(), to: to.toString() }].slice(-MAX_RESETS);
      await write();

      return { from, to };
    },
  };
}

function msOf(text: string): number {
  return Temporal.Instant.from(text).epochMilliseconds;
}

function at(ms: number): Temporal.Instant {
  return Temporal.Instant.fromEpochMilliseconds(ms);
}
