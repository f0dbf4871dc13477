// What is left of a difference between two inventories once everything that logs and results tell of is taken away. Pure. More told
// never leaves more unexplained, so it does not matter in which order things arrive.
import type { ToldChange } from '@selvage/shared/model/changes.ts';
import type { Entry, Lookup } from './lookup.ts';
import { type ChangeRow, FROM_UNKNOWN, isSamePackage, overlap, spanOf } from './rows.ts';

/** A version by itself, as every inventory has it. */
export interface Installed {
  readonly name: string;
  readonly arch: string;
  readonly version: string;
}

/** What is another between two lists of packages. Several versions of one package (kernels) come and go one by one. */
export function differences(before: readonly Installed[], after: readonly Installed[]): readonly ToldChange[] {
  const [old, now] = [versionsOf(before), versionsOf(after)];
  const found: ToldChange[] = [];

  for (const key of new Set([...old.keys(), ...now.keys()])) {
    const [had, has] = [old.get(key), now.get(key)];
    const gone = had === undefined ? [] : had.versions.filter((version) => !has?.versions.includes(version));
    const come = has === undefined ? [] : has.versions.filter((version) => !had?.versions.includes(version));
    const { name, arch } = had ?? has ?? { name: '', arch: '' };
    const [from, to] = [gone[0], come[0]];
    if (gone.length === 1 && come.length === 1 && from !== undefined && to !== undefined) {
      found.push({ name, arch, from, to });
    } else {
      found.push(...gone.map((version) => ({ name, arch, from: version, to: null })));
      found.push(...come.map((version) => ({ name, arch, from: null, to: version })));
    }
  }

  return found.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.arch < b.arch ? -1 : 1));
}

function versionsOf(list: readonly Installed[]) {
  const found = new Map<string, { readonly name: string; readonly arch: string; readonly versions: string[] }>();
  for (const { name, arch, version } of list) {
    const key = `${name}\0${arch}`;
    const known = found.get(key);
    if (known) known.versions.push(version);
    else found.set(key, { name, arch, versions: [version] });
  }

  return found;
}

/** Steps of one package between two inventories, and changes of one name (architectures), that are looked at. */
const MAX_STEPS = 64;
const MAX_OF_NAME = 32;

/** The changes of `step` to which no way leads over what is told of that time. */
export function unexplained(step: ChangeRow, lookup: Lookup): readonly ToldChange[] {
  const span = spanOf(step);

  return [...Map.groupBy(step.changes, ({ name }) => name)].flatMap(([name, changes]) => {
    const told = lookup
      .changing(name)
      .filter((entry) => overlap(span, entry.span))
      .slice(0, MAX_STEPS);

    return changes.filter((change, index) => {
      if (index >= MAX_OF_NAME) return true;
      const ofIt = told.filter((entry) => isSamePackage(entry.change, change));

      return !isReached(change, ofIt);
    });
  });
}

/** Two upgrades between two inventories are one difference: a way over what was told is looked for, not a single step. */
function isReached(change: ToldChange, told: readonly Entry[]): boolean {
  const from = new Map<string | null, (string | null)[]>();
  const waiting: (string | null)[] = [change.from];
  for (const { row, change: edge } of told) {
    // What does not know the version before comes from any.
    if (FROM_UNKNOWN.includes(row.source)) waiting.push(edge.to);
    else from.set(edge.from, [...(from.get(edge.from) ?? []), edge.to]);
  }
  const reached = new Set<string | null>();
  for (let version = waiting.pop(); version !== undefined; version = waiting.pop()) {
    if (reached.has(version)) continue;
    reached.add(version);
    waiting.push(...(from.get(version) ?? []));
  }

  return reached.has(change.to);
}
