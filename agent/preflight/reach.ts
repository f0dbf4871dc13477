// Tries the way to the collector as enrollment would go it, and says nothing secret on it: first contact with the pin, then once
// more trusting only what the pin stands for, because whoever stands between may pass the first answer on.
import { asCoded, type CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { firstContact } from '@selvage/shared/pki/first-contact.ts';
import { type Answerer, type Connect, causeOf, exchange, isUnproven } from '@selvage/shared/pki/https.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { explain } from './causes.ts';
import { MAX_SKEW_MS } from './checks.ts';
import type { Reach } from './facts.ts';

export interface Way {
  readonly url: string;
  readonly pin: string | null;
  readonly connect: Connect;
  /** `host:port` of the proxy that `connect` goes through. */
  readonly proxy: string | null;
  readonly clock: Clock;
  /** Milliseconds for each exchange. */
  readonly deadlineMs: number;
}

const TRUST = { path: '/v1/trust', method: 'GET' } as const;

/** Never throws what is the network's; throws USAGE for an address or a pin that is none. */
export async function reach(way: Way): Promise<Reach> {
  const { url, pin, proxy, clock } = way;
  const began = clock.monotonic();
  const seen = new Seen(clock);

  try {
    if (pin === null) await exchange({ ...exchangeOf(way, seen), ...TRUST, trust: 'none' });
    else await proven(way, pin, seen);

    return { state: 'reached', url, proxy, ms: clock.monotonic() - began, proven: pin !== null, skewMs: seen.skewMs };
  } catch (error) {
    const coded = asCoded(error);
    if (hasCode(coded, 'USAGE') || hasCode(coded, 'SETTINGS_INVALID') || hasCode(coded, 'INTERNAL')) throw coded;
    // Not the certificate but the clock is what is wrong then, and it is said there.
    if (isDated(coded) && Math.abs(seen.skewMs ?? 0) > MAX_SKEW_MS) {
      return { state: 'reached', url, proxy, ms: clock.monotonic() - began, proven: false, skewMs: seen.skewMs };
    }

    return { state: 'failed', url, proxy, ...explain(coded, attempt(coded, way, seen)), skewMs: seen.skewMs };
  }
}

async function proven(way: Way, pin: string, seen: Seen): Promise<void> {
  const { authority } = await firstContact({ ...exchangeOf(way, seen), pin });
  await exchange({ ...exchangeOf(way, seen), ...TRUST, trust: { authority } });
}

function exchangeOf({ url, connect, deadlineMs }: Way, seen: Seen) {
  return { url, connect, deadlineMs, onAnswer: (answer: Answerer) => seen.note(answer) };
}

function attempt(error: CodedError, { url, proxy, deadlineMs }: Way, { issuer }: Seen) {
  return { target: new URL(url).host, proxy, deadlineMs, issuer, cause: causeOf(error), unproven: isUnproven(error) };
}

function isDated(error: CodedError): boolean {
  return hasCode(error, 'CERTIFICATE_EXPIRED') && isUnproven(error);
}

/** What the last answer said of itself. */
class Seen {
  readonly #clock: Clock;
  issuer: string | null = null;
  /** How far this machine is behind it. */
  skewMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note({ headers, issuer }: Answerer): void {
    this.issuer = issuer?.replace(/\s*\n\s*/g, ', ') ?? null;
    const theirs = Date.parse(headers.date ?? '');
    this.skewMs = Number.isNaN(theirs) ? null : theirs - this.#clock.now().epochMilliseconds;
  }
}
