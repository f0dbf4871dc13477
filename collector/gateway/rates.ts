// The buckets of every host, kept over its connections so that reconnecting does not refill them. Only hosts whose
// certificate was verified get any, so strangers cannot grow the table.
import type { HostId } from '@selvage/shared/model/ids.ts';
import { Bucket } from '@selvage/shared/time/bucket.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { GatewayLimits } from './limits.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

interface HostBuckets {
  readonly connects: Bucket;
  readonly frames: Bucket;
  readonly bytes: Bucket;
  readonly refusals: Bucket;
}

/** Each method returns 0 when it is allowed, else the milliseconds to wait. */
export interface HostRates {
  connect(): number;
  frame(bytes: number): number;
  refusal(): number;
  /** Bytes that a frame became when it was unpacked: paid for afterwards, by the frames that follow. */
  spent(bytes: number): void;
}

export class Rates {
  readonly #limits: GatewayLimits;
  readonly #clock: Clock;
  readonly #hosts = new Map<HostId, HostBuckets>();

  constructor(limits: GatewayLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  of(host: HostId): HostRates {
    const buckets = this.#hosts.get(host) ?? this.#make(host);
    const now = () => this.#clock.monotonic();

    return {
      connect: () => buckets.connects.take(1, now()),
      frame: (bytes) => buckets.frames.take(1, now()) || buckets.bytes.take(bytes, now()),
      refusal: () => buckets.refusals.take(1, now()),
      spent: (bytes) => buckets.bytes.owe(bytes, now()),
    };
  }

  /** Forgets hosts that have been quiet long enough to have full buckets. */
  sweep(): void {
    const now = this.#clock.monotonic();

    for (const [host, buckets] of this.#hosts) {
      if (Object.values(buckets).every((bucket) => bucket.isFull(now))) this.#hosts.delete(host);
    }
  }

  #make(host: HostId): HostBuckets {
    const l = this.#limits;
    const now = this.#clock.monotonic();
    const buckets = {
      connects: new Bucket({ perMs: l.connectsPerMinute / MINUTE_MS, burst: l.connectBurst }, now),
      frames: new Bucket({ perMs: l.framesPerSecond / SECOND_MS, burst: l.frameBurst }, now),
      bytes: new Bucket({ perMs: l.bytesPerSecond / SECOND_MS, burst: l.byteBurst }, now),
      refusals: new Bucket({ perMs: l.refusalsPerMinute / MINUTE_MS, burst: l.refusalBurst }, now),
    };
    this.#hosts.set(host, buckets);

    return buckets;
  }
}
