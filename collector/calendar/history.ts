// What the feeds of this collector know of releases for this fleet: dates of advisories and announcements, by vendor and product. It asks
// the store in pieces, so that nobody waits for it.
import { setImmediate } from 'node:timers/promises';
import { announcesFix } from '../matching/announcement.ts';
import type { Rule } from '../matching/rule.ts';
import type { Software } from '../matching/software.ts';
import type { FeedReader, PackageName } from '../store/feed-ports.ts';
import type { FixedCve, OpenCve } from './delays.ts';
import { concerns, cycleOf, type Found, vendorOf } from './vendors.ts';

/** Packages, and CVEs, asked for at once. */
const AT_ONCE = 400;
/** Announcements looked at, the newest; ten years of some twenty vendors. */
const MAX_BULLETINS = 50_000;
/** Where it is not the vendor's own release that is fixed. */
const NO_FIX_YET: readonly Rule['status'][] = ['open', 'minor', 'postponed', 'ignored', 'end-of-life'];

const FOR_ALL: readonly (string | undefined)[] = [undefined, 'security', 'updates', 'point-release'];

export interface ReleaseStream {
  readonly vendor: string;
  /** A release (`Debian:12`) or a product; null: all that the vendor announces. */
  readonly product: string | null;
  /** Names of feeds. */
  readonly from: readonly string[];
  /** Days with a release. */
  readonly dates: ReadonlySet<string>;
}

export interface ReleaseHistory {
  readonly streams: readonly ReleaseStream[];
  /** Announcements of vendors that nothing here is of. */
  readonly elsewhere: number;
  readonly fixed: readonly FixedCve[];
  readonly open: readonly OpenCve[];
  /** CVE → date of its publication. */
  readonly published: ReadonlyMap<string, string>;
}

export interface FleetSoftware {
  ids(): Iterable<number>;
  software(id: number): Software;
}

export async function readHistory(feeds: FeedReader, fleet: FleetSoftware): Promise<ReleaseHistory> {
  const { found, packages } = whatIsHere(fleet);
  const streams = new Map<string, { vendor: string; product: string | null; from: Set<string>; dates: Set<string> }>();
  const saw = (vendor: string, product: string | null, from: string, date: string) => {
    const key = JSON.stringify([vendor, product]);
    const stream = streams.get(key) ?? { vendor, product, from: new Set(), dates: new Set() };
    streams.set(key, stream);
    stream.from.add(from);
    stream.dates.add(date);
  };
  const fixed: FixedCve[] = [];
  const open: OpenCve[] = [];
  const published = new Map<string, string>();

  for (let at = 0; at < packages.length; at += AT_ONCE) {
    for (const { feed, ecosystem, rules } of await feeds.rules(packages.slice(at, at + AT_ONCE))) {
      const vendor = vendorOf(ecosystem);
      if (vendor === null) continue;
      for (const rule of rules) {
        // What only some customers get is no release for this fleet.
        if (rule.withdrawn !== undefined || !FOR_ALL.includes(rule.pocket)) continue;
        const date = rule.published?.slice(0, 10) ?? null;
        const isAdvisory = announcesFix(rule.record);
        if (isAdvisory && date !== null && rule.status === 'fixed') saw(vendor, ecosystem, feed, date);
        for (const cve of rule.cves) {
          if (rule.status === 'fixed')
            fixed.push({ vendor, product: ecosystem, cve, record: rule.record, fixed: isAdvisory ? date : null });
          else if (NO_FIX_YET.includes(rule.status)) open.push({ vendor, product: ecosystem, cve });
          // A record of the CVE itself says when that was published; the CVE's own record, below, knows it better.
          if (!isAdvisory && date !== null && rule.record.endsWith(cve)) earliest(published, cve, date);
        }
      }
    }
    await setImmediate();
  }

  let elsewhere = 0;
  const known = new Map<string, boolean>();
  for (const { vendor, product, published: at, cves, id } of await feeds.bulletins({ limit: MAX_BULLETINS })) {
    const key = JSON.stringify([vendor, product]);
    const isHere = known.get(key) ?? concerns({ vendor, product }, found);
    known.set(key, isHere);
    if (!isHere) {
      elsewhere += 1;
      continue;
    }
    const date = at.slice(0, 10);
    saw(vendor, product, 'bulletins', date);
    // Announcements about a release are advisories; that one of a product fixes what it names is the vendor's usual, and not always so.
    for (const cve of cves) fixed.push({ vendor, product: product ?? '', cve, record: id, fixed: date });
  }
  await readPublished(feeds, new Set(fixed.map(({ cve }) => cve)), published);

  return {
    streams: [...streams.values()].map((stream) => ({ ...stream, from: [...stream.from].sort() })),
    ...{ elsewhere, fixed, open, published },
  };
}

function whatIsHere(fleet: FleetSoftware): { readonly found: Found; readonly packages: readonly PackageName[] } {
  const ecosystems = new Set<string>();
  const names = new Set<string>();
  const origins = new Set<string>();
  const packages = new Map<string, PackageName>();
  for (const id of fleet.ids()) {
    const { ecosystem, name, source, origin } = fleet.software(id);
    ecosystems.add(ecosystem);
    if (origin !== null) origins.add(origin.toLowerCase());
    for (const each of new Set([name, source])) {
      names.add(each.toLowerCase());
      packages.set(`${ecosystem} ${each}`, { ecosystem, package: each });
    }
  }

  return { found: { ecosystems, names, origins }, packages: [...packages.values()] };
}

async function readPublished(
  feeds: FeedReader,
  cves: ReadonlySet<string>,
  published: Map<string, string>,
): Promise<void> {
  const wanted = [...cves];
  for (let at = 0; at < wanted.length; at += AT_ONCE) {
    for (const [cve, parts] of await feeds.facts(wanted.slice(at, at + AT_ONCE))) {
      const dates = parts.flatMap((part) => part.published?.slice(0, 10) ?? []).sort();
      if (dates[0] !== undefined) published.set(cve, dates[0]);
    }
    await setImmediate();
  }
}

function earliest(published: Map<string, string>, cve: string, date: string): void {
  const before = published.get(cve);
  if (before === undefined || date < before) published.set(cve, date);
}

/** End of a release that is installed here; `true`: it has ended, and nobody says when. */
interface ReleaseEnd {
  readonly ecosystem: string;
  readonly eol: string | boolean | null;
  /** Of what is paid for, or done by others. */
  readonly extended: string | boolean | null;
}

/** Of those that some feed knows the end of, the soonest first. */
export async function readEnds(feeds: FeedReader, fleet: FleetSoftware): Promise<readonly ReleaseEnd[]> {
  const ends: ReleaseEnd[] = [];
  for (const ecosystem of whatIsHere(fleet).found.ecosystems) {
    const wanted = cycleOf(ecosystem);
    const cycles = wanted === null ? [] : await feeds.cycles(wanted.product);
    const found = cycles.find(({ cycle }) => cycle === wanted?.cycle);
    if (found) ends.push({ ecosystem, eol: found.eol, extended: found.extended });
  }
  const soon = ({ eol }: ReleaseEnd) => (eol === true ? '' : typeof eol === 'string' ? eol : '9999');

  return ends.sort((a, b) => (soon(a) < soon(b) ? -1 : 1));
}
