// When a host asks for its next certificate, and what it does with the answer. One desk per connection; what has been asked
// is remembered beyond it.
//
// INVARIANT: only the collector's clock counts, which came with Welcome and goes on by monotonic time: it is the clock that
// certificates are made and admitted by. A host's own clock, however wrong or unsteady, neither starts a renewal nor stops
// one, and no collector is asked more than once an hour as long as anything else works.
import { X509Certificate } from 'node:crypto';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { AgentFrame, Welcome } from '@selvage/shared/wire/wire.ts';
import { voucherOf } from './authorities.ts';
import { deadline } from './deadline.ts';
import { identityState } from './identity.ts';
import type { Credentials, IdentitySource } from './identity-source.ts';

/** How often a connection looks whether a renewal is due; also the least time between two requests. */
const LOOK_EVERY_MS = 60 * 60_000;
/** Least time between two renewals whose only reason is a newer authority: the collector may not sign with it yet. */
const EARLY_EVERY_MS = 24 * LOOK_EVERY_MS;
/** Milliseconds the collector has for its answer. */
const ANSWER_MS = 30_000;

export interface RenewalMemory {
  /** Monotonic milliseconds of the last request, null before the first. */
  askedAt: number | null;
  /** The same of the last one that only a newer authority was the reason for. */
  earlyAt: number | null;
  /** The collector called the present certificate expired: nothing but a renewal is possible. */
  expired: boolean;
}

export interface RenewalParts {
  readonly source: IdentitySource;
  readonly used: Credentials;
  readonly memory: RenewalMemory;
  readonly clock: Clock;
  readonly send: (frame: AgentFrame) => void;
  readonly onRenewed: () => void;
  readonly onProblem: (error: CodedError) => void;
}

/** The end of a session that has nothing wrong with it: the next one begins at once. */
export const comingBack = (why: string): CodedError =>
  new CodedError('UNREACHABLE', why, { details: { comingBack: true } });

export const isComingBack = (error: CodedError): boolean => error.details.comingBack === true;

export class RenewalDesk {
  readonly #parts: RenewalParts;
  #open = false;
  /** With null: the certificate is here. */
  #settle: (refusal: CodedError | null) => void = () => undefined;
  #theirs: Temporal.Instant | null = null;
  #heardAt = 0;

  constructor(parts: RenewalParts) {
    this.#parts = parts;
  }

  begin(welcome: Welcome): void {
    this.#theirs = Temporal.Instant.from(welcome.now);
    this.#heardAt = this.#parts.clock.monotonic();
  }

  /** True when this connection is for a renewal and nothing else. */
  get only(): boolean {
    return this.#parts.memory.expired || identityState(this.#parts.used, this.#now()) === 'expired';
  }

  /** Looks, and looks again each hour; throws when the session is to end. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const refusal = this.#due() ? await this.#ask(signal) : null;
      if (this.only && refusal) throw refusal;
      await this.#parts.clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  /** Keeps what was asked for. Throws FRAME_UNEXPECTED for an answer to nothing. */
  async answer(certificate: string): Promise<void> {
    if (!this.#open) throw new CodedError('FRAME_UNEXPECTED', 'a certificate that nobody asked for');
    this.#open = false;

    try {
      await this.#parts.source.keep(certificate, this.#now());
      this.#settle(null);
    } catch (error) {
      const refusal = asCoded(error);
      this.#parts.onProblem(refusal);
      this.#settle(refusal);
    }
  }

  /** The collector told of a problem: it may be the answer, or say that only a renewal is possible. */
  problem(error: CodedError): void {
    if (error.code === 'CERTIFICATE_EXPIRED') this.#parts.memory.expired = true;
    else this.#settle(error);
    if (error.code === 'CSR_INVALID' && this.#open) this.#dropRequest();
  }

  /** A key that has a certificate already, of this host or its clone, gets no other however often it is asked for. */
  #dropRequest(): void {
    this.#open = false;
    this.#parts.source.dropRequest().catch((reason: unknown) => this.#parts.onProblem(asCoded(reason)));
  }

  /** Why there is no new certificate; throws when there is one, because then this session is over. */
  async #ask(signal: AbortSignal): Promise<CodedError> {
    const { source, clock, send, memory, onProblem, onRenewed } = this.#parts;
    memory.askedAt = clock.monotonic();
    let csr: string;

    try {
      csr = await source.request();
    } catch (error) {
      // A full disk, say: the present certificate still works.
      const refusal = asCoded(error);
      onProblem(refusal);

      return refusal;
    }
    signal.throwIfAborted();
    const answered = new Promise<CodedError | null>((resolve) => {
      this.#settle = resolve;
    });
    this.#open = true;
    send({ type: 'renewalRequest', csr });
    const refusal = await deadline(clock, ANSWER_MS, answered, signal, 'no answer to the request for a certificate');
    if (refusal) return refusal;
    memory.expired = false;
    onRenewed();
    throw comingBack('this host comes back with its new certificate');
  }

  #due(): boolean {
    const { memory, used, clock } = this.#parts;
    const at = clock.monotonic();
    if (this.only) return true;
    if (memory.askedAt !== null && at - memory.askedAt < LOOK_EVERY_MS) return false;
    if (identityState(used, this.#now()) === 'ending') return true;
    if (memory.earlyAt !== null && at - memory.earlyAt < EARLY_EVERY_MS) return false;
    if (isOfNewest(used)) return false;
    memory.earlyAt = at;

    return true;
  }

  #now(): Temporal.Instant {
    const { clock } = this.#parts;

    return (this.#theirs ?? clock.now()).add({ milliseconds: Math.round(clock.monotonic() - this.#heardAt) });
  }
}

/** The newest authority is the last one that the collector named: whoever has a certificate of it need not follow. */
function isOfNewest({ certificate, authorities }: Credentials): boolean {
  return voucherOf(new X509Certificate(certificate), authorities.slice(-1)) !== null;
}
