import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { approvalSample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { explainPlan } from './explain.ts';
import { runOnce } from './runner.ts';
import { bench, defaultDocuments, IN_WINDOW, installedPackage, OPENSSL, policyWith } from './testing/bench.ts';

const codes = (results: readonly { outcome: string; problem: { code: string } | null }[]) =>
  results.map(({ outcome, problem }) => [outcome, problem?.code ?? null]);
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

describe('when the window is closed', () => {
  it('waits, says so once, names the packages to fetch and when to look again', async () => {
    const { deps, installer, results, runner } = bench();

    expect(codes(await runOnce(deps()))).toEqual([['waiting', 'WINDOW_CLOSED']]);
    expect(await runOnce(deps())).toEqual([]);
    expect(installer.acts).toEqual([]);
    expect(results()).toHaveLength(1);
    expect(read(join(runner, 'wanted.json'))).toEqual({ format: 1, packages: [OPENSSL] });
    expect(read(join(runner, 'next.json'))).toMatchObject({ at: '2026-11-24T01:00:00Z', policy: null });
  });
});

describe('when everything allows it', () => {
  it('installs once, proves it, signs it, and never does or says it again', async () => {
    const { deps, installer, results, clock, runner } = bench();
    await runOnce(deps());
    clock.setWall(IN_WINDOW);

    expect(codes(await runOnce(deps()))).toEqual([['installed', null]]);
    expect(results().at(-1)).toMatchObject({
      number: 2,
      run: 'linux-servers.openssl-3.0.22/1',
      outcome: 'installed',
      window: 'weekday-nights',
      transaction: { upgrade: [{ name: 'openssl', to: OPENSSL.version }] },
      evidence: { packages: [{ name: 'openssl', version: OPENSSL.version, state: 'installed' }] },
      log: 'Setting up openssl\n',
    });
    expect(await runOnce(deps())).toEqual([]);
    installer.packages = [installedPackage()];
    expect(await runOnce(deps())).toEqual([]);
    expect(installer.acts).toHaveLength(1);
    expect(read(join(runner, 'wanted.json')).packages).toEqual([]);
    expect(existsSync(join(runner, 'journal.json'))).toBe(false);
  });

  it('does the same approval with another hash anew: it was approved again', async () => {
    const { deps, installer, push, clock } = bench();
    clock.setWall(IN_WINDOW);
    await runOnce(deps());
    installer.packages = [installedPackage()];
    push(approvalSample({ packages: [OPENSSL], approvedAt: '2026-11-21T10:00:00Z' }));
    await runOnce(deps());

    expect(installer.acts).toHaveLength(2);
  });
});

describe('when there is nothing for this host', () => {
  it.each([
    ['not-needed', [installedPackage({ name: 'bash' })]],
    ['already', [installedPackage({ version: '3.0.23-1' })]],
  ])('tells %s once', async (outcome, packages) => {
    const { deps, installer } = bench();
    installer.packages = packages;

    expect(codes(await runOnce(deps()))).toEqual([[outcome, null]]);
    expect(await runOnce(deps())).toEqual([]);
  });

  it('leaves out policies that select others, also by labels that only look like own ones', async () => {
    const policy = { ...policyWith({}), select: { labels: { tier: ['web'] } } } as ReturnType<typeof policyWith>;
    const { deps, results } = bench([windowSample(), policy, approvalSample({ packages: [OPENSSL] })]);

    expect(await runOnce(deps({ labels: { tier: ['db'] } }))).toEqual([]);
    expect(codes(await runOnce(deps({ labels: { tier: ['db', 'web'] } })))).toEqual([['waiting', 'WINDOW_CLOSED']]);
    expect(results()).toHaveLength(1);
  });

  it('drops an approval that was rejected later', async () => {
    const { deps, push } = bench();
    push(
      approvalSample({
        name: 'rejection',
        decision: 'reject',
        packages: [OPENSSL],
        approvedAt: '2026-11-21T00:00:00Z',
      }),
    );

    expect(await runOnce(deps())).toEqual([]);
  });
});

describe('when it may not be installed', () => {
  it.each([
    [
      'an approval that expired',
      'refused',
      'APPROVAL_EXPIRED',
      [windowSample(), policyWith({}), approvalSample({ packages: [OPENSSL], expires: '2026-11-24T00:00:00Z' })],
      {},
    ],
    [
      'a delay that runs',
      'waiting',
      'NOT_YET_DUE',
      [windowSample(), policyWith({ delay: '3d' }), approvalSample({ packages: [OPENSSL] })],
      {},
    ],
    [
      'a ring before ours',
      'waiting',
      'NOT_YET_DUE',
      [
        windowSample(),
        policyWith({ rings: [{ hosts: ['canary'], soak: '20d' }, { rest: true }] }),
        approvalSample({ packages: [OPENSSL] }),
      ],
      {},
    ],
    [
      'a hold in the policy',
      'refused',
      'HELD',
      [
        windowSample(),
        { ...policyWith({}), hold: [{ package: 'open*', until: '2027-01-31', owner: 'ops', reason: 'driver' }] },
        approvalSample({ packages: [OPENSSL] }),
      ],
      {},
    ],
    ['a hold of the host', 'refused', 'HELD', defaultDocuments(), { packages: [installedPackage({ held: true })] }],
    [
      'an addition',
      'refused',
      'PLAN_CHANGED',
      defaultDocuments(),
      { besides: { install: [{ name: 'extra', arch: 'amd64', from: null, to: '1' }] } },
    ],
    [
      'a removal',
      'refused',
      'PLAN_CHANGED',
      defaultDocuments(),
      { besides: { remove: [{ name: 'app', arch: 'amd64', from: '1', to: null }] } },
    ],
    ['a full disk', 'refused', 'NO_SPACE', defaultDocuments(), { free: 10 }],
    ['an empty mirror', 'waiting', 'NOT_FETCHED', defaultDocuments(), { mirrorHolds: false }],
    [
      'an old index',
      'waiting',
      'NOT_FETCHED',
      defaultDocuments(),
      { fail: { simulate: new CodedError('NO_CANDIDATE', 'x') } },
    ],
    [
      'a changed mirror',
      'refused',
      'MIRROR_REFUSED',
      defaultDocuments(),
      { fail: { loadMirror: new CodedError('MIRROR_REFUSED', 'x') } },
    ],
    [
      'a rolled back mirror',
      'refused',
      'REPOSITORY_ROLLED_BACK',
      defaultDocuments(),
      { fail: { loadMirror: new CodedError('REPOSITORY_ROLLED_BACK', 'x') } },
    ],
    [
      'a changed package',
      'refused',
      'MIRROR_REFUSED',
      defaultDocuments(),
      { fail: { prepare: new CodedError('MIRROR_REFUSED', 'x') } },
    ],
    [
      'another package manager',
      'waiting',
      'PACKAGE_MANAGER_LOCKED',
      defaultDocuments(),
      { fail: { interrupted: new CodedError('PACKAGE_MANAGER_LOCKED', 'x') } },
    ],
    [
      'output that is not understood',
      'refused',
      'PARSE',
      defaultDocuments(),
      { fail: { simulate: new CodedError('PARSE', 'x') } },
    ],
  ] as const)('%s is %s with %s, once', async (_, outcome, code, documents, state) => {
    const { deps, installer, clock } = bench(documents as never);
    Object.assign(installer, structuredCloneErrors(state));
    clock.setWall(IN_WINDOW);

    expect(codes(await runOnce(deps()))).toEqual([[outcome, code]]);
    Object.assign(installer, structuredCloneErrors(state));
    expect(await runOnce(deps())).toEqual([]);
    expect(installer.acts).toEqual([]);
  });

  it('names the difference and shows the transaction of a changed plan', async () => {
    const { deps, installer, clock } = bench();
    installer.besides = { remove: [{ name: 'app', arch: 'amd64', from: '1', to: null }] };
    clock.setWall(IN_WINDOW);
    const [result] = await runOnce(deps());

    expect(result?.problem?.message).toContain('app:amd64 1 would be removed');
    expect(result?.transaction?.remove).toHaveLength(1);
  });

  it('does not act on policy older than its actUntil', async () => {
    const { deps, installer, clock } = bench();
    await runOnce(deps());
    clock.setWall('2026-12-01T01:30:00Z');

    expect(codes(await runOnce(deps()))).toEqual([['waiting', 'ACT_UNTIL_PASSED']]);
    expect(installer.acts).toEqual([]);
  });
});

/** Each pass gets its own object to use up. */
function structuredCloneErrors(state: object): object {
  return 'fail' in state ? { ...state, fail: { ...(state.fail as object) } } : { ...state };
}

describe('when the mode of the host says', () => {
  it('observe: nothing happens and nothing is wanted', async () => {
    const { deps, runner, installer } = bench();

    expect(await runOnce(deps({ mode: 'observe' }))).toEqual([]);
    expect(existsSync(join(runner, 'wanted.json'))).toBe(false);
    expect(installer.acts).toEqual([]);
  });

  it('advise: it is planned at any time and never installed', async () => {
    const { deps, installer, clock } = bench();
    const [result] = await runOnce(deps({ mode: 'advise' }));
    clock.setWall(IN_WINDOW);

    expect(result).toMatchObject({ outcome: 'planned', transaction: { upgrade: [{ name: 'openssl' }] } });
    expect(await runOnce(deps({ mode: 'advise' }))).toEqual([]);
    expect(installer.acts).toEqual([]);
  });

  it('ask-on-site: it is refused as not built', async () => {
    const { deps } = bench();

    expect(codes(await runOnce(deps({ mode: 'ask-on-site' })))).toEqual([['refused', 'NOT_BUILT']]);
  });
});

describe('when a step takes long', () => {
  it('stops before the next one when the window has closed meanwhile', async () => {
    const { deps, installer, clock } = bench();
    clock.setWall(IN_WINDOW);
    installer.prepare = async () => clock.setWall('2026-11-24T04:00:00Z');

    expect(codes(await runOnce(deps()))).toEqual([['waiting', 'WINDOW_CLOSED']]);
    expect(installer.acts).toEqual([]);
  });

  it.each([
    ['ten years ahead', '2036-11-24T01:30:00Z', ['refused', 'APPROVAL_EXPIRED']],
    ['to before all policy', '2025-11-24T01:30:00Z', ['waiting', 'NOT_YET_DUE']],
  ])('says that nothing was started when the clock leaps %s right then', async (_, to, said) => {
    const { deps, installer, clock } = bench();
    clock.setWall(IN_WINDOW);
    const { durableFiles } = await import('./state-file.ts');
    const files = {
      ...durableFiles,
      write: async (path: string, data: Uint8Array | string, options?: { mode?: number }) => {
        await durableFiles.write(path, data, options);
        if (path.endsWith('journal.json') && String(data).includes('InstallStarted')) clock.setWall(to);
      },
    };

    const [result] = await runOnce(deps({ files }));
    expect([result?.outcome, result?.problem?.code]).toEqual(said);
    expect(installer.acts).toEqual([]);
    clock.setWall(IN_WINDOW);
    const [next] = await runOnce(deps());
    expect(next?.run, 'no attempt was counted').toBe('linux-servers.openssl-3.0.22/1');
  });

  it('asks again after the journal was written', async () => {
    const { deps, installer, clock, runner } = bench();
    clock.setWall(IN_WINDOW);
    const { durableFiles } = await import('./state-file.ts');
    const files = {
      ...durableFiles,
      write: async (path: string, data: Uint8Array | string, options?: { mode?: number }) => {
        await durableFiles.write(path, data, options);
        if (path.endsWith('journal.json') && String(data).includes('InstallStarted'))
          clock.setWall('2026-11-24T04:00:00Z');
      },
    };

    expect(codes(await runOnce(deps({ files })))).toEqual([['waiting', 'WINDOW_CLOSED']]);
    expect(installer.acts).toEqual([]);
    expect(existsSync(join(runner, 'journal.json'))).toBe(false);
    clock.setWall('2026-11-25T01:30:00Z');
    expect(codes(await runOnce(deps()))).toEqual([['installed', null]]);
  });
});

describe('when the clock was set back', () => {
  it('reopens nothing: neither expiry nor a window', async () => {
    const { deps, installer, clock } = bench();
    await runOnce(deps());
    clock.setWall('2026-11-24T04:30:00Z');
    await runOnce(deps());
    clock.setWall(IN_WINDOW);

    expect(await runOnce(deps())).toEqual([]);
    expect(installer.acts).toEqual([]);
    expect((await explainPlan(deps())).approvals).toMatchObject([{ verdict: 'waiting', code: 'WINDOW_CLOSED' }]);
  });

  it('starts nothing before the clock itself says so', async () => {
    const { deps, installer, clock } = bench([
      windowSample(),
      policyWith({ window: 'any', delay: '1h' }),
      approvalSample({ packages: [OPENSSL] }),
    ]);
    await runOnce(deps());
    installer.mirrorHolds = false;
    clock.setWall('2026-11-23T13:30:00Z');
    expect(codes(await runOnce(deps()))).toEqual([['waiting', 'NOT_FETCHED']]);
    installer.mirrorHolds = true;
    clock.setWall('2026-11-23T12:30:00Z');

    expect(codes(await runOnce(deps()))).toEqual([['waiting', 'NOT_YET_DUE']]);
    expect(installer.acts).toEqual([]);
  });
});

describe('when the collector has committed results', () => {
  it('removes them, and goes on counting', async () => {
    const { deps, stateDir, results, clock } = bench();
    await runOnce(deps());
    writeFileSync(join(stateDir, 'outbox/acknowledged.json'), '{"results":1}');
    clock.setWall(IN_WINDOW);
    await runOnce(deps());

    expect(results().map((result) => result.number)).toEqual([2]);
  });
});

describe('when another runner is at work', () => {
  it('does nothing; that a process that is gone had the lock is no matter', async () => {
    const { deps, runner, installer, clock } = bench();
    clock.setWall(IN_WINDOW);
    let inside: readonly unknown[] = ['not run'];
    installer.during = async () => {
      inside = await runOnce(deps());
    };
    mkdirSync(join(runner, 'lock'));
    writeFileSync(join(runner, 'lock/4194303-1-0-0123456789ab'), '');
    expect(codes(await runOnce(deps()))).toEqual([['installed', null]]);

    expect(inside).toEqual([]);
    expect(installer.acts).toHaveLength(1);
    expect(readdirSync(join(runner, 'lock'))).toEqual([]);
  });
});
