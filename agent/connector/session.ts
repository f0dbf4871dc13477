// One connection to the collector, from Hello to its end: durable messages within the window, policy requests and
// heartbeats. It never reconnects; ./link.ts does.
//
// INVARIANTS:
// - A message leaves its stream's disk only through acknowledged(), and only up to what the collector named.
// - Per stream, messages are sent in order and without a gap; a hole on disk ends the session, the next Hello names it.
// - What the collector sends unasked (an answer, an acknowledgement of what was not sent) ends the session.
import { asCoded, CodedError, fromDocument } from '@selvage/shared/errors/coded-error.ts';
import type { Mode, Timestamp } from '@selvage/shared/model/ids.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { UNDERSTOOD } from '@selvage/shared/policy/understanding.ts';
import type { Random } from '@selvage/shared/random.ts';
import { Bucket } from '@selvage/shared/time/bucket.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import {
  type AgentFrame,
  type CollectorFrame,
  decodeCollectorFrame,
  type EndorsedAuthority,
  encodeAgentFrame,
  PROTOCOL_VERSIONS,
  type Problem,
  type Welcome,
} from '@selvage/shared/wire/wire.ts';
import { deadline } from './deadline.ts';
import type { Wire } from './dial.ts';
import { PolicyDesk, type PolicyDeskParts, type PolicyRequest } from './policy-desk.ts';
import { comingBack, RenewalDesk, type RenewalParts } from './renewal.ts';
import { Sender } from './sender.ts';
import { serial } from './serial.ts';
import type { ServerProof } from './server-proof.ts';
import type { DurableStream } from './stream.ts';

/** Milliseconds until Welcome must have come. */
const WELCOME_MS = 20_000;
/** Silent for so many heartbeats, the connection is taken for half-open. */
const MISSED_HEARTBEATS = 2.5;
/** Bounds of the heartbeat that a collector may ask for. */
const MIN_HEARTBEAT_S = 1;
const MAX_HEARTBEAT_S = 600;
/** A host that trusts other authorities comes back to say so; a fleet that was told at once does it over this time. */
const FOLLOW_WITHIN_MS = 10 * 60_000;
const SECOND_MS = 1000;
/** What a collector may send unasked: acknowledgements of a full outbox are 512, the rest is a few an hour. */
const UNASKED_FRAMES = { perMs: 20 / SECOND_MS, burst: 1000 };
const UNASKED_BYTES = { perMs: 64, burst: 4 * 1024 * 1024 };
/** Sections a collector may want at once; an inventory has fewer. */
const MAX_WANTED = 64;

export interface SessionParts {
  readonly wire: Wire;
  readonly streams: readonly DurableStream[];
  readonly agentVersion: string;
  readonly machineId: string;
  readonly mode: Mode;
  readonly clock: Clock;
  readonly random: Random;
  /** What this connection was opened with, what follows it, and who answered. */
  readonly identity: Pick<RenewalParts, 'source' | 'used' | 'memory'> & { readonly server: ServerProof };
  readonly onWelcome: (welcome: Welcome) => void;
  readonly onAcknowledged: (stream: string, upTo: bigint) => void;
  readonly onSectionsWanted: (names: readonly string[]) => Promise<void>;
  /** The signed policy that the host goes by, to be told. */
  readonly held?: PolicyDeskParts['held'];
  /** There may be newer policy. Called after Welcome and on announcements, one call at a time. */
  readonly onPolicy: (request: PolicyRequest, signal: AbortSignal) => Promise<void>;
  /** The collector gave a new certificate; the session ends for it. */
  readonly onRenewed: () => void;
  /** The authorities that are trusted from now on, PEM each. */
  readonly onAuthorities: (authorities: readonly string[]) => void;
  /** Something was refused or failed without ending the session. */
  readonly onProblem: (error: CodedError) => void;
}

/** Resolves with the reason when the session is over; `details.retryAfterMs` is what the collector asked for. */
export async function runSession(parts: SessionParts, signal: AbortSignal): Promise<CodedError> {
  const { wire, clock } = parts;
  const ended = new AbortController();
  const end = (error: CodedError) => ended.abort(error);
  const stop = AbortSignal.any([signal, ended.signal]);
  const session = new Session(parts, stop, end);

  void wire.closed.then(end);
  signal.addEventListener('abort', () => end(new CodedError('UNREACHABLE', 'the agent is stopping')), { once: true });
  wire.listen((bytes) => session.receive(bytes));

  try {
    await session.hello();
    await deadline(clock, WELCOME_MS, session.welcomed, stop, 'the collector did not answer Hello');
    const loops = session.loops(stop);
    // The first one that fails ends the session; all of them are over before it is.
    await Promise.all(loops.map((loop) => loop.catch((error: unknown) => end(asCoded(error)))));
  } catch (error) {
    end(asCoded(error));
  }
  wire.close();
  await session.settled();

  return asCoded(ended.signal.reason);
}

class Session {
  readonly sender: Sender;
  readonly desk: PolicyDesk;
  readonly renewal: RenewalDesk;
  readonly welcomed: Promise<void>;
  readonly #parts: SessionParts;
  readonly #end: (error: CodedError) => void;
  readonly #stop: AbortSignal;
  readonly #queue = serial();
  #resolveWelcomed: () => void = () => undefined;
  #welcome: Welcome | null = null;
  /** True once this connection is used for more than a renewal. */
  #carries = false;
  #lastHeard: number;
  readonly #frames: Bucket;
  readonly #bytes: Bucket;
  /** Sections that the collector wants and that were not handed over yet. */
  readonly #wanted = new Set<string>();

  constructor(parts: SessionParts, stop: AbortSignal, end: (error: CodedError) => void) {
    this.#parts = parts;
    this.#end = end;
    this.#stop = stop;
    this.#lastHeard = parts.clock.monotonic();
    this.#frames = new Bucket(UNASKED_FRAMES, this.#lastHeard);
    this.#bytes = new Bucket(UNASKED_BYTES, this.#lastHeard);
    const send = (frame: AgentFrame) => this.#send(frame);
    this.sender = new Sender(parts.streams, send);
    const { clock, held, onPolicy, onRenewed, onProblem } = parts;
    this.desk = new PolicyDesk({ send, clock, held, onPolicy, onProblem });
    this.renewal = new RenewalDesk({ ...parts.identity, send, clock, onRenewed, onProblem });
    this.welcomed = new Promise((resolve) => {
      this.#resolveWelcomed = resolve;
    });
  }

  /** What runs after Welcome. The collector takes nothing but a renewal from a host whose certificate has ended. */
  loops(stop: AbortSignal): readonly Promise<void>[] {
    const always = [this.renewal.run(stop), this.heartbeat()];
    if (this.renewal.only) return always;
    this.#carries = true;

    return [...always, this.sender.run(stop), this.desk.run(stop)];
  }

  async hello(): Promise<void> {
    const { agentVersion, machineId, mode, streams, identity, clock } = this.#parts;
    const positions = await Promise.all(
      streams.map(async (stream) => ({ stream: stream.id, sequence: await stream.position() })),
    );
    this.#send({
      type: 'hello',
      versions: PROTOCOL_VERSIONS,
      agentVersion,
      machineId,
      mode,
      streams: positions,
      authorities: identity.used.authorities.map(fingerprint),
      now: clock.now().toString() as Timestamp,
      understands: UNDERSTOOD,
    });
  }

  async heartbeat(): Promise<void> {
    const seconds = this.#welcome?.heartbeatSeconds ?? MAX_HEARTBEAT_S;
    const every = Math.min(MAX_HEARTBEAT_S, Math.max(MIN_HEARTBEAT_S, seconds)) * SECOND_MS;

    for (let nonce = 1n; ; nonce += 1n) {
      await this.#parts.clock.sleep(every, this.#stop);
      const silent = this.#parts.clock.monotonic() - this.#lastHeard;
      if (silent >= every * MISSED_HEARTBEATS) {
        throw new CodedError('UNREACHABLE', `nothing heard from the collector for ${silent / SECOND_MS} s`);
      }
      this.#send({ type: 'ping', nonce });
    }
  }

  receive(bytes: Uint8Array): void {
    if (this.#stop.aborted) return;
    this.#lastHeard = this.#parts.clock.monotonic();

    try {
      const frame = decodeCollectorFrame(bytes);
      // An answer to a request is its own limit: there is one at a time.
      if (frame.type !== 'policyFile') this.#charge(bytes.length);
      this.#dispatch(frame);
    } catch (error) {
      this.#end(asCoded(error));
    }
  }

  /** What a collector sends unasked costs memory until it is dealt with, and lines in the log: more than its share ends it. */
  #charge(bytes: number): void {
    const now = this.#parts.clock.monotonic();
    if (this.#frames.take(1, now) > 0 || this.#bytes.take(bytes, now) > 0) {
      throw new CodedError('RATE_LIMITED', 'the collector sends more than a host has to listen to');
    }
  }

  /** Resolves when what was received has been dealt with: nothing touches the disk after the session is over. */
  async settled(): Promise<void> {
    await this.#queue(async () => undefined);
  }

  #dispatch(frame: CollectorFrame): void {
    if (frame.type !== 'problem' && (frame.type === 'welcome') !== (this.#welcome === null)) {
      throw new CodedError('FRAME_UNEXPECTED', `the collector sent ${frame.type} out of turn`);
    }

    switch (frame.type) {
      case 'welcome':
        this.#welcome = frame;
        this.#later(() => this.#begin(frame));
        break;
      case 'acknowledgement':
        // Also when the frame behind it ends the session: what was refused for good would else be sent again, and refused, for ever.
        this.#inTurn(async () => {
          if (await this.sender.acknowledged(frame.stream, frame.sequence)) {
            this.#parts.onAcknowledged(frame.stream, frame.sequence);
          }
        });
        break;
      case 'sectionsWanted':
        this.#want(frame.names);
        break;
      case 'policyAvailable':
        this.desk.announce();
        break;
      case 'policyFile':
        this.desk.answer(frame);
        break;
      case 'problem':
        this.#problem(frame);
        break;
      case 'renewal':
        this.#later(() => this.renewal.answer(frame.certificate));
        break;
      case 'authorities':
        this.#later(() => this.#trust(frame.authorities));
        break;
      case 'pong':
        break;
    }
  }

  /** Names that come while others wait go with them: a request that is made a thousand times is answered once. */
  #want(names: readonly string[]): void {
    const waits = this.#wanted.size > 0;
    for (const name of names.slice(0, MAX_WANTED)) if (this.#wanted.size < MAX_WANTED) this.#wanted.add(name);
    if (waits || this.#wanted.size === 0) return;

    this.#later(async () => {
      const all = [...this.#wanted];
      this.#wanted.clear();
      await this.#parts.onSectionsWanted(all);
    });
  }

  async #begin(welcome: Welcome): Promise<void> {
    if (!PROTOCOL_VERSIONS.includes(welcome.version)) {
      throw new CodedError('PROTOCOL_VERSION', `the collector chose version ${welcome.version}`);
    }
    this.renewal.begin(welcome);
    await this.#prove();
    await this.sender.begin(welcome);
    this.desk.announce();
    this.#parts.onWelcome(welcome);
    this.#resolveWelcomed();
  }

  /** What was welcomed is the identity from now on. Where that cannot be written, it is tried again with the next Welcome. */
  async #prove(): Promise<void> {
    const { source, used } = this.#parts.identity;

    try {
      await source.welcomed(used);
    } catch (error) {
      this.#parts.onProblem(asCoded(error));
    }
  }

  /** What is refused changes nothing and ends nothing: this host goes on under those that it trusts. */
  async #trust(named: readonly EndorsedAuthority[]): Promise<void> {
    const { source, server } = this.#parts.identity;

    try {
      const changed = await source.trust(named, server.certificate);
      if (!changed) return;
      this.#parts.onAuthorities(changed);
    } catch (error) {
      this.#parts.onProblem(asCoded(error));

      return;
    }
    // The collector learns from Hello whom a host trusts, and only then signs with the next one for it.
    const { clock, random } = this.#parts;
    clock.sleep(Math.round(random.float() * FOLLOW_WITHIN_MS), this.#stop).then(
      () => this.#end(comingBack('this host comes back to say whom it trusts')),
      () => undefined,
    );
  }

  #problem(frame: Problem): void {
    const error = new CodedError(fromDocument(frame).code, `the collector: ${frame.message}`, {
      next: frame.next,
      details: { retryAfterMs: frame.retryAfterMs, sentCode: frame.code, byCollector: true },
    });
    this.renewal.problem(error);
    if (this.#carries && error.code === 'CERTIFICATE_EXPIRED') {
      // More than a renewal had begun: the next connection is for nothing else.
      this.#end(comingBack('this host comes back to renew its certificate'));
    } else if (frame.fatal) this.#end(error);
    // After the Welcome that it came with has been told: what stands now is what was said last.
    else this.#later(async () => this.#parts.onProblem(error));
  }

  /** Handled in order, one at a time; what fails (a full disk) ends the session, and the collector sends it again. */
  #later(work: () => Promise<void>): void {
    this.#inTurn(async () => {
      if (!this.#stop.aborted) await work();
    });
  }

  #inTurn(work: () => Promise<void>): void {
    this.#queue(work).catch((error: unknown) => this.#end(asCoded(error)));
  }

  #send(frame: AgentFrame): void {
    if (!this.#stop.aborted) this.#parts.wire.send(encodeAgentFrame(frame));
  }
}
