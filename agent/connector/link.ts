// Keeps the agent connected: dials, runs a session, waits with decorrelated jitter or as long as the collector asked,
// and dials again, for ever. It carries messages; what they say is decided elsewhere.
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Mode } from '@selvage/shared/model/ids.ts';
import { directly } from '@selvage/shared/net/tunnel.ts';
import type { Connect } from '@selvage/shared/pki/https.ts';
import type { Random } from '@selvage/shared/random.ts';
import { nextDelay } from '@selvage/shared/time/backoff.ts';
import { Bucket } from '@selvage/shared/time/bucket.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { formatDuration } from '@selvage/shared/time/duration.ts';
import type { Welcome } from '@selvage/shared/wire/wire.ts';
import { dial } from './dial.ts';
import type { Credentials, IdentitySource } from './identity-source.ts';
import { LINK_TRANSITIONS, type LinkState, type LinkTransitionEvent, nextLinkState } from './link-states.ts';
import type { PolicyDeskParts, PolicyRequest } from './policy-desk.ts';
import { comingBack, isComingBack, type RenewalMemory } from './renewal.ts';
import { type Machine, watchMachine } from './resume.ts';
import type { ServerProof } from './server-proof.ts';
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
/** Times that a host comes back at once: a renewal takes two or three in a row. More would be a collector that plays with it. */
const RETURNS = { perMs: 1 / (10 * 60_000), burst: 6 };
/** Over so many milliseconds the machines of a hypervisor that was suspended are spread. */
const RETURN_WITHIN_MS = 9000;
/** Two clocks that differ by more are worth a person's look. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;

export type LinkEvent =
  | { readonly type: 'connecting'; readonly url: string }
  | { readonly type: 'connected'; readonly collectorVersion: string; readonly clockSkewMs: number }
  | { readonly type: 'disconnected'; readonly error: CodedError }
  | { readonly type: 'waiting'; readonly ms: number; readonly code: Code }
  | { readonly type: 'acknowledged'; readonly stream: string; readonly upTo: bigint }
  | { readonly type: 'policy'; readonly timestampVersion: number }
  /** The collector gave a new certificate; the next connection proves it. */
  | { readonly type: 'renewed' }
  /** How many authorities are trusted from now on. */
  | { readonly type: 'authorities'; readonly count: number }
  | { readonly type: 'problem'; readonly error: CodedError }
  | { readonly type: 'stopped' };

/** Brings the local copy of the policy repository up to date; null when nothing was newer. See ./policy-mirror.ts. */
export interface Mirror {
  sync(request: PolicyRequest, signal: AbortSignal): Promise<{ readonly timestampVersion: number } | null>;
}

export interface LinkOptions {
  readonly identity: IdentitySource;
  /** `wss://host:port`. */
  readonly url: string;
  /** The way there; left out: directly. */
  readonly connect?: Connect;
  /** In the order of their urgency. */
  readonly streams: readonly DurableStream[];
  readonly mirror: Mirror;
  /** The signed policy that the host goes by, to be told. */
  readonly held?: PolicyDeskParts['held'];
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
  /** Looked at now and then; left out: nothing is noticed. */
  readonly machine?: Machine;
  readonly signal: AbortSignal;
}

/** Runs until the signal aborts. Never throws for what the network or the collector does. */
export async function runLink(given: LinkOptions): Promise<void> {
  const { clock, random, log, signal } = given;
  const onEvent = following(given.onEvent);
  const options = { ...given, onEvent };
  const memory: RenewalMemory = { askedAt: null, earlyAt: null, expired: false };
  const returns = new Bucket(RETURNS, clock.monotonic());
  let delay = 0;
  let waiting = false;
  let changed = new AbortController();
  const { machine } = given;
  const watching =
    machine &&
    watchMachine(machine, clock, signal, (change) => {
      // A connection that lives is not given up for a new address; a wait is.
      if (change === 'suspended' || waiting) changed.abort(change);
    });

  while (!signal.aborted) {
    changed = new AbortController();
    onEvent({ type: 'connecting', url: options.url });
    const began = clock.monotonic();
    const end = await connect({ ...options, signal: AbortSignal.any([signal, changed.signal]) }, memory);
    if (signal.aborted) break;
    const resumed = changed.signal.aborted;
    const { error } = resumed ? { error: RESUMED() } : end;
    const again = !resumed && end.again && returns.take(1, clock.monotonic()) === 0;

    onEvent({ type: 'disconnected', error });
    const stable = clock.monotonic() - began >= STABLE_MS;
    delay = nextDelay(stable || again ? 0 : delay, { ...BACKOFF, random: () => random.float() });
    const ms = resumed ? soon(random) : again ? Math.round(delay) : waitFor(error, delay, random.float());
    log.info({ code: error.code, waitMs: ms }, error.message);
    onEvent({ type: 'waiting', ms, code: error.code });
    waiting = !resumed;
    changed = new AbortController();
    // Rejects when a signal aborts: the loop then ends, or the machine is back and there is no reason to wait longer.
    await clock.sleep(ms, AbortSignal.any([signal, changed.signal])).catch(() => undefined);
    waiting = false;
    if (changed.signal.aborted) await clock.sleep(soon(random), signal).catch(() => undefined);
  }

  await watching;
  onEvent({ type: 'stopped' });
}

/** Machines that were suspended together return within some seconds, not at once. */
function soon(random: Random): number {
  return Math.round(BACKOFF.baseMs + random.float() * RETURN_WITHIN_MS);
}

const RESUMED = () => new CodedError('UNREACHABLE', 'the machine was suspended: the connection is made anew');

/** Keeps to the table of states: an event out of its order is an error of this file and is never told. */
function following(onEvent: LinkOptions['onEvent']): LinkOptions['onEvent'] {
  let state: LinkState = 'Idle';

  return (event) => {
    if (isTransition(event)) state = nextLinkState(state, event.type);
    onEvent(event);
  };
}

function isTransition(event: LinkEvent): event is LinkEvent & { readonly type: LinkTransitionEvent } {
  return LINK_TRANSITIONS.some((row) => row.event === event.type);
}

/** Milliseconds until the next attempt: what the collector asked for within bounds, never less than the backoff. */
export function waitFor(error: CodedError, backoffMs: number, luck: number): number {
  const asked = typeof error.details.retryAfterMs === 'number' ? error.details.retryAfterMs : 0;
  const retry = Math.min(MAX_RETRY_AFTER_MS, asked) * (1 + RETRY_SPREAD * luck);
  const person = error.rule === 'retry' || error.code === 'FILE_CORRUPT' || asked > 0 ? 0 : STOPPED_MS * (1 + luck);

  return Math.round(Math.max(backoffMs, retry, person));
}

/** How a connection ended. `again`: it has something new to come back with, at once. */
interface End {
  readonly error: CodedError;
  readonly again: boolean;
}

async function connect(options: LinkOptions, memory: RenewalMemory): Promise<End> {
  const { identity: source } = options;
  let used: Credentials | null = null;

  try {
    used = await source.load();
    const error = await session(options, used, memory);

    return { error, again: isComingBack(error) || (await isBackToPresent(source, used, error)) };
  } catch (error) {
    const coded = asCoded(error);

    return { error: coded, again: used !== null && (await isBackToPresent(source, used, coded)) };
  }
}

/** A next certificate that the collector does not know was lost on its side: the present one is as good as before. */
async function isBackToPresent(source: IdentitySource, used: Credentials, error: CodedError): Promise<boolean> {
  if (!used.isNext || error.code !== 'CERTIFICATE_INVALID' || error.details.byCollector !== true) return false;

  try {
    await source.dropNext(used);

    return true;
  } catch {
    // The disk is full, say; the next attempt comes to the same point.
    return false;
  }
}

async function session(options: LinkOptions, used: Credentials, memory: RenewalMemory): Promise<CodedError> {
  const { clock, mirror, onEvent, identity: source, url, connect: way = directly, signal } = options;
  const { wire, server } = await dial({ url, identity: used, connect: way, clock, signal });
  // Another connector on the same folder may have renewed since: with Hello, what it replaced would accuse its own host.
  if ((await source.load()).certificate !== used.certificate) {
    wire.close();

    return comingBack('this host has another certificate since it dialled');
  }

  return runSession(
    {
      wire,
      streams: options.streams,
      held: options.held,
      agentVersion: options.agentVersion,
      machineId: options.machineId,
      mode: options.mode,
      clock,
      random: options.random,
      identity: { source, used, server, memory },
      onWelcome: (welcome) => {
        for (const event of connected(welcome, clock, server)) onEvent(event);
      },
      onAcknowledged: (stream, upTo) => onEvent({ type: 'acknowledged', stream, upTo }),
      onSectionsWanted: async (names) => options.onSectionsWanted?.(names),
      onPolicy: async (request, stop) => {
        const updated = await mirror.sync(request, stop);
        if (updated) onEvent({ type: 'policy', timestampVersion: updated.timestampVersion });
      },
      onRenewed: () => onEvent({ type: 'renewed' }),
      onAuthorities: (authorities) => onEvent({ type: 'authorities', count: authorities.length }),
      onProblem: (error) => onEvent({ type: 'problem', error }),
    },
    signal,
  );
}

/** The connection stands; what is wrong with either side's dates is told with it, because nothing else would tell. */
function connected(welcome: Welcome, clock: Clock, { problem }: ServerProof): readonly LinkEvent[] {
  const theirs = Temporal.Instant.from(welcome.now).epochMilliseconds;
  const clockSkewMs = theirs - clock.now().epochMilliseconds;
  const wrong = Math.abs(clockSkewMs) > CLOCK_TOLERANCE_MS ? clockProblem(clockSkewMs) : null;

  return [
    { type: 'connected', collectorVersion: welcome.collectorVersion, clockSkewMs },
    ...[problem, wrong].filter((error) => error !== null).map((error) => ({ type: 'problem' as const, error })),
  ];
}

function clockProblem(skewMs: number): CodedError {
  const way = skewMs > 0 ? 'behind' : 'ahead of';

  return new CodedError(
    'CLOCK_WRONG',
    `the clock of this host is ${formatDuration(Math.abs(skewMs))} ${way} the collector's`,
    { next: 'set the clock of this host, or of the collector: see which one is right', details: { skewMs } },
  );
}
