// Certificates of the collector's own two servers, while it runs: made at the start, made anew when two thirds of their life
// are over or their authority is replaced, so that a collector that runs for years never serves an expired one.
import { X509Certificate } from 'node:crypto';
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Authority } from '@selvage/shared/pki/authority.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { makeServerIdentity } from './enrollment/authorities.ts';
import { RENEW_AFTER } from './enrollment/limits.ts';

/** How often it is looked at; a timer of years would be late after a suspend. */
const LOOK_EVERY_MS = 60 * 60 * 1000;

export type Server = 'gateway' | 'api';
type Pair = ReturnType<typeof makeServerIdentity>;

export interface ServerCertificatesOptions {
  /** Read at each use: what signs for the gateway may be replaced. */
  readonly authorities: Readonly<Record<Server, Authority>>;
  /** Names and addresses that both are reached under. */
  readonly names: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
}

export class ServerCertificates {
  readonly #options: ServerCertificatesOptions;
  readonly #pairs: Record<Server, Pair>;

  constructor(options: ServerCertificatesOptions) {
    this.#options = options;
    this.#pairs = { gateway: this.#make('gateway'), api: this.#make('api') };
  }

  of(server: Server): Pair {
    return this.#pairs[server];
  }

  renew(server: Server): void {
    this.#pairs[server] = this.#make(server);
  }

  /** Renews what is due, and says what was. */
  renewDue(): readonly Server[] {
    const now = this.#options.clock.now().epochMilliseconds;
    const due = (['gateway', 'api'] as const).filter((server) => isDue(this.#pairs[server].cert, now));
    for (const server of due) this.renew(server);

    return due;
  }

  #make(server: Server): Pair {
    const { authorities, names, clock, random } = this.#options;

    return makeServerIdentity(authorities[server], names, { now: clock.now(), random });
  }
}

/** Renews for as long as the collector runs; `use` hands a new one to its server. */
export async function keepServing(parts: {
  readonly certificates: ServerCertificates;
  readonly use: (server: Server) => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { certificates, use, clock, log, signal } = parts;

  for (;;) {
    try {
      await clock.sleep(LOOK_EVERY_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    try {
      for (const server of certificates.renewDue()) {
        use(server);
        log.info({ server }, 'the certificate of a server was renewed');
      }
    } catch (error) {
      const { code, message } = asCoded(error);
      log.error({ code, error }, `the certificate of a server was not renewed: ${message}`);
    }
  }
}

/** Also one that is not valid yet: the clock went back, and so must what it made. */
function isDue(pem: string, now: number): boolean {
  const { validFromDate, validToDate } = new X509Certificate(pem);
  const [from, until] = [validFromDate.getTime(), validToDate.getTime()];

  return now < from || now >= from + (until - from) * RENEW_AFTER;
}
