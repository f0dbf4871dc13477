// The buckets of every host, kept over its connections so that reconnecting does not refill them. Only hosts whose
// certificate was verified get any, so strangers cannot grow the table. Connections are counted by certificate: who has
// an old disk of a host must not use up what the host itself needs to come back.
import type { HostId, Sha256 } from '@selvage/shared/model/ids.ts';
import { Bucket } from '@selvage/shared/time/bucket.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { GatewayLimits } from './limits.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

interface HostBuckets {
  readonly frames: Bucket;
  readonly bytes: Bucket;
  readonly refusals: Bucket;
}

/** Each method returns 0 when it is allowed, else the milliseconds to wait. */
export interface HostRates {
  frame(bytes: number): number;
  refusal(): number;
  /** Bytes that a frame became when it was unpacked: paid for afterwards, by the frames that follow. */
  spent(bytes: number): void;
}

export class Rates {
  readonly #limits: GatewayLimits;
  readonly #clock: Clock;
  readonly #hosts = new Map<HostId, HostBuckets>();
  readonly #connects = new Map<Sha256, Bucket>();

  constructor(limits: GatewayLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** One more connection with that certificate. */
  connect(certificate: Sha256): number {
    const { connectsPerMinute, connectBurst } = this.#limits;
    const now = this.#clock.monotonic();
    const bucket =
      this.#connects.get(certificate) ?? new Bucket({ perMs: connectsPerMinute / MINUTE_MS, burst: connectBurst }, now);
    this.#connects.set(certificate, bucket);

    return bucket.take(1, now);
  }

  of(host: HostId): HostRates {
    const buckets = this.#hosts.get(host) ?? this.#make(host);
    const now = () => this.#clock.monotonic();

    return {
      frame: (bytes) => buckets.frames.take(1, now()) || buckets.bytes.take(bytes, now()),
      refusal: () => buckets.refusals.take(1, now()),
      spent: (bytes) => buckets.bytes.owe(bytes, now()),
    };
  }

  /** Forgets whoever has been quiet long enough to have full buckets. */
  *sweep(): Iterable<void> {
    const now = this.#clock.monotonic();

    for (const [certificate, bucket] of this.#connects) {
      if (bucket.isFull(now)) this.#connects.delete(certificate);
      yield;
    }
    for (const [host, { frames, bytes, refusals }] of this.#hosts) {
      if (frames.isFull(now) && bytes.isFull(now) && refusals.isFull(now)) this.#hosts.delete(host);
      yield;
    }
  }

  #make(host: HostId): HostBuckets {
    const l = this.#limits;
    const now = this.#clock.monotonic();
    const buckets = {
      frames: new Bucket({ perMs: l.framesPerSecond / SECOND_MS, burst: l.frameBurst }, now),
      bytes: new Bucket({ perMs: l.bytesPerSecond / SECOND_MS, burst: l.byteBurst }, now),
      refusals: new Bucket({ perMs: l.refusalsPerMinute / MINUTE_MS, burst: l.refusalBurst }, now),
    };
    this.#hosts.set(host, buckets);

    return buckets;
  }
}
