import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { runOnce } from './runner.ts';
import { bench, IN_WINDOW } from './testing/bench.ts';

const codes = (results: readonly { outcome: string; problem: { code: string } | null }[]) =>
  results.map(({ outcome, problem }) => [outcome, problem?.code ?? null]);
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

describe('when the policy cannot be accepted', () => {
  it('goes on with what was accepted, and says why', async () => {
    const { deps, repository, mirror, clock, push, runner, installer } = bench();
    await runOnce(deps());
    const old = repository.copy();
    push(windowSample({ name: 'other' }));
    await runOnce(deps());
    repository.restore(old);
    mirror();
    clock.setWall('2026-11-24T00:30:00Z');
    await runOnce(deps());
    expect(read(join(runner, 'next.json')).policy).toMatchObject({ code: 'POLICY_ROLLED_BACK' });

    clock.setWall(IN_WINDOW);
    expect(codes(await runOnce(deps()))).toEqual([['installed', null]]);
    expect(installer.acts).toHaveLength(1);
  });

  it('accepts nothing new once the timestamp has expired', async () => {
    const { deps, clock, runner, results } = bench();
    clock.setWall('2026-12-24T01:30:00Z');

    expect(await runOnce(deps())).toEqual([]);
    expect(results()).toEqual([]);
    expect(read(join(runner, 'next.json')).policy).toMatchObject({ code: 'POLICY_EXPIRED' });
  });

  it('refuses a copy that holds a link, and lives on', async () => {
    const { deps, stateDir, runner } = bench();
    mkdirSync(join(stateDir, 'elsewhere'));
    writeFileSync(join(stateDir, 'elsewhere/x'), '{}');
    symlinkSync(join(stateDir, 'elsewhere/x'), join(stateDir, 'policy/metadata/2.root.json'));

    expect(await runOnce(deps())).toEqual([]);
    expect(read(join(runner, 'next.json')).policy).toMatchObject({ code: 'FILE_UNSAFE' });
  });

  it('opens nothing that policy cannot be called: a folder put in its place is not walked through as root', async () => {
    const { deps, stateDir, runner } = bench();
    // As /dev or /sys would be: opening some of what lies there does something.
    mkdirSync(join(stateDir, 'policy/metadata/watchdog'));
    symlinkSync('/dev/zero', join(stateDir, 'policy/targets/zero'));
    await runOnce(deps());

    expect(read(join(runner, 'next.json')).policy).toBeNull();
  });

  it('stops when what was accepted before is damaged', async () => {
    const { deps, runner } = bench();
    await runOnce(deps());
    writeFileSync(join(runner, 'accepted/policy.json'), '{}');

    expect(await runOnce(deps())).toEqual([]);
    expect(read(join(runner, 'next.json')).policy).toMatchObject({ code: 'FILE_CORRUPT' });
  });
});
