// Asks the publishers of the feeds that are wanted, each about as often as the settings say and never all at once. What fails is tried
// again with growing pauses, and said once: when it begins and when it is over.
import { asCoded, type CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Random } from '@selvage/shared/random.ts';
import { nextDelay } from '@selvage/shared/time/backoff.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Feed } from '../feed.ts';

/** How often it is looked which feeds are due, and which are wanted. */
const LOOK_MS = 60_000;
/** After a failure. */
const BACKOFF = { baseMs: 5 * 60_000, capMs: 6 * 3_600_000 };
/** Of the time between two updates of a feed, up to so much sooner or later: feeds must not come in step. */
const JITTER = 0.2;

export interface KeeperParts {
  readonly feeds: readonly Feed[];
  readonly wanted: () => Promise<readonly Feed[]>;
  readonly update: (feed: Feed) => Promise<void>;
  /** Milliseconds between two updates of one feed. */
  readonly everyMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

interface Kept {
  /** Monotonic milliseconds. */
  due: number;
  delayMs: number;
  /** Code of the failure that was said. */
  said: string | null;
}

/** Runs until the signal aborts. */
export async function keepFeeds(parts: KeeperParts, signal: AbortSignal): Promise<void> {
  const { clock } = parts;
  const kept = new Map<string, Kept>();

  while (!signal.aborted) {
    await lookOnce(parts, kept, signal);
    await clock.sleep(LOOK_MS, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

async function lookOnce(parts: KeeperParts, kept: Map<string, Kept>, signal: AbortSignal): Promise<void> {
  const { clock, log, wanted } = parts;
  let feeds: readonly Feed[];
  try {
    feeds = await wanted();
  } catch (error) {
    const { code, message } = asCoded(error);
    log.error({ code, error }, `which feeds are needed could not be found out: ${message}`);

    return;
  }

  for (const feed of feeds) {
    if (signal.aborted) return;
    // A feed that has just become wanted is fetched at once: until then nothing is known of what needs it.
    const state = kept.get(feed.name) ?? { due: clock.monotonic(), delayMs: 0, said: null };
    kept.set(feed.name, state);
    if (clock.monotonic() < state.due) continue;
    await updateOne(parts, feed, state, signal);
  }
}

async function updateOne(parts: KeeperParts, feed: Feed, state: Kept, signal: AbortSignal): Promise<void> {
  const { clock, random, log, everyMs, update } = parts;

  try {
    await update(feed);
    if (state.said !== null) log.info({ feed: feed.name }, `the feed ${feed.name} is fetched again`);
    state.said = null;
    state.delayMs = 0;
    state.due = clock.monotonic() + everyMs * (1 - JITTER + 2 * JITTER * random.float());
  } catch (error) {
    if (signal.aborted) return;
    const failure: CodedError = asCoded(error);
    if (state.said !== failure.code) {
      const { code, message, next } = failure;
      log.warn({ feed: feed.name, code, next }, `the feed ${feed.name} was not updated: ${message}`);
    }
    state.said = failure.code;
    state.delayMs = nextDelay(state.delayMs, { ...BACKOFF, random: () => random.float() });
    state.due = clock.monotonic() + state.delayMs;
  }
}
