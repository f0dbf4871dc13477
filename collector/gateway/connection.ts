// One connection of one host, from the upgrade to the end. It decodes, keeps order and applies limits; what frames mean
// is the intake's and the store's business. The host is the one of the certificate, whatever a frame says.
//
// INVARIANTS:
// - greeting → live → closed; in `greeting` only Hello is taken, in `closed` nothing, also not what is queued.
// - Frames are handled one at a time in the order they came; the socket is paused while `inFlight` of them wait.
// - An acknowledgement is sent only with what the intake says is committed.
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { isForCollector } from '@selvage/shared/policy/roles.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import {
  type AgentFrame,
  type CollectorFrame,
  decodeAgentFrame,
  encodeCollectorFrame,
  type Hello,
  MAX_STRING_BYTES,
} from '@selvage/shared/wire/wire.ts';
import type { RawData, WebSocket } from 'ws';
import type { Intake } from '../intake/intake.ts';
import type { Meter } from '../metrics/meter.ts';
import type { PolicyReader } from '../store/ports.ts';
import type { HostSession } from './greeting.ts';
import type { GatewayLimits } from './limits.ts';
import type { HostRates } from './rates.ts';

const CLOSE_NORMAL = 1000;
/** The collector's own trouble: the host keeps what it has and comes back. */
const FAULTS: ReadonlySet<string> = new Set(['STORE_FAILED', 'STORE_BUSY', 'STORE_CORRUPT', 'DISK_FULL', 'INTERNAL']);
const CLOSE_POLICY = 1008;
/** Frames and bytes that a connection may send before it is greeted; an agent sends one Hello and waits. */
const EARLY_FRAMES = 64;
const EARLY_BYTES = 2 * 1024 * 1024;
const EARLY_RETRY_MS = 60_000;
/** Characters, so that the bytes stay below the wire's limit whatever they are. */
const MAX_TEXT = MAX_STRING_BYTES / 4;

export interface ConnectionParts {
  readonly host: HostId;
  readonly socket: WebSocket;
  readonly intake: Intake;
  readonly policy: PolicyReader;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: GatewayLimits;
  readonly meter: Meter;
  readonly rates: HostRates;
  /** Checks and records the greeting, knows what the host may do; what it throws is the answer. */
  readonly session: HostSession;
  readonly onLive: (connection: Connection) => void;
  readonly onClosed: (connection: Connection, reason: string) => void;
}

export class Connection {
  readonly host: HostId;
  readonly openedAt: number;
  readonly #parts: ConnectionParts;
  readonly #socket: WebSocket;
  #state: 'greeting' | 'live' | 'closed' = 'greeting';
  #lastHeard: number;
  #waiting = 0;
  #earlyFrames = 0;
  #earlyBytes = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#socket = parts.socket;
    this.host = parts.host;
    this.openedAt = parts.clock.monotonic();
    this.#lastHeard = this.openedAt;

    this.#socket.on('message', (data, isBinary) => this.#heard(data, isBinary));
    // Control frames are not part of the protocol; they count as frames, so that they cannot be used to flood.
    this.#socket.on('ping', (data) => this.#allowed(data.length));
    this.#socket.on('pong', (data) => this.#allowed(data.length));
    this.#socket.on('error', (error) => this.#failed(error));
    this.#socket.on('close', () => this.#closed('the host closed the connection'));
  }

  get live(): boolean {
    return this.#state === 'live';
  }

  send(frame: CollectorFrame): void {
    if (this.#state === 'closed') return;
    this.#parts.meter.framesOut += 1;
    this.#socket.send(encodeCollectorFrame(frame));
    if (this.#socket.bufferedAmount > this.#parts.limits.sendBufferBytes) {
      this.#closed('the host does not read what is sent to it');
      this.#socket.terminate();
    }
  }

  /** New policy: for a host that gets any. */
  async announce(frame: CollectorFrame & { readonly type: 'policyAvailable' }): Promise<void> {
    if (await this.#parts.session.isAccepted()) this.send(frame);
  }

  /** Says why and closes; nothing that comes or waits is handled any more. */
  end(error: CodedError, retryAfterMs = 0): void {
    if (this.#state === 'closed') return;
    this.#parts.meter.refuse(error.code);
    this.send(problem(error, true, retryAfterMs));
    this.#closed(error.code);
    this.#socket.resume();
    this.#socket.close(error.code === 'UNREACHABLE' ? CLOSE_NORMAL : CLOSE_POLICY, error.code);
  }

  /** Resolves when no frame is being handled. */
  async idle(): Promise<void> {
    await this.#work;
  }

  /** Closes what is silent for too long or never said hello. */
  sweep(): void {
    const { clock, limits } = this.#parts;
    const now = clock.monotonic();
    // One that waits here, for a store that is busy, has come in time. Who is late is slow, which is no fault that a person must look at.
    if (this.#state === 'greeting' && this.#waiting === 0 && now - this.openedAt >= limits.helloMs) {
      this.end(new CodedError('UNREACHABLE', `no Hello within ${limits.helloMs} ms`));
    }
    // While frames wait, the socket may be paused by us: silence is then no sign.
    if (this.#state === 'live' && this.#waiting === 0 && now - this.#lastHeard >= limits.idleMs) {
      this.#closed('silent for too long');
      this.#socket.terminate();
    }
  }

  #heard(data: RawData, isBinary: boolean): void {
    if (this.#state === 'closed') return;
    this.#lastHeard = this.#parts.clock.monotonic();
    // binaryType is nodebuffer: one Buffer per message.
    if (!Buffer.isBuffer(data) || !this.#allowed(data.length)) return;
    this.#parts.meter.framesIn += 1;
    this.#parts.meter.bytesIn += data.length;
    const frame = isBinary ? this.#decode(data) : this.#refuse(new CodedError('FRAME_INVALID', 'a text frame'));
    if (frame === null) return;

    if (frame.type === 'ping' && this.live) this.send({ type: 'pong', nonce: frame.nonce });
    else this.#enqueue(frame);
  }

  #decode(data: Buffer): AgentFrame | null {
    try {
      return decodeAgentFrame(data);
    } catch (error) {
      return this.#refuse(asCoded(error));
    }
  }

  /** A body that only a newer agent knows is answered; everything else that is no frame ends the connection. */
  #refuse(error: CodedError): null {
    if (error.code === 'FRAME_UNEXPECTED' && this.live) this.send(problem(error, false));
    else this.end(error);

    return null;
  }

  /** False when the host sends too much; the connection is closed then. */
  #allowed(bytes: number): boolean {
    if (this.#state === 'closed') return false;
    // Until it is known to be the host, it has a share of its own: an old certificate must not use up the host's.
    const wait = this.#state === 'greeting' ? this.#early(bytes) : this.#parts.rates.frame(bytes);
    if (wait > 0) this.end(new CodedError('RATE_LIMITED', 'too many frames'), wait);

    return wait === 0;
  }

  #early(bytes: number): number {
    this.#earlyFrames += 1;
    this.#earlyBytes += bytes;

    return this.#earlyFrames > EARLY_FRAMES || this.#earlyBytes > EARLY_BYTES ? EARLY_RETRY_MS : 0;
  }

  #enqueue(frame: AgentFrame): void {
    this.#waiting += 1;
    this.#parts.meter.waiting += 1;
    if (this.#waiting >= this.#parts.limits.inFlight) this.#socket.pause();

    this.#work = this.#work.then(async () => {
      if (this.#state !== 'closed') await this.#handle(frame);
      this.#waiting -= 1;
      this.#parts.meter.waiting -= 1;
      this.#lastHeard = this.#parts.clock.monotonic();
      if (this.#state !== 'closed' && this.#socket.isPaused) this.#socket.resume();
    });
  }

  async #handle(frame: AgentFrame): Promise<void> {
    try {
      if ((frame.type === 'hello') !== (this.#state === 'greeting')) {
        throw new CodedError('FRAME_UNEXPECTED', `${frame.type} while ${this.#state}`);
      }
      this.#parts.session.permit(frame.type);

      switch (frame.type) {
        case 'hello':
          return await this.#greeted(frame);
        case 'durable':
          return await this.#durable(frame);
        case 'policyRequest':
          return await this.#policyFile(frame);
        case 'ping':
          return this.send({ type: 'pong', nonce: frame.nonce });
        case 'policyHeld':
          return this.#parts.session.held(frame);
        case 'renewalRequest':
          return await this.#renewal(frame.csr);
      }
    } catch (error) {
      this.#endWith(asCoded(error));
    }
  }

  async #greeted(hello: Hello): Promise<void> {
    const { welcome, after } = await this.#parts.session.greet(hello);
    // Revoked or replaced while the greeting was recorded.
    if (this.#state === 'closed') return;
    // It is the host's, which pays for its Hello too: coming back does not spare it what it sent before.
    const wait = this.#parts.rates.frame(this.#earlyBytes);
    if (wait > 0) return this.end(new CodedError('RATE_LIMITED', 'too many frames'), wait);
    this.#state = 'live';
    this.send({ type: 'welcome', ...welcome });
    for (const frame of after) this.send(frame);
    this.#parts.onLive(this);
  }

  async #renewal(csr: string): Promise<void> {
    try {
      this.send({ type: 'renewal', certificate: await this.#parts.session.renew(csr) });
    } catch (error) {
      const coded = asCoded(error);
      if (coded.code !== 'RATE_LIMITED') throw coded;
      // The present certificate is still good: only this request has to wait.
      this.send(problem(coded, false, Number(coded.details.retryAfterMs ?? 0)));
    }
  }

  async #durable(frame: AgentFrame & { readonly type: 'durable' }): Promise<void> {
    // What a pending host has installed was by no policy of ours; the host keeps the result and sends it again once it counts.
    if (frame.message.type === 'result' && !(await this.#parts.session.isAccepted())) return;
    const { acknowledged, wanted, refused, reportWanted } = await this.#parts.intake.accept(this.host, frame, (bytes) =>
      this.#parts.rates.spent(bytes),
    );

    this.#parts.meter.commits += 1;
    if (refused) this.#parts.meter.refuse(refused.code);
    if (refused) this.#parts.log.warn({ host: this.host, code: refused.code }, refused.message);
    if (refused && refused.code !== 'FRAME_WRONG_HOST') this.send(problem(refused, false));
    if (wanted.length > 0 || reportWanted) this.send({ type: 'sectionsWanted', names: wanted });
    this.send({ type: 'acknowledgement', stream: frame.stream, sequence: acknowledged });
    if (refused?.code === 'FRAME_WRONG_HOST') return this.end(refused);

    const wait = refused ? this.#parts.rates.refusal() : 0;
    if (wait > 0) this.end(new CodedError('RATE_LIMITED', 'too many refused messages'), wait);
  }

  async #policyFile(frame: AgentFrame & { readonly type: 'policyRequest' }): Promise<void> {
    const { name, sha256 } = frame;
    // Also when it asks by a name that it cannot know from here.
    const content =
      !isForCollector(name) && (await this.#parts.session.isAccepted())
        ? await this.#parts.policy.file(name, sha256 ?? undefined)
        : null;
    this.send({ type: 'policyFile', name, found: content !== null, content: content ?? new Uint8Array(0) });
  }

  #endWith(error: CodedError): void {
    const { log, limits } = this.#parts;
    const fault = FAULTS.has(error.code);
    if (fault) log.error({ host: this.host, error }, 'a frame could not be handled');
    else log.warn({ host: this.host, code: error.code }, error.message);
    // What failed inside is nobody's business outside.
    this.end(
      fault ? new CodedError(error.code, 'the collector could not handle the frame') : error,
      fault ? limits.faultRetryMs : 0,
    );
  }

  #failed(error: Error & { code?: unknown }): void {
    // ws refuses oversize and malformed WebSocket frames itself, before they are buffered.
    this.#parts.log.debug({ host: this.host, code: error.code }, 'the connection failed');
    this.#closed(typeof error.code === 'string' ? error.code : 'connection failed');
  }

  #closed(reason: string): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#parts.onClosed(this, reason);
  }
}

function problem(error: CodedError, fatal: boolean, retryAfterMs = 0): CollectorFrame {
  return {
    type: 'problem',
    code: error.code,
    message: error.message.slice(0, MAX_TEXT),
    next: error.next.slice(0, MAX_TEXT),
    fatal,
    retryAfterMs: Math.ceil(retryAfterMs),
  };
}
