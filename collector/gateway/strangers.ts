// Bounds what comes before anybody has proven who they are: sockets at one time, in all and per address, and new ones over
// time. A socket counts until it is upgraded or closed, and what a host took from the rate is given back when it is upgraded.
//
// Who shares an address with strangers (one NAT, one office) must not be locked out by them: an address that a host has proven
// itself from has ten times the rate, and is not held to the rate of all. What is open already is never touched.
import { isIPv6, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { Bucket } from '@selvage/shared/time/bucket.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { GatewayLimits } from './limits.ts';

const SECOND_MS = 1000;
/** Groups of an IPv6 address that one customer has: a /64. */
const NETWORK_GROUPS = 4;
/** How long an address counts as one of hosts after the last of them proved itself. */
const PROVEN_MS = 7 * 86_400_000;
/** Times the rate of an address of strangers. */
const PROVEN_FACTOR = 10;
/** Addresses of hosts are remembered where there is no more room for those of strangers: so many times as many in all. */
const ROOM_FOR_PROVEN = 2;

interface Origin {
  bucket: Bucket;
  /** Sockets that are open and unproven. */
  count: number;
  /** Monotonic time until which it counts as an address of hosts, 0 for one of strangers. */
  provenUntil: number;
}

/** A socket that has proven nothing yet, and what it was counted in. */
interface Entry {
  readonly socket: Socket;
  /** Monotonic time when it came. */
  readonly since: number;
  readonly origin: Origin;
  /** It took from the rate of all. */
  readonly ofAll: boolean;
}

export class Strangers {
  readonly #limits: GatewayLimits;
  readonly #clock: Clock;
  /** By address and port, because the TLS layer hands out another object for the same socket. */
  readonly #sockets = new Map<string, Entry>();
  readonly #origins = new Map<string, Origin>();
  readonly #all: Bucket;
  /** Shared by all addresses for which there is no room. */
  readonly #rest: Origin;

  constructor(limits: GatewayLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#all = new Bucket(
      { perMs: limits.strangersPerSecond / SECOND_MS, burst: limits.strangerBurst },
      clock.monotonic(),
    );
    this.#rest = this.#origin();
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** False when there are too many already, or too many came; the socket is not counted then. */
  admit(socket: Socket): boolean {
    const address = networkOf(socket.remoteAddress ?? '');
    const { unauthenticated, unauthenticatedPerAddress } = this.#limits;
    const origin = this.#originOf(address);
    if (this.#sockets.size >= unauthenticated || origin.count >= unauthenticatedPerAddress) return false;

    const now = this.#clock.monotonic();
    if (origin.bucket.take(1, now) > 0) return false;
    const ofAll = origin.provenUntil <= now;
    if (ofAll && this.#all.take(1, now) > 0) return false;

    const key = keyOf(socket);
    this.#sockets.set(key, { socket, since: now, origin, ofAll });
    origin.count += 1;
    socket.once('close', () => this.#forget(key));

    return true;
  }

  /** Monotonic time when the socket came, before its handshake; null for one that is not counted. */
  since(socket: Duplex): number | null {
    return socket instanceof TLSSocket ? (this.#sockets.get(keyOf(socket))?.since ?? null) : null;
  }

  /** The socket has proven which host it is; `sockets`: how many it took until then. */
  known(socket: Duplex, sockets = 1): void {
    if (!(socket instanceof TLSSocket)) return;
    const entry = this.#forget(keyOf(socket));
    if (!entry) return;

    const now = this.#clock.monotonic();
    this.proven(socket.remoteAddress ?? '').bucket.owe(-sockets, now);
    if (entry.ofAll) this.#all.owe(-sockets, now);
  }

  /** A host has come from there. */
  proven(remoteAddress: string): Origin {
    const now = this.#clock.monotonic();
    const origin = this.#originOf(networkOf(remoteAddress), ROOM_FOR_PROVEN);
    // What strangers share is not made one of hosts.
    if (origin === this.#rest) return origin;
    if (origin.provenUntil <= now) origin.bucket = this.#bucket(PROVEN_FACTOR);
    origin.provenUntil = now + PROVEN_MS;

    return origin;
  }

  /** Forgets addresses that nothing is known of any more. */
  *sweep(): Iterable<void> {
    const now = this.#clock.monotonic();
    for (const [address, { bucket, count, provenUntil }] of this.#origins) {
      if (count === 0 && provenUntil <= now && bucket.isFull(now)) this.#origins.delete(address);
      yield;
    }
  }

  destroyAll(): void {
    for (const { socket } of this.#sockets.values()) socket.destroy();
  }

  #originOf(address: string, times = 1): Origin {
    const known = this.#origins.get(address);
    if (known) return known;
    if (this.#origins.size >= this.#limits.addresses * times) return this.#rest;

    const origin = this.#origin();
    this.#origins.set(address, origin);

    return origin;
  }

  #origin(): Origin {
    return { bucket: this.#bucket(1), count: 0, provenUntil: 0 };
  }

  #bucket(factor: number): Bucket {
    const { strangersPerAddressPerSecond: rate, strangerBurstPerAddress: burst } = this.#limits;

    return new Bucket({ perMs: (rate * factor) / SECOND_MS, burst: burst * factor }, this.#clock.monotonic());
  }

  #forget(key: string): Entry | null {
    const entry = this.#sockets.get(key);
    if (!entry) return null;
    this.#sockets.delete(key);
    entry.origin.count -= 1;

    return entry;
  }
}

function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

/** The address, or the network of an IPv6 address: whoever has one has 2^64 of them. */
export function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array<string>(8 - before.length - after.length).fill('0');

  return [...before, ...zeros, ...after].slice(0, NETWORK_GROUPS).join(':');
}
