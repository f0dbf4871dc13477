// Enrollment that comes again while the collector has too much to do: with the first minute of a thousand machines, who is
// turned away is early, not wrong. What comes again asks with the same keys, so a token is never spent twice.
import { type CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import type { Trust } from '@selvage/shared/pki/first-contact.ts';
import { causeOf } from '@selvage/shared/pki/https.ts';
import type { Random } from '@selvage/shared/random.ts';
import { nextDelay } from '@selvage/shared/time/backoff.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { Attempt, type Enrolled, type EnrollOptions, enroll } from './enroll.ts';

/** Milliseconds in which it comes again when nobody says otherwise. */
export const BUSY_MS = 2 * 60_000;
const BACKOFF = { baseMs: 1000, capMs: 15_000 };
/** A collector may not send a newcomer away for longer. */
const MAX_RETRY_AFTER_MS = 60_000;
/** Share by which a retry-after is lengthened, so that those sent away together do not return together. */
const SPREAD = 1;
/** A collector that is full closes a connection before it greets: the system calls it one of these. */
const CUT_OFF = new Set(['ECONNRESET', 'EPIPE']);

export interface Patience {
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds until the last attempt begins. */
  readonly forMs: number;
  /** Also while the collector cannot be reached at all: a machine that starts before its network does. */
  readonly unreachable: boolean;
  readonly onWait: (ms: number, error: CodedError) => void;
}

/** As `enroll`; a collector that is busy is asked again until the time is over, and then its last answer is thrown. */
export async function enrollPatiently(options: EnrollOptions, patience: Patience): Promise<Enrolled> {
  const { clock, random, forMs } = patience;
  const until = clock.monotonic() + forMs;
  const attempt = new Attempt();
  let trust: Trust | undefined;
  const onTrust = (found: Trust) => {
    trust = found;
  };

  for (let delay = 0; ; ) {
    try {
      // Half the connections of a thousand newcomers, where each is one that the collector may not have room for.
      return await enroll({ ...options, ...(trust === undefined ? {} : { trust }), onTrust, attempt });
    } catch (error) {
      if (!isEarly(error, patience.unreachable || trust !== undefined)) throw error;
      delay = nextDelay(delay, { ...BACKOFF, random: () => random.float() });
      const wait = Math.max(delay, askedFor(error) * (1 + SPREAD * random.float()));
      if (clock.monotonic() + wait > until) throw error;
      patience.onWait(wait, error);
      await clock.sleep(wait);
    }
  }
}

/** `there`: the collector was there a moment ago, or will be: whatever the network says is no last word. */
function isEarly(error: unknown, there: boolean): error is CodedError {
  if (hasCode(error, 'RATE_LIMITED')) return true;
  if (hasCode(error, 'UNREACHABLE')) return there || CUT_OFF.has(causeOf(error));

  return there && hasCode(error, 'PROXY_REFUSED');
}

function askedFor({ details }: CodedError): number {
  const { retryAfterMs } = details;

  return typeof retryAfterMs === 'number' ? Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) : 0;
}
