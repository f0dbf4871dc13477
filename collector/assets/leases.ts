// What the formats of DHCP servers share: leases by the card that holds them. Pure. A lease that has ended is kept and not
// expected: the machine was here once.
import type { Asset } from '../store/import-ports.ts';
import { distinct, type Flaw, macOf, NOTHING, type Parsed } from './format.ts';

export interface Lease {
  readonly line: number;
  readonly address: string;
  readonly mac: string;
  readonly hostname: string | null;
  /** Null: it never ends. */
  readonly ends: Temporal.Instant | null;
  /** False where the server itself says that nobody has it now. */
  readonly held: boolean;
}

/** One machine per card: where a card has had several leases, the one that lasts longest counts. */
export function fromLeases(leases: readonly Lease[], flaws: readonly Flaw[], now: Temporal.Instant): Parsed {
  const byMac = new Map<string, Lease>();
  const wrong: Flaw[] = [...flaws];
  for (const lease of leases) {
    const mac = macOf(lease.mac);
    if (mac === null) {
      wrong.push({ line: lease.line, message: `the lease of ${lease.address} has no MAC address` });
      continue;
    }
    const known = byMac.get(mac);
    if (!known || rank(lease, now) >= rank(known, now)) byMac.set(mac, { ...lease, mac });
  }

  const assets = [...byMac.values()].map((lease): Asset => {
    const name = lease.hostname === null || lease.hostname === '' || lease.hostname === '*' ? null : lease.hostname;
    const expected = isHeld(lease, now);

    return {
      ...NOTHING,
      line: lease.line,
      name: name ?? lease.mac,
      names: distinct([name]),
      macs: [lease.mac],
      state: expected ? 'leased' : 'lease ended',
      expected,
    };
  });

  return { assets, flaws: wrong, notes: [] };
}

function isHeld({ held, ends }: Lease, now: Temporal.Instant): boolean {
  return held && (ends === null || Temporal.Instant.compare(ends, now) > 0);
}

function rank(lease: Lease, now: Temporal.Instant): number {
  if (!isHeld(lease, now)) return -1;

  return lease.ends?.epochMilliseconds ?? Number.MAX_SAFE_INTEGER;
}

/** Seconds since 1970 as an instant; null for `never`. Undefined for what is no time. */
export function secondsOf(text: string): Temporal.Instant | undefined {
  return /^\d{1,12}$/.test(text) ? Temporal.Instant.fromEpochMilliseconds(Number(text) * 1000) : undefined;
}
