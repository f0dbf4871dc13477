// What the collector counts about itself since it started. Counting must cost nothing: plain numbers, no labels made up
// from what strangers send.
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { Lag } from './lag.ts';

/** Everything only grows, except `waiting`. */
export class Meter {
  /** TCP connections that were let in to a TLS handshake, and those that were closed before it. */
  accepted = 0;
  shedding = 0;
  handshakes = 0;
  handshakesFailed = 0;
  framesIn = 0;
  framesOut = 0;
  bytesIn = 0;
  /** Durable messages that were committed and acknowledged, repetitions too. */
  commits = 0;
  /** Frames that wait for intake now. */
  waiting = 0;
  /** Upgrades, connections and messages refused. The codes are a closed list. */
  readonly refused = new Map<Code, number>();

  refuse(code: Code): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }
}

/** What status and metrics show. */
export interface Load {
  readonly eventLoop: Lag;
  readonly connections: number;
  /** Sockets that have not proven who they are. */
  readonly strangers: number;
  readonly accepted: number;
  readonly shedding: number;
  readonly handshakes: number;
  readonly handshakesFailed: number;
  readonly framesIn: number;
  readonly framesOut: number;
  readonly bytesIn: number;
  readonly commits: number;
  readonly waiting: number;
  readonly refused: Readonly<Partial<Record<Code, number>>>;
  readonly residentBytes: number;
}

export interface LoadSources {
  readonly meter: Meter;
  readonly lag: { read(): Lag };
  readonly connections: number;
  readonly strangers: number;
}

export function loadOf({ meter, lag, connections, strangers }: LoadSources): Load {
  const { refused, ...counts } = meter;

  return {
    eventLoop: lag.read(),
    connections,
    strangers,
    ...counts,
    refused: Object.fromEntries(refused),
    residentBytes: process.memoryUsage.rss(),
  };
}
