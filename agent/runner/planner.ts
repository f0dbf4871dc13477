// What a run would do, and whether that is what was approved. Pure: approval × installed packages × simulated transaction
// → what to install, or every difference by name. It never widens an approval and never plans a downgrade.
import type { InstalledPackage, PackageChange, PackageVersion, Transaction } from '@selvage/shared/model/package.ts';
import type { ApprovalDocument } from '@selvage/shared/policy/documents.ts';

/** Negative, zero or positive, as the package manager orders versions. */
export type CompareVersions = (a: string, b: string) => number;

type Approved = Pick<ApprovalDocument, 'packages' | 'adds' | 'removes'>;

/** What of an approval concerns this host. */
export type Need =
  | { readonly kind: 'not-needed' }
  | { readonly kind: 'already'; readonly present: readonly InstalledPackage[] }
  | {
      readonly kind: 'todo';
      readonly packages: readonly PackageVersion[];
      readonly present: readonly InstalledPackage[];
    };

/**
 * The packages of the approval that this host has in an older version. Those it does not have are left out; at or above
 * the approved version they count as done. Reads only names, architectures and versions.
 */
export function needOf(approval: Approved, installed: readonly InstalledPackage[], compare: CompareVersions): Need {
  const pairs = approval.packages.flatMap((wanted) =>
    installed.filter((have) => isSamePackage(have, wanted)).map((have) => ({ wanted, have })),
  );
  if (pairs.length === 0) return { kind: 'not-needed' };

  const present = pairs.map((pair) => pair.have);
  // A package that is not whole (half-configured, …) is not done, whatever its version says.
  const todo = pairs.filter(
    ({ wanted, have }) =>
      compare(have.version, wanted.version) < 0 || (have.version === wanted.version && isBroken(have)),
  );
  if (todo.length === 0) return { kind: 'already', present };

  return { kind: 'todo', packages: todo.map((pair) => pair.wanted), present };
}

/** dpkg(1) "Package states": waiting for a trigger of another package is whole for our purposes. */
const WHOLE_STATES = ['installed', 'triggers-awaited', 'triggers-pending'];

export function isBroken(installed: Pick<InstalledPackage, 'state'>): boolean {
  return !WHOLE_STATES.includes(installed.state);
}

export type Difference =
  | { readonly kind: 'added' | 'removed' | 'downgraded' | 'other-package'; readonly change: PackageChange }
  | { readonly kind: 'other-version'; readonly change: PackageChange; readonly approved: string }
  | { readonly kind: 'missing'; readonly approved: PackageVersion };

export type Plan =
  | { readonly kind: 'as-approved'; readonly install: readonly PackageVersion[]; readonly removes: readonly string[] }
  | { readonly kind: 'changed'; readonly differences: readonly Difference[] };

/** Holds the full simulated transaction against the approval. One difference is enough to stop; all are named. */
export function planOf(
  approval: Approved,
  todo: readonly PackageVersion[],
  transaction: Transaction,
  installed: readonly InstalledPackage[],
): Plan {
  const differences: Difference[] = [
    ...transaction.upgrade.flatMap((change) => differenceOf(change, todo, 'other-package')),
    ...transaction.install.flatMap((change) => differenceOf(change, approval.adds, 'added')),
    ...transaction.remove
      .filter((change) => !approval.removes.includes(change.name))
      .map((change) => ({ kind: 'removed' as const, change })),
    ...transaction.downgrade.map((change) => ({ kind: 'downgraded' as const, change })),
    ...todo
      .filter((wanted) => !isReached(wanted, transaction, installed))
      .map((approved) => ({ kind: 'missing' as const, approved })),
  ];
  if (differences.length > 0) return { kind: 'changed', differences };

  return { kind: 'as-approved', install: todo, removes: transaction.remove.map((change) => change.name) };
}

function differenceOf(
  change: PackageChange,
  approved: readonly PackageVersion[],
  otherwise: 'added' | 'other-package',
): readonly Difference[] {
  const candidates = approved.filter((wanted) => isSamePackage(change, wanted));
  const [first] = candidates;
  if (first === undefined) return [{ kind: otherwise, change }];
  if (candidates.some((wanted) => wanted.version === change.to)) return [];

  return [{ kind: 'other-version', change, approved: first.version }];
}

/** By the transaction, or already there and only to be configured (then a package manager plans no change of version). */
function isReached(wanted: PackageVersion, transaction: Transaction, installed: readonly InstalledPackage[]): boolean {
  const planned = transaction.upgrade.some((change) => isSamePackage(change, wanted));

  return planned || installed.some((have) => isSamePackage(have, wanted) && have.version === wanted.version);
}

/** Same name and architecture; a package may change between `all` and an architecture from one version to the next. */
export function isSamePackage(
  a: { readonly name: string; readonly arch: string },
  b: { readonly name: string; readonly arch: string },
): boolean {
  return a.name === b.name && (a.arch === b.arch || a.arch === 'all' || b.arch === 'all');
}

/** One clause per difference, for people. */
export function describeDifference(difference: Difference): string {
  switch (difference.kind) {
    case 'missing':
      return `${nameOf(difference.approved)} would not reach the approved ${difference.approved.version}`;
    case 'other-version':
      return `${nameOf(difference.change)} would become ${difference.change.to}, approved is ${difference.approved}`;
    case 'added':
      return `${nameOf(difference.change)} ${difference.change.to} would be newly installed, which is not approved`;
    case 'removed':
      return `${nameOf(difference.change)} ${difference.change.from} would be removed, which is not approved`;
    case 'downgraded':
      return `${nameOf(difference.change)} would go back from ${difference.change.from} to ${difference.change.to}`;
    case 'other-package':
      return `${nameOf(difference.change)} would go from ${difference.change.from} to ${difference.change.to}, which is not approved`;
    default:
      return difference satisfies never;
  }
}

function nameOf({ name, arch }: { readonly name: string; readonly arch: string }): string {
  return `${name}:${arch}`;
}
