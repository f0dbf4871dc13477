// Versions that machines had one after the other, without a break, before the one they have: a finding is as old as the first of them
// that had it. Pure. As ../findings/join.ts counts it, for all machines of a group together.
import type { Fleet, Machine } from '../findings/fleet.ts';
import type { Software } from '../matching/software.ts';
import type { SoftwareEpisode, SoftwareId } from '../store/software-ports.ts';

export interface Chain {
  /** The newest first. */
  readonly ids: readonly SoftwareId[];
  /** Since when; of several machines the earliest of each. */
  readonly since: readonly string[];
}

/** By what a machine had before; null where it had nothing of the kind. */
export function chainsOf(fleet: Fleet, machine: Machine): (id: SoftwareId, since: string) => Chain | null {
  const episodes = fleet.episodes(machine.key);
  if (episodes.length === 0) return () => null;
  const byEnd = Map.groupBy(episodes, (one) => `${one.until} ${nameOf(fleet.software(one.id))}`);

  return (id, since) => {
    const ids: SoftwareId[] = [];
    const times: string[] = [];
    const name = nameOf(fleet.software(id));
    for (let from = since; ; ) {
      const before: SoftwareEpisode | undefined = byEnd.get(`${from} ${name}`)?.find((one) => one.since !== one.until);
      if (before === undefined) return ids.length === 0 ? null : { ids, since: times };
      ids.push(before.id);
      times.push(before.since);
      from = before.since;
    }
  };
}

/** Chains of several machines: one for the same versions. */
export function addChain(chains: Map<string, Chain>, chain: Chain): void {
  const key = chain.ids.join(' ');
  const known = chains.get(key);
  const since = known ? known.since.map((one, at) => earlier(one, chain.since[at] ?? one)) : chain.since;
  chains.set(key, { ids: chain.ids, since });
}

/** Since when the first machine has had a version with the CVE, without a break. */
export function firstOf(since: string, chains: Iterable<Chain>, hasCve: (id: SoftwareId) => boolean): string {
  let first = since;
  for (const { ids, since: times } of chains) {
    for (const [at, id] of ids.entries()) {
      if (!hasCve(id)) break;
      first = earlier(first, times[at] ?? first);
    }
  }

  return first;
}

function nameOf({ ecosystem, name, kernel }: Software): string {
  return `${ecosystem} ${name} ${kernel !== null}`;
}

/** Instants as text do not sort: fractions are optional. */
function earlier(one: string, other: string): string {
  if (one.length === other.length) return other < one ? other : one;

  return Date.parse(other) < Date.parse(one) ? other : one;
}
