// From one list of a machine to the next: since when each version is there, and which ones it had. Pure.
import type { MachineList, Past, Present } from './packing.ts';

/**
 * Versions kept of one package: some years of a library. Beyond, the two oldest become one, as if the newer of them had been there all
 * the time: a finding is then rather older than it is than younger.
 */
const MAX_PAST_OF_PACKAGE = 6;
/** Of a machine; beyond, what went longest ago is forgotten. */
const MAX_PAST = 4000;

export interface Naming {
  /** The software, whichever binary packages of it are there. */
  software(variant: number): number;
  /** What the versions of one package have in common. */
  name(variant: number): string;
  /** The same build, whatever was told of its module. */
  build(variant: number): string;
}

/**
 * `at`: ms since 1970, when the new list was true. A build whose module is told only now is no other software that came: it is since it
 * was there, and nothing went.
 */
export function advance(before: MachineList, variants: readonly number[], at: number, naming: Naming): MachineList {
  const had = new Map(before.present.map(({ variant, since }) => [naming.software(variant), since]));
  const wanted = new Set(variants.map(naming.software));
  const left = before.present.filter(({ variant }) => !wanted.has(naming.software(variant)));
  const builds = new Map(left.map(({ variant, since }) => [naming.build(variant), since]));
  const again = new Set<string>();
  const sinceOf = (variant: number): number => {
    const known = had.get(naming.software(variant));
    if (known !== undefined || builds.size === 0) return known ?? at;
    const build = naming.build(variant);
    again.add(build);

    return builds.get(build) ?? at;
  };
  const present: Present[] = [...new Set(variants)].map((variant) => ({ variant, since: sinceOf(variant) }));
  const gone: Past[] = left
    .filter(({ variant }) => !again.has(naming.build(variant)))
    // A clock that was put back makes no time that ends before it began.
    .map(({ variant, since }) => ({ variant, since, until: Math.max(since, at) }));
  if (gone.length === 0) return { present, past: before.past };

  return { present, past: bounded([...before.past, ...gone], naming) };
}

function bounded(past: readonly Past[], { name }: Naming): readonly Past[] {
  const kept: Past[] = [];
  for (const group of Map.groupBy(past, ({ variant }) => name(variant)).values()) {
    const sorted = group.toSorted((a, b) => a.since - b.since || a.until - b.until);
    while (sorted.length > MAX_PAST_OF_PACKAGE) {
      const [first, second, ...rest] = sorted;
      if (!first || !second) break;
      sorted.splice(0, sorted.length, { ...second, since: first.since }, ...rest);
    }
    kept.push(...sorted);
  }

  return kept.length <= MAX_PAST ? kept : kept.toSorted((a, b) => b.until - a.until).slice(0, MAX_PAST);
}
