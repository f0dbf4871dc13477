import type { InstalledPackage, PackageChange, PackageVersion, Transaction } from '@selvage/shared/model/package.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { describeDifference, needOf, planOf } from './planner.ts';

const compare = (a: string, b: string) => Number(a) - Number(b);
const have = (name: string, version: string, over: Partial<InstalledPackage> = {}): InstalledPackage => ({
  provider: 'apt',
  name,
  version,
  arch: 'amd64',
  source: name,
  sourceVersion: version,
  state: 'installed',
  held: false,
  installedAt: null,
  ...over,
});
const want = (name: string, version: string, arch = 'amd64'): PackageVersion => ({ name, version, arch });
const change = (name: string, from: string | null, to: string | null): PackageChange => ({
  name,
  arch: 'amd64',
  from,
  to,
});
const nothing: Transaction = { upgrade: [], downgrade: [], install: [], remove: [], downloadBytes: null };
const approval = { packages: [want('ssl', '3'), want('libssl', '3'), want('ssl-dev', '3')], adds: [], removes: [] };

describe('when an approval is held against the installed packages', () => {
  it('is not needed where none of its packages is installed', () => {
    expect(needOf(approval, [have('bash', '1')], compare)).toEqual({ kind: 'not-needed' });
  });

  it('brings those that are older and leaves out those that are not installed', () => {
    expect(needOf(approval, [have('ssl', '2'), have('libssl', '1')], compare)).toMatchObject({
      kind: 'todo',
      packages: [want('ssl', '3'), want('libssl', '3')],
    });
  });

  it('is done at the approved version and above it', () => {
    expect(needOf(approval, [have('ssl', '3'), have('libssl', '4')], compare)).toMatchObject({ kind: 'already' });
  });

  it('is not done by a package that is at the version but not whole', () => {
    const installed = [have('ssl', '3', { state: 'half-configured' }), have('libssl', '4')];

    expect(needOf(approval, installed, compare)).toMatchObject({ kind: 'todo', packages: [want('ssl', '3')] });
  });

  it('knows architectures apart, and lets a package become architecture-independent', () => {
    const installed = [have('ssl', '1', { arch: 'i386' }), have('libssl', '1', { arch: 'all' })];

    expect(needOf(approval, installed, compare)).toMatchObject({ kind: 'todo', packages: [want('libssl', '3')] });
  });
});

describe('when the simulated transaction is what was approved', () => {
  it('is planned, with what the approval adds and removes besides', () => {
    const wider = { ...approval, adds: [want('engine', '7')], removes: ['old-engine'] };
    const transaction = {
      ...nothing,
      upgrade: [change('ssl', '2', '3')],
      install: [change('engine', null, '7')],
      remove: [change('old-engine', '6', null)],
    };

    expect(planOf(wider, [want('ssl', '3')], transaction, [have('ssl', '2')])).toEqual({
      kind: 'as-approved',
      install: [want('ssl', '3')],
      removes: ['old-engine'],
    });
  });
});

describe('when the simulated transaction is anything else', () => {
  const todo = [want('ssl', '3')];
  const base = { ...nothing, upgrade: [change('ssl', '2', '3')] };

  it.each<[string, Transaction, string, RegExp]>([
    ['adds', { ...base, install: [change('extra', null, '1')] }, 'added', /extra:amd64 1 would be newly installed/],
    ['removes', { ...base, remove: [change('app', '5', null)] }, 'removed', /app:amd64 5 would be removed/],
    [
      'downgrades',
      { ...base, downgrade: [change('libc', '9', '8')] },
      'downgraded',
      /libc:amd64 would go back from 9 to 8/,
    ],
    ['brings another version', { ...nothing, upgrade: [change('ssl', '2', '4')] }, 'other-version', /approved is 3/],
    [
      'upgrades another package',
      { ...base, upgrade: [...base.upgrade, change('bash', '1', '2')] },
      'other-package',
      /bash:amd64 would go from 1 to 2/,
    ],
    ['leaves one out', nothing, 'missing', /ssl:amd64 would not reach the approved 3/],
  ])('names what it %s', (_, transaction, kind, text) => {
    const plan = planOf(approval, todo, transaction, [have('ssl', '2')]);

    expect(plan).toMatchObject({ kind: 'changed', differences: [{ kind }] });
    expect(plan.kind === 'changed' ? plan.differences.map(describeDifference).join() : '').toMatch(text);
  });

  it('names every difference at once', () => {
    const transaction = {
      ...nothing,
      install: [change('extra', null, '1')],
      remove: [change('app', '5', null)],
      downgrade: [change('libc', '9', '8')],
    };
    const plan = planOf(approval, todo, transaction, [have('ssl', '2')]);

    expect(plan.kind === 'changed' && plan.differences.map((difference) => difference.kind)).toEqual([
      'added',
      'removed',
      'downgraded',
      'missing',
    ]);
  });

  it('refuses an approved package that this host does not have as a new one', () => {
    const transaction = { ...base, install: [change('ssl-dev', null, '3')] };

    expect(planOf(approval, todo, transaction, [have('ssl', '2')])).toMatchObject({
      kind: 'changed',
      differences: [{ kind: 'added' }],
    });
  });

  it('refuses an addition in another version than the approved one', () => {
    const wider = { ...approval, adds: [want('engine', '7')] };
    const transaction = { ...base, install: [change('engine', null, '8')] };

    expect(planOf(wider, todo, transaction, [have('ssl', '2')])).toMatchObject({
      kind: 'changed',
      differences: [{ kind: 'other-version', approved: '7' }],
    });
  });
});

describe('whatever the package manager simulates', () => {
  const names = fc.constantFrom<string>('a', 'b', 'c', 'd');
  const versions = fc.constantFrom<string>('1', '2', '3');
  const wanted: fc.Arbitrary<PackageVersion> = fc.record({
    name: names,
    version: versions,
    arch: fc.constant('amd64'),
  });
  const changes = (from: boolean, to: boolean) =>
    fc.array(
      fc.record({
        name: names,
        arch: fc.constant('amd64'),
        from: from ? versions : fc.constant(null),
        to: to ? versions : fc.constant(null),
      }),
      { maxLength: 3 },
    );
  const transactions: fc.Arbitrary<Transaction> = fc.record({
    upgrade: changes(true, true),
    downgrade: fc.oneof(fc.constant([]), changes(true, true)),
    install: fc.oneof(fc.constant([]), changes(false, true)),
    remove: fc.oneof(fc.constant([]), changes(true, false)),
    downloadBytes: fc.constant(null),
  });

  it('a plan never exceeds the approved set', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(wanted, { selector: (item) => item.name, maxLength: 4 }),
        fc.uniqueArray(wanted, { selector: (item) => item.name, maxLength: 2 }),
        fc.uniqueArray(names, { maxLength: 2 }),
        fc.uniqueArray(wanted, { selector: (item) => item.name, maxLength: 4 }),
        transactions,
        (packages, adds, removes, installed, transaction) => {
          const approved = { packages, adds, removes };
          const on = installed.map((item) => have(item.name, item.version));
          const need = needOf(approved, on, compare);
          if (need.kind !== 'todo') return;
          const plan = planOf(approved, need.packages, transaction, on);
          if (plan.kind !== 'as-approved') return;
          const holds = (set: readonly PackageVersion[], item: PackageChange) =>
            set.some((one) => one.name === item.name && one.arch === item.arch && one.version === item.to);

          expect(plan.install.every((item) => packages.includes(item))).toBe(true);
          expect(plan.install.every((item) => on.some((one) => one.name === item.name))).toBe(true);
          expect(transaction.upgrade.every((item) => holds(packages, item))).toBe(true);
          expect(transaction.install.every((item) => holds(adds, item))).toBe(true);
          expect(transaction.remove.every((item) => removes.includes(item.name))).toBe(true);
          expect(plan.removes.every((name) => removes.includes(name))).toBe(true);
          expect(transaction.downgrade).toEqual([]);
        },
      ),
      { numRuns: 3000 },
    );
  });
});
