// What `npm start` says of vulnerabilities: a package of Debian's that is really open, the copy of real feeds that comes with Selvage,
// and no network.
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeRepository } from '../lab/repository.ts';
import { makeSandbox } from '../lab/sandbox.ts';
import { type ServedRepository, serveRepository } from '../lab/serving.ts';
import { type Ended, homeFor, run, START_DEADLINE_MS, start } from './testing/start-lab.ts';

/** Open in the copy that is shipped, and closed by the next one. */
const OLD = '3.0.11-1~deb12u1';
const NEW = '3.0.15-1~deb12u1';
const PARTS = ['busybox-static', 'apt-ftparchive', 'dpkg-deb', 'gpg', 'gpgv', 'apt-get', 'unshare', 'setpriv'] as const;

needs(PARTS, 'a host with an open package', () => {
  let server: ServedRepository;
  let home: string;
  let root: string;
  let ended: Ended;

  beforeAll(async () => {
    const folder = temporaryFolder('start-findings');
    chmodSync(folder, 0o755);
    const repository = await makeRepository({
      ...{ folder: join(folder, 'archive'), run },
      packages: [{ name: 'openssl', version: NEW, suite: 'bookworm-security' }],
    });
    server = await serveRepository(repository);
    ({ root } = await makeSandbox({
      ...{ folder: join(folder, 'system'), run, repositories: [repository] },
      ...{ uris: new Map([[repository, server.url]]), installed: [{ name: 'openssl', version: OLD }] },
    }));
    home = await homeFor(root);
    ended = await start(['--once', '--json'], home);
  }, START_DEADLINE_MS);

  afterAll(() => server?.close());

  it('names the fix with what it closes, by data whose age it says', () => {
    expect(ended).toMatchObject({ code: 0 });
    const { findings, fixes, feeds } = JSON.parse(ended.stdout);

    expect(fixes).toMatchObject([{ id: `openssl@${NEW}`, from: 'offer', machines: 1, standings: { observing: 1 } }]);
    expect(fixes[0].closes).toBeGreaterThan(3);
    expect(fixes[0].decision).not.toBe('unknown');
    const open = Object.values<number>(findings).reduce((sum, count) => sum + count, 0);
    expect(open).toBeGreaterThanOrEqual(fixes[0].closes);
    expect(feeds.map(({ name }: { readonly name: string }) => name)).toEqual([
      'cve-records',
      'epss',
      'kev',
      'osv-debian',
    ]);
    expect(ended.stderr).toMatch(
      /taking the copy that comes with Selvage: .*osv-debian of \d{4}-\d\d-\d\d, \d+ days old/,
    );
  });

  it(
    'takes the copy once, and leads with the list where people read',
    async () => {
      const again = await start(['--once'], home);

      expect(again).toMatchObject({ code: 0 });
      expect(again.stdout).not.toContain('taking the copy');
      expect(again.stdout).toMatch(/openssl 3\.0\.15-1~deb12u1 +1 +\d+/);
      expect(again.stdout.indexOf('openssl 3.0.15')).toBeLessThan(again.stdout.indexOf('THIS MACHINE'));
      expect(again.stdout).toMatch(/OLD DATA[\s\S]*osv-debian \d+ d\s+old/);
    },
    START_DEADLINE_MS,
  );

  it(
    'says of a distribution that no feed speaks of that nothing is known, and starts all the same',
    async () => {
      writeFileSync(join(root, 'etc/os-release'), 'ID=templeos\nVERSION_ID=5\n');
      const other = await start(['--once', '--json'], await homeFor(root));

      expect(other).toMatchObject({
        code: 0,
        stderr: expect.stringContaining('none here speaks of this distribution'),
      });
      expect(JSON.parse(other.stdout)).toMatchObject({ feeds: [], fixes: [{ closes: 0, decision: 'unknown' }] });
    },
    START_DEADLINE_MS,
  );
});
