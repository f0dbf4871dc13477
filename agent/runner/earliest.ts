// The earliest time at which this host may act on an approval, worked out by the host alone from signed documents, its own
// name and what it saw itself. Pure. A collector can make this later, never earlier.
import { createHash } from 'node:crypto';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import type { ApprovalDocument, PatchPolicyDocument } from '@selvage/shared/policy/documents.ts';
import { parseDuration } from '@selvage/shared/time/duration.ts';

export type Lane = NonNullable<PatchPolicyDocument['lanes'][ApprovalDocument['lane']]>;
type Ring = Lane['rings'][number];

export interface HostName {
  readonly id: string;
  readonly name: string;
  /** Hash of the runner's public key: made on this host, so nobody else can choose where it stands. */
  readonly key: Sha256;
}

/** Where a host stands in the rings of a lane, and the signed minimum soak of the rings before it. */
export interface RingPlace {
  /** Counted from 1. */
  readonly ring: number;
  readonly soakMs: number;
}

const HASH_BITS = 48;
const FULL = 100;

/**
 * Position of a host among all hosts of a policy, in [0, 1): the first 48 bits of SHA-256 over `<key hash>\n<policy name>`.
 * Each policy shuffles anew, so that no host is always first. Not the host id: that is the collector's choice.
 */
export function positionOf(key: Sha256, policyName: string): number {
  const digest = createHash('sha256').update(`${key}\n${policyName}`).digest();

  return digest.readUIntBE(0, HASH_BITS / 8) / 2 ** HASH_BITS;
}

/**
 * The ring of this host: the first that names it or whose share of positions holds it; shares are laid side by side.
 * A ring of `size: n` hosts cannot be worked out by one host alone (it does not know the others), so nobody is in it by
 * its own reckoning: such a host waits for a later ring. Null: no ring has a place for this host, it never acts.
 */
export function ringOf(lane: Lane, host: HostName, policyName: string): RingPlace | null {
  const position = positionOf(host.key, policyName) * FULL;
  let soakMs = 0;
  let from = 0;

  for (const [index, ring] of lane.rings.entries()) {
    const share = shareOf(ring);
    if (isIn(ring, host, position, from, share)) return { ring: index + 1, soakMs };

    from += share;
    soakMs += 'soak' in ring ? parseDuration(ring.soak) : 0;
  }

  return null;
}

function isIn(ring: Ring, host: HostName, position: number, from: number, share: number): boolean {
  if ('rest' in ring) return true;
  if ('hosts' in ring) return ring.hosts.includes(host.id) || ring.hosts.includes(host.name);

  return position >= from && position < from + share;
}

/** In percent; 0 for rings that are not a share. */
function shareOf(ring: Ring): number {
  return 'size' in ring && typeof ring.size === 'string' ? Number(ring.size.slice(0, -1)) : 0;
}

export type Earliest =
  /** From `at` on; `because` names what it waits for last. */
  | {
      readonly kind: 'at';
      readonly at: Temporal.Instant;
      readonly because: 'approval' | 'delay' | 'ring';
      readonly ring: number;
    }
  /** A package has not been seen in a signed index yet, so the delay has not begun. */
  | { readonly kind: 'not-seen' }
  | { readonly kind: 'no-ring' };

export interface EarliestFacts {
  readonly approvedAt: string;
  readonly lane: Lane;
  readonly policy: string;
  readonly host: HostName;
  /** Per package to be installed: when this host first saw that version in a signed index; null: not yet. */
  readonly firstSeen: readonly (string | null)[];
}

/**
 * max(approval, first seen + delay) + the soaks of earlier rings. The soak is counted from the end of the delay, not from
 * the approval: else all rings of a lane whose delay is longer than its soaks would start together.
 */
export function earliest({ approvedAt, lane, policy, host, firstSeen }: EarliestFacts): Earliest {
  const place = ringOf(lane, host, policy);
  if (place === null) return { kind: 'no-ring' };
  if (firstSeen.some((seen) => seen === null)) return { kind: 'not-seen' };

  const delayMs = parseDuration(lane.delay);
  const approved = Temporal.Instant.from(approvedAt);
  const delayed = firstSeen
    .flatMap((seen) => (seen === null ? [] : Temporal.Instant.from(seen)))
    .map((seen) => later(seen, delayMs));
  const base = latest([approved, ...delayed]);
  const at = later(base, place.soakMs);
  const because = place.soakMs > 0 ? 'ring' : base.equals(approved) ? 'approval' : 'delay';

  return { kind: 'at', at, because, ring: place.ring };
}

/** An approval may still be started: `expires` itself is too late. */
export function isExpired(approval: { readonly expires: string }, now: Temporal.Instant): boolean {
  return Temporal.Instant.compare(now, Temporal.Instant.from(approval.expires)) >= 0;
}

/** Last instant at which a policy accepted at `acceptedAt` may be acted upon. */
export function actUntil(policy: Pick<PatchPolicyDocument, 'offline'>, acceptedAt: string): Temporal.Instant {
  return later(Temporal.Instant.from(acceptedAt), parseDuration(policy.offline.actUntil));
}

/** A hold lasts through its `until` date in the host's zone. */
export function isHeldOn(until: string, now: Temporal.Instant, zone: string): boolean {
  const today = now.toZonedDateTimeISO(zone).toPlainDate();

  return Temporal.PlainDate.compare(today, Temporal.PlainDate.from(until)) <= 0;
}

function later(instant: Temporal.Instant, ms: number): Temporal.Instant {
  return instant.add({ milliseconds: ms });
}

function latest(instants: readonly Temporal.Instant[]): Temporal.Instant {
  return instants.reduce((a, b) => (Temporal.Instant.compare(a, b) >= 0 ? a : b));
}
