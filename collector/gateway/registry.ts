// Which connections each host has. The newest live one wins; the others are told so and closed.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { Events } from '../events.ts';
import type { Connection } from './connection.ts';
import { FlapWatch } from './flapping.ts';
import type { GatewayLimits } from './limits.ts';

/** A replaced connection does not come back at once: two machines with one identity must not chase each other. */
const REPLACED_RETRY_MS = 60_000;

interface Entry {
  readonly name: string;
  readonly address: string;
  readonly connection: Connection;
  announced: boolean;
}

export class Registry {
  readonly #limits: GatewayLimits;
  readonly #events: Events;
  readonly #log: Log;
  readonly #flaps = new FlapWatch();
  /** Oldest first. */
  readonly #hosts = new Map<HostId, Entry[]>();

  constructor(limits: GatewayLimits, events: Events, log: Log) {
    this.#limits = limits;
    this.#events = events;
    this.#log = log;
  }

  add({ name, address }: { readonly name: string; readonly address: string }, connection: Connection): void {
    const entries = this.#hosts.get(connection.host) ?? [];
    this.#hosts.set(connection.host, [...entries, { name, address, connection, announced: false }]);
    // A certificate that is worth nothing any more may still open a connection; only who is greeted ends the one that lives.
    const silent = entries.filter(({ connection: old }) => !old.live);
    const tooMany = Math.max(0, entries.length + 1 - this.#limits.connectionsPerHost);
    for (const { connection: old } of silent.slice(0, tooMany)) old.end(replaced(), REPLACED_RETRY_MS);
  }

  /** The connection has been greeted: it is the host's one from here on. */
  live(connection: Connection): void {
    const entries = [...(this.#hosts.get(connection.host) ?? [])];
    const mine = entries.find((entry) => entry.connection === connection);
    if (!mine) return;

    for (const entry of entries) {
      if (entry === mine || !entry.connection.live) continue;
      entry.connection.end(replaced(), REPLACED_RETRY_MS);
      const now = connection.openedAt;
      const flapping = this.#flaps.takenOver(connection.host, entry.address, mine.address, now);
      if (flapping === null) continue;
      const { addresses } = flapping;
      this.#log.warn({ host: connection.host, name: mine.name, addresses }, 'one identity is used from two places');
      this.#events.publish({ type: 'host.flapping', host: connection.host, name: mine.name, addresses });
    }

    mine.announced = true;
    // Fleets come and go: who wants every one of them listens to the events.
    this.#log.debug({ host: connection.host, name: mine.name }, 'host connected');
    this.#events.publish({ type: 'host.connected', host: connection.host, name: mine.name });
  }

  remove(connection: Connection, reason: string): void {
    const entries = this.#hosts.get(connection.host) ?? [];
    const rest = entries.filter((entry) => entry.connection !== connection);
    if (rest.length > 0) this.#hosts.set(connection.host, rest);
    else this.#hosts.delete(connection.host);

    const entry = entries.find((other) => other.connection === connection);
    if (!entry?.announced) return;
    this.#log.debug({ host: connection.host, name: entry.name, reason }, 'host disconnected');
    this.#events.publish({ type: 'host.disconnected', host: connection.host, name: entry.name, reason });
  }

  ofHost(host: HostId): readonly Connection[] {
    return (this.#hosts.get(host) ?? []).map(({ connection }) => connection);
  }

  all(): readonly Connection[] {
    return [...this.#hosts.values()].flat().map(({ connection }) => connection);
  }

  connected(): HostId[] {
    return [...this.#hosts].filter(([, entries]) => entries.some((e) => e.connection.live)).map(([host]) => host);
  }

  /** Connections of all hosts, greeted or not. */
  get size(): number {
    let size = 0;
    for (const entries of this.#hosts.values()) size += entries.length;

    return size;
  }

  *sweep(now: number): Iterable<void> {
    this.#flaps.sweep(now);
    for (const entries of this.#hosts.values()) {
      // A copy: a connection that is ended takes itself out.
      for (const { connection } of [...entries]) connection.sweep();
      yield;
    }
  }
}

function replaced(): CodedError {
  return new CodedError('ALREADY_EXISTS', 'a newer connection of this host took over', {
    next: 'if two machines have this identity, enroll one of them anew',
  });
}
