// Keeps the agent connected: dials, runs a session, waits with decorrelated jitter or as long as the collector asked,
// and dials again, for ever. It carries messages; what they say is decided elsewhere.
import { asCoded, type CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Mode } from '@selvage/shared/model/ids.ts';
import type { Random } from '@selvage/shared/random.ts';
import { nextDelay } from '@selvage/shared/time/backoff.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Welcome } from '@selvage/shared/wire/wire.ts';
import { dial, type LinkIdentity } from './dial.ts';
import { type LinkState, nextLinkState } from './link-states.ts';
import type { PolicyRequest } from './policy-desk.ts';
import { runSession } from './session.ts';
import type { DurableStream } from './stream.ts';

const BACKOFF = { baseMs: 1000, capMs: 10 * 60_000 };
/** A session that lasted so long was a good one: the backoff starts anew after it. */
const STABLE_MS = 60_000;
/** Least wait where only a person can help (revoked, wrong certificate, version): tried on, because people do help. */
const STOPPED_MS = 5 * 60_000;
/** A collector may not send an agent away for longer. */
const MAX_RETRY_AFTER_MS = 60 * 60_000;
/** Share by which a retry-after is lengthened, so that those sent away together do not return together. */
const RETRY_SPREAD = 0.2;

export type LinkEvent =
  | { readonly type: 'connecting'; readonly url: string }
  | { readonly type: 'connected'; readonly collectorVersion: string; readonly clockSkewMs: number }
  | { readonly type: 'disconnected'; readonly error: CodedError }
  | { readonly type: 'waiting'; readonly ms: number; readonly code: Code }
  | { readonly type: 'acknowledged'; readonly stream: string; readonly upTo: bigint }
  | { readonly type: 'policy'; readonly timestampVersion: number }
  | { readonly type: 'problem'; readonly error: CodedError }
  | { readonly type: 'stopped' };

/** Brings the local copy of the policy repository up to date; null when nothing was newer. See ./policy-mirror.ts. */
export interface Mirror {
  sync(request: PolicyRequest, signal: AbortSignal): Promise<{ readonly timestampVersion: number } | null>;
}

export interface LinkOptions {
  readonly identity: LinkIdentity;
  /** `wss://host:port`. */
  readonly url: string;
  /** In the order of their urgency. */
  readonly streams: readonly DurableStream[];
  readonly mirror: Mirror;
  readonly agentVersion: string;
  /** The same text that was given at enrollment. */
  readonly machineId: string;
  readonly mode: Mode;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onEvent: (event: LinkEvent) => void;
  /** The collector lacks these sections; see resendSections. */
  readonly onSectionsWanted?: (names: readonly string[]) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Runs until the signal aborts. Never throws for what the network or the collector does. */
export async function runLink(given: LinkOptions): Promise<void> {
  const { clock, random, log, signal } = given;
  const onEvent = following(given.onEvent);
  const options = { ...given, onEvent };
  let delay = 0;

  while (!signal.aborted) {
    onEvent({ type: 'connecting', url: options.url });
    const began = clock.monotonic();
    const error = await connect(options);
    if (signal.aborted) break;

    onEvent({ type: 'disconnected', error });
    const stable = clock.monotonic() - began >= STABLE_MS;
    delay = nextDelay(stable ? 0 : delay, { ...BACKOFF, random: () => random.float() });
    const ms = waitFor(error, delay, random.float());
    log.info({ code: error.code, waitMs: ms }, error.message);
    onEvent({ type: 'waiting', ms, code: error.code });
    // Rejects when the signal aborts; the loop then ends.
    await clock.sleep(ms, signal).catch(() => undefined);
  }

  onEvent({ type: 'stopped' });
}

/** Keeps to the table of states: an event out of its order is an error of this file and is never told. */
function following(onEvent: LinkOptions['onEvent']): LinkOptions['onEvent'] {
  let state: LinkState = 'Idle';

  return (event) => {
    if (event.type !== 'acknowledged' && event.type !== 'policy' && event.type !== 'problem') {
      state = nextLinkState(state, event.type);
    }
    onEvent(event);
  };
}

/** Milliseconds until the next attempt: what the collector asked for within bounds, never less than the backoff. */
export function waitFor(error: CodedError, backoffMs: number, luck: number): number {
  const asked = typeof error.details.retryAfterMs === 'number' ? error.details.retryAfterMs : 0;
  const retry = Math.min(MAX_RETRY_AFTER_MS, asked) * (1 + RETRY_SPREAD * luck);
  const person = error.rule === 'retry' || error.code === 'FILE_CORRUPT' || asked > 0 ? 0 : STOPPED_MS * (1 + luck);

  return Math.round(Math.max(backoffMs, retry, person));
}

async function connect(options: LinkOptions): Promise<CodedError> {
  const { clock, mirror, onEvent } = options;

  try {
    const wire = await dial(options.url, options.identity, options.signal);

    return await runSession(
      {
        wire,
        streams: options.streams,
        agentVersion: options.agentVersion,
        machineId: options.machineId,
        mode: options.mode,
        clock,
        onWelcome: (welcome) => onEvent(connected(welcome, clock)),
        onAcknowledged: (stream, upTo) => onEvent({ type: 'acknowledged', stream, upTo }),
        onSectionsWanted: async (names) => options.onSectionsWanted?.(names),
        onPolicy: async (request, signal) => {
          const updated = await mirror.sync(request, signal);
          if (updated) onEvent({ type: 'policy', timestampVersion: updated.timestampVersion });
        },
        onProblem: (error) => onEvent({ type: 'problem', error }),
      },
      options.signal,
    );
  } catch (error) {
    return asCoded(error);
  }
}

function connected(welcome: Welcome, clock: Clock): LinkEvent {
  const theirs = Temporal.Instant.from(welcome.now).epochMilliseconds;

  return {
    type: 'connected',
    collectorVersion: welcome.collectorVersion,
    clockSkewMs: theirs - clock.now().epochMilliseconds,
  };
}
