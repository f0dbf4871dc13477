import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { InstalledPackage, PendingUpdate } from '@selvage/shared/model/package.ts';
import { OUTCOMES, type RunResult } from '@selvage/shared/model/result.ts';
import type { ApprovalDocument } from '@selvage/shared/policy/documents.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import type { StoredResult } from '../store/ports.ts';
import type { Fix, HostPackages, HostUpdates } from './fix.ts';
import { concernedBy, countOf, fixesOf } from './fixes.ts';

const OLD = '3.0.21-1';
const NEW = '3.0.22-1';
const T1 = '2026-03-01T10:00:00Z';
const T2 = '2026-03-01T11:00:00Z';
const T3 = '2026-03-01T12:00:00Z';
const id = (name: string) => `id-${name}` as HostId;

function update(over: Partial<PendingUpdate> = {}): PendingUpdate {
  return {
    provider: 'apt',
    name: 'libssl3',
    arch: 'amd64',
    source: 'openssl',
    installed: OLD,
    candidate: NEW,
    candidateSourceVersion: over.candidate ?? NEW,
    repositories: ['main'],
    security: false,
    held: false,
    phased: null,
    downloadBytes: 1,
    ...over,
  };
}

function host(name: string, pending: readonly PendingUpdate[], takenAt = T1): HostUpdates {
  return { id: id(name), name, takenAt, updates: { known: true, asOf: T1, pending: [...pending] }, problem: null };
}

function blind(name: string): HostUpdates {
  const reasons = [{ repository: 'security', code: 'REPOSITORY_OLD' as const, reason: 'older than 24 h' }];

  return { id: id(name), name, takenAt: T1, updates: { known: false, asOf: null, reasons }, problem: null };
}

function installed(name: string, version: string, over: Partial<InstalledPackage> = {}): HostPackages {
  const one: InstalledPackage = {
    ...{ provider: 'apt', name: 'libssl3', version, arch: 'amd64', source: 'openssl', sourceVersion: version },
    ...{ state: 'installed', held: false, installedAt: null },
    ...over,
  };

  return { id: id(name), packages: [one] };
}

function result(name: string, outcome: RunResult['outcome'], over: Partial<RunResult> = {}): StoredResult {
  const fields: RunResult = {
    ...{
      format: 1,
      number: 1,
      hostId: id(name),
      run: 'r/1',
      approval: 'openssl-3.0.22-1',
      approvalSha256: '0'.repeat(64),
    },
    ...{
      provider: 'apt',
      fix: { source: 'openssl', version: NEW },
      outcome,
      problem: null,
      startedAt: T2,
      finishedAt: T2,
    },
    ...{ window: null, transaction: null, evidence: null, log: '' },
    ...over,
  };

  return { host: id(name), receivedAt: fields.finishedAt as Timestamp, result: fields };
}

function approval(over: Partial<ApprovalDocument> = {}): ApprovalDocument {
  return {
    ...{ kind: 'Approval', name: 'openssl-3.0.22-1', decision: 'approve', policy: 'servers', lane: 'scheduled' },
    fix: { provider: 'apt', source: 'openssl', version: NEW },
    packages: [{ name: 'libssl3', version: NEW, arch: 'amd64' }],
    ...{ adds: [], removes: [], approvedAt: T1, expires: '2026-04-01T00:00:00Z' },
    ...over,
  };
}

const only = (fixes: readonly Fix[]): Fix => {
  const [fix] = fixes;
  if (!fix || fixes.length !== 1) throw new RangeError(`${fixes.length} fixes`);

  return fix;
};
const stateOf = (fixes: readonly Fix[]) => only(fixes).hosts.map(({ name, state }) => `${name} ${state}`);

describe('when updates of several hosts become fixes', () => {
  it('is one fix per source and candidate, with every binary package at its exact version', () => {
    const fixes = fixesOf(
      [
        host('b', [update(), update({ name: 'openssl', security: true })]),
        host('a', [update(), update({ arch: 'i386' })]),
        host('c', [update({ candidate: '3.0.23-1' })]),
      ],
      [],
      [],
      [],
    );

    expect(fixes.map((fix) => fix.id)).toEqual(['openssl@3.0.22-1', 'openssl@3.0.23-1']);
    expect(fixes[0]).toEqual({
      ...{ id: 'openssl@3.0.22-1', provider: 'apt', source: 'openssl', version: NEW, security: true, approval: null },
      packages: [
        { name: 'libssl3', version: NEW, arch: 'amd64' },
        { name: 'libssl3', version: NEW, arch: 'i386' },
        { name: 'openssl', version: NEW, arch: 'amd64' },
      ],
      hosts: [
        { id: id('a'), name: 'a', state: 'open', reason: null },
        { id: id('b'), name: 'b', state: 'open', reason: null },
      ],
    });
  });

  it('names the source version, not that of a binary that counts differently', () => {
    const rebuilt = update({ candidate: '2:1.4+b1', candidateSourceVersion: '1.4-1' });

    expect(only(fixesOf([host('a', [rebuilt])], [], [], []))).toMatchObject({
      id: 'openssl@1.4-1',
      packages: [{ version: '2:1.4+b1' }],
    });
  });

  it('keeps the same name of two package managers apart', () => {
    expect(fixesOf([host('a', [update()]), host('b', [update({ provider: 'dnf' })])], [], [], [])).toHaveLength(2);
  });

  it('shows security first, then what most hosts wait for', () => {
    const many = update({ source: 'curl' });
    const safe = update({ source: 'zlib', security: true });
    const fixes = fixesOf([host('a', [update(), many, safe]), host('b', [many])], [], [], []);

    expect(fixes.map(({ source }) => source)).toEqual(['zlib', 'curl', 'openssl']);
  });

  it('says which package a host holds', () => {
    const [fix] = fixesOf([host('a', [update({ held: true })])], [], [], []);

    expect(fix?.hosts[0]).toMatchObject({ state: 'open', reason: 'held on the host: libssl3' });
  });
});

describe('when the updates of a host are not known', () => {
  const gone: HostUpdates = { id: id('x'), name: 'x', takenAt: null, updates: null, problem: 'never reported' };

  it.each([
    ['its lists are too old', blind('x'), 'security: older than 24 h'],
    ['it has not reported', gone, 'never reported'],
  ])('is unknown because %s, whatever else is known of it', (_, unknown, reason) => {
    for (const packages of [installed('x', OLD), installed('x', NEW), { id: id('x'), packages: null }]) {
      for (const results of [[], [result('x', 'installed')]]) {
        const fix = only(fixesOf([host('a', [update()]), unknown], [packages], results, [approval()]));

        expect(fix.hosts).toContainEqual({ id: id('x'), name: 'x', state: 'unknown', reason });
      }
    }
  });

  it('is left out only where its packages show that it has nothing of the source', () => {
    const other = installed('x', '1', { source: 'zlib', name: 'zlib1g' });

    expect(stateOf(fixesOf([host('a', [update()]), blind('x')], [other], [], []))).toEqual(['a open']);
  });
});

describe('when a fix was decided upon', () => {
  it('is approved where it is pending, and stays a fix when nobody needs it any more', () => {
    expect(stateOf(fixesOf([host('a', [update()])], [], [], [approval()]))).toEqual(['a approved']);
    expect(only(fixesOf([host('a', [])], [], [], [approval()]))).toMatchObject({
      hosts: [],
      approval: { lane: 'scheduled' },
    });
  });

  it('is refused with the reason of the admin', () => {
    const fix = only(
      fixesOf([host('a', [update()])], [], [], [approval({ decision: 'reject', reason: 'breaks php' })]),
    );

    expect(fix.hosts[0]).toMatchObject({ state: 'refused', reason: 'breaks php' });
  });

  it('is no approval of another version', () => {
    const other = approval({ fix: { provider: 'apt', source: 'openssl', version: OLD } });
    const fixes = fixesOf([host('a', [update()])], [], [], [other]);

    expect(fixes.find(({ version }) => version === NEW)).toMatchObject({ approval: null, hosts: [{ state: 'open' }] });
  });

  it('is open again when the approval has expired', () => {
    const late = Temporal.Instant.from('2026-04-01T00:00:00Z');

    expect(stateOf(fixesOf([host('a', [update()])], [], [], [approval()], late))).toEqual(['a open']);
    expect(stateOf(fixesOf([host('a', [update()])], [], [], [approval()], late.subtract({ seconds: 1 })))).toEqual([
      'a approved',
    ]);
  });
});

describe('when runners have reported', () => {
  const outcomes = [
    ['installed', 'installed'],
    ['already', 'installed'],
    ['planned', 'waiting'],
    ['waiting', 'waiting'],
    ['refused', 'refused'],
    ['failed', 'failed'],
    ['not-needed', 'approved'],
  ] as const;

  it.each(outcomes)('shows %s as %s while the inventory is older', (outcome, state) => {
    const problem = { code: 'WINDOW_CLOSED' as const, message: 'why' };
    const reported = result('a', outcome, { problem: state === 'installed' ? null : problem });

    expect(stateOf(fixesOf([host('a', [update()])], [], [reported], [approval()]))).toEqual([`a ${state}`]);
  });

  it('gives the problem of the runner as the reason', () => {
    const problem = { code: 'PLAN_CHANGED' as const, message: 'would remove nginx' };
    const fix = only(fixesOf([host('a', [update()])], [], [result('a', 'refused', { problem })], [approval()]));

    expect(fix.hosts[0]?.reason).toBe('would remove nginx');
  });

  it('believes a newer inventory that still lists it over "installed"', () => {
    const updates = [host('a', [update()], T3)];

    expect(stateOf(fixesOf(updates, [], [result('a', 'installed')], [approval()]))).toEqual(['a approved']);
    expect(stateOf(fixesOf(updates, [], [result('a', 'installed')], []))).toEqual(['a open']);
  });

  it('believes the packages over "failed" when someone installed it by hand', () => {
    const updates = [host('a', [], T3)];

    expect(stateOf(fixesOf(updates, [installed('a', NEW)], [result('a', 'failed')], [approval()]))).toEqual([
      'a installed',
    ]);
    expect(stateOf(fixesOf(updates, [installed('a', OLD)], [result('a', 'failed')], [approval()]))).toEqual([
      'a failed',
    ]);
  });

  it('does not take half-configured packages for installed', () => {
    const half = installed('a', NEW, { state: 'half-configured' });

    expect(stateOf(fixesOf([host('a', [], T3)], [half], [result('a', 'failed')], [approval()]))).toEqual(['a failed']);
  });

  it('counts the packages of the fix only: older kernels stay beside the new one', () => {
    const [kept, fresh] = [installed('a', OLD, { name: 'libssl1' }), installed('a', NEW)];
    const packages = { id: id('a'), packages: [...(kept?.packages ?? []), ...(fresh?.packages ?? [])] };

    expect(stateOf(fixesOf([host('a', [])], [packages], [], [approval()]))).toEqual(['a installed']);
  });

  it('says what still runs the old code', () => {
    const staleProcesses = [{ pid: 1, program: '/usr/sbin/sshd', service: 'ssh.service' }];
    const evidence = { packages: [], rebootRequired: true, staleProcesses };
    const fix = only(fixesOf([host('a', [])], [], [result('a', 'installed', { evidence })], [approval()]));

    expect(fix.hosts[0]).toMatchObject({ state: 'installed', reason: 'restart ssh.service; reboot' });
  });

  it('takes the newest result, in whatever order they come', () => {
    const failed = result('a', 'failed', { number: 1 });
    const done = result('a', 'installed', { number: 2, finishedAt: '2026-03-01T11:00:00.5Z' });

    for (const results of [
      [failed, done],
      [done, failed],
    ]) {
      expect(stateOf(fixesOf([host('a', [update()])], [], results, [approval()]))).toEqual(['a installed']);
    }
  });

  it('starts over when an admin decides again after a refusal or failure', () => {
    const again = approval({ approvedAt: T3 });

    for (const outcome of ['refused', 'failed', 'waiting'] as const) {
      expect(stateOf(fixesOf([host('a', [update()])], [], [result('a', outcome)], [again]))).toEqual(['a approved']);
    }
  });

  it('is open, not waiting, when the approval it waited for is gone', () => {
    expect(stateOf(fixesOf([host('a', [update()])], [], [result('a', 'waiting')], []))).toEqual(['a open']);
  });
});

describe('when anything may be known', () => {
  const version = fc.constantFrom(OLD, NEW, '3.0.23-1');
  const source = fc.constantFrom('openssl', 'zlib');
  const pending = fc.record({ source, candidate: version, security: fc.boolean(), held: fc.boolean() }).map(update);
  const fleet = fc
    .array(fc.option(fc.uniqueArray(pending, { selector: (one) => one.source, maxLength: 2 })), { maxLength: 6 })
    .map((hosts) => hosts.map((list, index) => (list ? host(`h${index}`, list) : blind(`h${index}`))));
  const results = fc
    .array(fc.tuple(fc.nat(5), fc.constantFrom(...OUTCOMES), source, version, fc.constantFrom(T1, T2, T3)), {
      maxLength: 8,
    })
    .map((list) =>
      list.map(([index, outcome, name, fixed, finishedAt]) =>
        result(`h${index}`, outcome, { fix: { source: name, version: fixed }, finishedAt }),
      ),
    );
  const approvals = fc
    .array(fc.tuple(source, version, fc.constantFrom('approve', 'reject'), fc.constantFrom(T1, T2, T3)), {
      maxLength: 4,
    })
    .map((list) =>
      list.map(([name, fixed, decision, approvedAt]) =>
        approval({ fix: { provider: 'apt', source: name, version: fixed }, decision, approvedAt }),
      ),
    );

  it('counts no unknown host as anything else, and loses no pending update', () => {
    fc.assert(
      fc.property(fleet, results, approvals, (updates, reported, decided) => {
        const fixes = fixesOf(updates, [], reported, decided);
        const listed = new Map(fixes.map((fix) => [`${fix.provider} ${fix.id}`, fix]));
        expect(listed.size).toBe(fixes.length);

        for (const { id: one, updates: known } of updates) {
          for (const fix of fixes) {
            const states = fix.hosts.filter((other) => other.id === one).map(({ state }) => state);
            expect(states.length).toBeLessThanOrEqual(1);
            if (!known?.known) expect(states).toEqual(['unknown']);
            else expect(states).not.toContain('unknown');
          }
          for (const update of known?.known ? known.pending : []) {
            const fix = listed.get(`apt ${update.source}@${update.candidateSourceVersion}`);
            expect(fix?.hosts.some((other) => other.id === one)).toBe(true);
            expect(fix?.packages).toContainEqual({ name: update.name, version: update.candidate, arch: update.arch });
          }
        }
      }),
    );
  });

  it('gives the same answer in whatever order the facts come', () => {
    fc.assert(
      fc.property(fleet, results, (updates, reported) => {
        const unique = [...new Map(reported.map((one) => [`${one.host} ${one.receivedAt}`, one])).values()];

        expect(fixesOf(updates.toReversed(), [], unique.toReversed(), [])).toEqual(fixesOf(updates, [], unique, []));
      }),
    );
  });

  it('needs of what is installed only what some fix is about', () => {
    const name = fc.constantFrom('openssl', 'zlib', 'bash', 'vim');
    const packages = fc
      .array(fc.option(fc.array(fc.tuple(name, version), { maxLength: 4 })), { maxLength: 6 })
      .map((all) =>
        all.map(
          (list, index): HostPackages => ({
            id: id(`h${index}`),
            packages:
              list?.flatMap(
                ([source, fixed]) => installed('', fixed, { source, sourceVersion: fixed }).packages ?? [],
              ) ?? null,
          }),
        ),
      );
    fc.assert(
      fc.property(fleet, packages, results, approvals, (updates, present, reported, decided) => {
        const isConcerned = concernedBy(updates, reported, decided);
        const some = present.map((host) => ({ ...host, packages: host.packages?.filter(isConcerned) ?? null }));

        expect(fixesOf(updates, some, reported, decided)).toEqual(fixesOf(updates, present, reported, decided));
      }),
    );
    expect(concernedBy([host('h1', [update()])], [], [])({ provider: 'apt', source: 'bash' })).toBe(false);
  });

  it('counts every host of a fix once', () => {
    fc.assert(
      fc.property(fleet, results, approvals, (updates, reported, decided) => {
        for (const fix of fixesOf(updates, [], reported, decided)) {
          const states = new Set(fix.hosts.map(({ state }) => state));
          expect([...states].reduce((sum, state) => sum + countOf(fix, state), 0)).toBe(fix.hosts.length);
        }
      }),
    );
  });
});
