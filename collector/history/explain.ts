// What is left of a difference between two inventories once everything that logs and results tell of is taken away. Pure. More told
// never leaves more unexplained, so it does not matter in which order things arrive.
import type { ToldChange } from '@selvage/shared/model/changes.ts';
import { type ChangeRow, FROM_UNKNOWN, isSamePackage, overlap } from './rows.ts';

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

/** The changes of `step` to which no way leads over what the others tell of in that time. */
export function unexplained(step: ChangeRow, others: readonly ChangeRow[]): readonly ToldChange[] {
  const byName = new Map<string, (ToldChange & { readonly fromAnywhere: boolean })[]>();
  for (const other of others) {
    if (other.source === 'inventory' || !overlap(step, other)) continue;
    for (const change of other.changes) {
      const edge = { ...change, fromAnywhere: FROM_UNKNOWN.includes(other.source) };
      const known = byName.get(change.name);
      if (known) known.push(edge);
      else byName.set(change.name, [edge]);
    }
  }

  return step.changes.filter((change) => !isReached(change, byName.get(change.name) ?? []));
}

/** Two upgrades between two inventories are one difference: a way over what was told is looked for, not a single step. */
function isReached(change: ToldChange, told: readonly (ToldChange & { readonly fromAnywhere: boolean })[]): boolean {
  const edges = told.filter((edge) => isSamePackage(edge, change));
  const reached = new Set([change.from]);
  // Grows until nothing more can be reached; each round adds a version or is the last.
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const { from, to, fromAnywhere } of edges) if (fromAnywhere || reached.has(from)) reached.add(to);
  }

  return reached.has(change.to);
}
