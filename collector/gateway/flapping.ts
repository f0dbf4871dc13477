// Notices one identity that is used from two places in turn: each takes the connection over from the other while that one
// is alive. A laptop that changes its network does so once or twice; a certificate that was copied does it for ever.
// It only notices; who is the true one, people find out.
import type { HostId } from '@selvage/shared/model/ids.ts';

/** Take-overs between different addresses within the time below that are more than moving about. */
const CHANGES = 4;
const WINDOW_MS = 15 * 60_000;
/** Least time between two notices of one host: the ledger is for ever. */
const QUIET_MS = 60 * 60_000;

export interface Flapping {
  /** The addresses in the order they were first seen. */
  readonly addresses: readonly string[];
  readonly changes: number;
}

interface Trace {
  /** Monotonic times of take-overs, newest last; at most CHANGES. */
  times: number[];
  addresses: readonly string[];
  toldAt: number | null;
}

/** Only hosts whose address changed are kept, and as long as that matters. */
export class FlapWatch {
  readonly #traces = new Map<HostId, Trace>();

  /** A live connection from `from` was taken over by one from `to`. Not null when somebody should be told. */
  takenOver(host: HostId, from: string, to: string, now: number): Flapping | null {
    if (from === to) return null;
    const trace = this.#traces.get(host) ?? { times: [], addresses: [], toldAt: null };
    this.#traces.set(host, trace);
    trace.times = [...trace.times.filter((time) => now - time < WINDOW_MS), now].slice(-CHANGES);
    trace.addresses = [...new Set([...trace.addresses, from, to])].slice(-CHANGES);
    if (trace.times.length < CHANGES || (trace.toldAt !== null && now - trace.toldAt < QUIET_MS)) return null;
    trace.toldAt = now;

    return { addresses: trace.addresses, changes: trace.times.length };
  }

  sweep(now: number): void {
    for (const [host, { times, toldAt }] of this.#traces) {
      const last = Math.max(times.at(-1) ?? 0, toldAt ?? 0);
      if (now - last >= QUIET_MS) this.#traces.delete(host);
    }
  }
}
