// Matches software against the rules of now, writes what came out and puts it into the fleet: in turns, in small transactions, and only
// what somebody names. Killed in between it has lost nothing: what is not written is matched again.
import { setImmediate } from 'node:timers/promises';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Match } from '../matching/match.ts';
import { matchSoftware, packagesOf, type SomeRules } from '../matching/matching.ts';
import type { Software } from '../matching/software.ts';
import type { PackageName } from '../store/feed-ports.ts';
import type { Store } from '../store/ports.ts';
import type { SoftwareId } from '../store/software-ports.ts';
import type { FleetIndex } from './index.ts';

/** Packages whose rules are read at once. */
const PACKAGES_AT_ONCE = 24;
/** Characters of JSON and rows written in one transaction: 5 to 10 ms. What alone is longer is written alone. */
const WRITE_CHARACTERS = 400_000;
const WRITE_ROWS = 600;
/** Milliseconds that others may be kept waiting. */
const TURN_MS = 15;
const NO_MATCHES = '[]';

export interface Matcher {
  /** Those that were not matched yet. */
  fresh(): SoftwareId[];
  /** Software that rules of these packages may speak of. */
  concerned(packages: readonly PackageName[]): SoftwareId[];
  match(ids: Iterable<SoftwareId>): Promise<Matched>;
}

export interface Matched {
  readonly software: number;
  /** Of those, whose matches are others than before. */
  readonly changed: number;
}

export interface MatcherParts {
  readonly store: Pick<Store, 'transaction'>;
  readonly fleet: FleetIndex;
  readonly clock: Pick<Clock, 'now'>;
  /** Of the current generations of all feeds. */
  readonly rules: (packages: readonly PackageName[]) => Promise<readonly SomeRules[]>;
  /** Throws where nothing more is to be done. */
  readonly goOn: () => void;
}

/** Software that the same rules may speak of, and the packages that they are about. */
interface Group {
  readonly ids: SoftwareId[];
  readonly names: readonly { readonly name: PackageName; readonly key: string }[];
}

interface Result {
  readonly id: SoftwareId;
  readonly software: Software;
  readonly matches: readonly Match[];
  readonly json: string;
}

export function createMatcher(parts: MatcherParts): Matcher {
  const { store, fleet, clock, rules, goOn } = parts;

  /** Software by its package: those of one package are matched together, by rules that are read once. */
  async function match(ids: Iterable<SoftwareId>): Promise<Matched> {
    const groups = groupsOf(ids);
    let [software, changed] = [0, 0];
    let waiting: Result[] = [];
    let size = 0;
    let until = performance.now() + TURN_MS;
    const giveWay = async () => {
      await setImmediate();
      until = performance.now() + TURN_MS;
    };
    const flush = async () => {
      if (waiting.length === 0) return;
      // A turn of matching and a transaction are never one wait for others.
      await giveWay();
      goOn();
      changed += await write(waiting);
      software += waiting.length;
      [waiting, size] = [[], 0];
      await giveWay();
    };

    for (let at = 0; at < groups.length; at += PACKAGES_AT_ONCE) {
      const some = groups.slice(at, at + PACKAGES_AT_ONCE);
      for (const part of await rulesOf(some)) {
        for (const id of part.ids) {
          const is = fleet.software(id);
          const matches = matchSoftware(is, part.rules);
          if (performance.now() > until) await giveWay();
          const json = matches.length === 0 ? NO_MATCHES : JSON.stringify(matches);
          if (size + json.length > WRITE_CHARACTERS || waiting.length >= WRITE_ROWS) await flush();
          waiting.push({ id, software: is, matches, json });
          size += json.length;
        }
      }
      if (performance.now() > until) await giveWay();
    }
    await flush();

    return { software, changed };
  }

  function groupsOf(ids: Iterable<SoftwareId>): readonly Group[] {
    const groups = new Map<string, Group>();
    for (const id of ids) {
      const names = packagesOf(fleet.software(id)).map((name) => ({ name, key: nameKey(name) }));
      const key = names.map((one) => one.key).join(' ');
      const known = groups.get(key);
      if (known) known.ids.push(id);
      else groups.set(key, { ids: [id], names });
    }

    return [...groups.values()];
  }

  async function rulesOf(groups: readonly Group[]) {
    const found = new Map<string, SomeRules[]>();
    const asked = new Map(groups.flatMap(({ names }) => names.map(({ name, key }) => [key, name])));
    for (const rule of await rules([...asked.values()])) {
      const key = nameKey(rule);
      const known = found.get(key);
      if (known) known.push(rule);
      else found.set(key, [rule]);
    }

    return groups.map(({ ids, names }) => ({ ids, rules: names.flatMap(({ key }) => found.get(key) ?? []) }));
  }

  /** How many are others than before. What is the same is not written again. */
  async function write(results: readonly Result[]): Promise<number> {
    const now = clock.now().toString() as Timestamp;
    const put = results.filter(
      ({ id, matches, json }) =>
        !fleet.isMatched(id) ||
        fleet.matches(id).length !== matches.length ||
        JSON.stringify(fleet.matches(id)) !== json,
    );
    if (put.length === 0) return 0;
    const since = newSince(put, now);
    await store.transaction(
      async (writers) => {
        await writers.software.putMatches(put.map(({ id, json }) => ({ id, matchedAt: now, json })));
        await writers.software.putSince(since);
      },
      { derived: true },
    );
    for (const one of since) fleet.putSince(one.ecosystem, one.package, one.since);
    for (const { id, matches } of put) fleet.putMatches(id, matches);

    return put.length;
  }

  /** A CVE that was known here before keeps its time, whichever version it is found in now. */
  function newSince(results: readonly Result[], now: Timestamp) {
    const changed = new Map<string, { ecosystem: string; package: string; since: Record<string, Timestamp> }>();
    for (const { software, matches } of results) {
      const { ecosystem, name } = software;
      const key = `${ecosystem} ${name}`;
      const known = changed.get(key)?.since ?? fleet.sinceOf(ecosystem, name);
      const fresh = matches.filter(({ cve }) => !Object.hasOwn(known, cve));
      if (fresh.length === 0) continue;
      const since = Object.fromEntries([...Object.entries(known), ...fresh.map(({ cve }) => [cve, now] as const)]);
      changed.set(key, { ecosystem, package: name, since });
    }

    return [...changed.values()];
  }

  return {
    fresh: () => [...fleet.allIds()].filter((id) => !fleet.isMatched(id)),
    concerned: (packages) => {
      const found = new Set<SoftwareId>();
      for (const asked of packages) {
        const key = nameKey(asked);
        for (const id of fleet.everNamed(asked.package)) {
          if (packagesOf(fleet.software(id)).some((name) => nameKey(name) === key)) found.add(id);
        }
      }

      return [...found];
    },
    match,
  };
}

function nameKey(name: PackageName): string {
  return `${name.ecosystem} ${name.package}`;
}
