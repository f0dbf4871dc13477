import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { describe, expect, it } from 'vitest';
import { runOnce } from './runner.ts';
import { bench, IN_WINDOW, installedPackage, OPENSSL } from './testing/bench.ts';

const codes = (results: readonly { outcome: string; problem: { code: string } | null }[]) =>
  results.map(({ outcome, problem }) => [outcome, problem?.code ?? null]);

describe('when the installation does not succeed', () => {
  it('reports what the host shows, and tries a host that is whole again, a few times', async () => {
    const { deps, installer, clock } = bench();
    clock.setWall(IN_WINDOW);
    for (const attempt of [1, 2, 3]) {
      installer.fail.install = new CodedError('PACKAGE_MANAGER_FAILED', 'apt-get ended with 100');
      const [result] = await runOnce(deps());
      expect(result).toMatchObject({ outcome: 'failed', run: `linux-servers.openssl-3.0.22/${attempt}` });
      expect(result?.problem?.message).toContain('openssl is at 3.0.20-1~deb12u1');
    }

    expect(await runOnce(deps())).toEqual([]);
    expect(installer.acts).toHaveLength(3);
  });

  it('does not try again on a host that is left broken', async () => {
    const { deps, installer, clock } = bench();
    clock.setWall(IN_WINDOW);
    installer.half = true;
    installer.fail.install = new CodedError('PACKAGE_MANAGER_FAILED', 'postinst failed');

    expect(codes(await runOnce(deps()))).toEqual([['failed', 'PACKAGE_MANAGER_FAILED']]);
    expect(await runOnce(deps())).toEqual([]);
  });

  it('believes the host, not the exit code', async () => {
    const { deps, installer, clock } = bench();
    clock.setWall(IN_WINDOW);
    installer.during = async () => {
      installer.packages = [installedPackage({ version: OPENSSL.version })];
      throw new CodedError('PACKAGE_MANAGER_FAILED', 'a hook failed afterwards');
    };

    expect(codes(await runOnce(deps()))).toEqual([['installed', null]]);
  });

  it('does not believe an exit code of zero either', async () => {
    const { deps, installer, clock } = bench();
    clock.setWall(IN_WINDOW);
    const { install } = installer;
    installer.install = async (...args) => {
      await install(...args);
      installer.packages = [installedPackage()];
    };

    expect(codes(await runOnce(deps()))).toEqual([['failed', 'VERIFY_FAILED']]);
  });

  it('repairs, inside the window only, what someone else left half-done', async () => {
    const { deps, installer, clock } = bench();
    installer.packages = [installedPackage(), installedPackage({ name: 'other', state: 'half-configured' })];
    await runOnce(deps());
    expect(installer.acts).toEqual([]);
    clock.setWall(IN_WINDOW);
    await runOnce(deps());

    expect(installer.acts.map((act) => act.act)).toEqual(['repair', 'install']);
  });
});
