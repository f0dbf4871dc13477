// What whoever owns the mirror folder can put there, against the real apt: planted as that user, before and while the privileged
// half works. Nothing that the archive did not sign is ever installed, nothing hangs, nothing of root's is read, no disk is filled.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildDeb, type DebSpec } from '../../../scripts/lab/deb.ts';
import { type MirrorHost, mirrorHost } from './testing/mirror-host.ts';

const PARTS = ['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'busybox-static', 'unshare'] as const;
const run = createRun({});
const top = temporaryFolder('planted');
const quiet = { line: () => undefined };
const alpha: PackageVersion = { name: 'alpha', version: '2.0', arch: 'amd64' };
const DEB = 'pool/bookworm/main/a/alpha/alpha_2.0_amd64.deb';
const LIST = 'dists/bookworm/main/binary-amd64/Packages';
const INDEX = 'dists/bookworm/InRelease';
const TEN_GB = 10 * 1024 ** 3;
const MARK = '/var/lib/alpha-is';
const refused = { code: 'MIRROR_REFUSED' };
const spec = (word: string): DebSpec => ({ ...alpha, scripts: { postinst: `echo ${word} > ${MARK}` } });

needs(PARTS, 'a mirror folder of somebody else', () => {
  let host: MirrorHost;
  let kept: string;
  let busy: ChildProcess | undefined;
  beforeAll(async () => {
    host = await mirrorHost(top, { offered: [spec('genuine')], installed: [{ ...alpha, version: '1.0' }] });
    await host.fetch(alpha);
    kept = join(host.sandbox.folder, 'kept');
    cpSync(host.packages, kept, { recursive: true });
  });
  // As the fetcher left it, whatever was planted.
  beforeEach(() => {
    for (const name of readdirSync(host.packages)) rmSync(join(host.packages, name), { recursive: true, force: true });
    cpSync(kept, host.packages, { recursive: true });
  });
  afterEach(async () => {
    if (busy?.pid === undefined) return;
    const ended = once(busy, 'close');
    // Its programs too: one of them may be writing just now.
    process.kill(-busy.pid, 'SIGKILL');
    await ended;
    busy = undefined;
  });
  const version = async () => (await host.sandbox.versions()).get('alpha');
  const word = () => {
    const path = join(host.sandbox.root, MARK);

    return existsSync(path) ? readFileSync(path, 'utf8').trim() : null;
  };
  const own = () =>
    readdirSync(join(host.sandbox.folder, 'agent/runner/apt/mirror'), { recursive: true, encoding: 'utf8' });

  describe('when something is planted in place of a file', () => {
    const inPlace: readonly (readonly [string, (path: string) => string])[] = [
      ['a link to a file of root', (path) => `rm ${path}; ln -s /etc/shadow ${path}`],
      ['a link to the very file', (path) => `mv ${path} away; ln -s $PWD/away ${path}`],
      ['a hard link', (path) => `ln ${path} second`],
      ['a FIFO', (path) => `rm ${path}; mkfifo ${path}`],
      ['a folder', (path) => `rm ${path}; mkdir ${path}`],
      ['a file without an end', (path) => `rm ${path}; ln -s /dev/zero ${path}`],
      ['10 GB that take no room', (path) => `truncate -s ${TEN_GB} ${path}`],
      ['a link in place of its folder', (path) => `d=$(dirname ${path}); mv $d away; ln -s $PWD/away $d`],
      ['a byte more', (path) => `printf x >> ${path}`],
    ];

    it.each(inPlace)('%s: the package is refused at once, and nothing is installed', async (_, plant) => {
      await host.installer.loadMirror();
      host.plant(plant(DEB));

      await expect(host.installer.prepare([alpha])).rejects.toMatchObject(refused);
      expect(await version()).toBe('1.0');
      expect(own().filter((name) => name.endsWith('.deb'))).toEqual([]);
    });

    it.each(inPlace)('%s: so is a list', async (_, plant) => {
      host.plant(plant(LIST));

      await expect(host.installer.loadMirror()).rejects.toMatchObject(refused);
    });

    it.each(inPlace)('%s: and so is the signed index', async (_, plant) => {
      host.plant(plant(INDEX));

      await expect(host.installer.loadMirror()).rejects.toMatchObject(refused);
    });
  });

  describe('when the folder itself is not what it should be', () => {
    it('a link in place of the folder of a repository is refused', async () => {
      host.plant('d=$(basename $PWD); cd ..; mv $d .away; ln -s .away $d');

      await expect(host.installer.loadMirror()).rejects.toMatchObject(refused);
    });

    it('names with line ends and a great many files are refused without being looked through', async () => {
      host.plant('cd ..; touch "$(printf "a\\nb")"');
      await expect(host.installer.loadMirror()).rejects.toMatchObject(refused);
      rmSync(join(host.packages, 'a\nb'));
      host.plant('cd ..; i=0; while [ $i -lt 3000 ]; do : > f$i; i=$((i+1)); done');
      await expect(host.installer.loadMirror()).rejects.toMatchObject(refused);
    });

    it('files that no index names are never looked at, however many', async () => {
      host.plant(
        'i=0; while [ $i -lt 3000 ]; do : > pool/f$i; : > dists/bookworm/f$i; i=$((i+1)); done; mkfifo dists/x',
      );
      await host.installer.loadMirror();
      await host.installer.prepare([alpha]);

      expect(own().filter((name) => /^(f\d+|x)$/.test(basename(name)))).toEqual([]);
    });

    it('a file that its owner made unreadable is only bytes', async () => {
      host.plant(`chmod 0 ${INDEX}`);
      const reading = host.installer.loadMirror();

      // For an ordinary user it is an error of the system; as root it is read like any other.
      if (process.getuid?.() === 0) await expect(reading).resolves.toMatchObject({ repositories: [{}] });
      else await expect(reading).rejects.toMatchObject({ code: expect.any(String) });
    });

    it('an index that claims more than the largest archive has is refused before it is copied', async () => {
      const path = join(host.mirror(), INDEX);
      const text = readFileSync(path, 'utf8');
      writeFileSync(path, text.replace(/^( [0-9a-f]{64} +)\d+( main\/binary-amd64\/Packages)$/m, `$1${TEN_GB}$2`));
      truncateSync(join(host.mirror(), LIST), TEN_GB);

      await expect(host.installer.loadMirror()).rejects.toMatchObject(refused);
      expect(statSync(join(host.mirror(), LIST)).size).toBe(TEN_GB);
      expect(own().filter((name) => name.endsWith('Packages'))).toEqual([]);
    });
  });

  describe('when files are exchanged all the time while the runner works', () => {
    it('what is installed is what the archive signed, or nothing', async () => {
      const forged = await buildDeb(run, spec('forgedd'), join(host.sandbox.folder, 'forged'));
      expect(statSync(forged).size).toBe(statSync(host.deb('alpha')).size);
      copyFileSync(forged, join(host.mirror(), 'forged'));
      copyFileSync(host.deb('alpha'), join(host.mirror(), 'genuine'));
      chmodSync(join(host.mirror(), 'forged'), 0o644);
      host.plant('true');
      const { user } = host.sandbox;
      const script = `while [ -e genuine ]; do cp forged t1; mv t1 ${DEB}; cat genuine > ${DEB}; cp genuine t2; mv t2 ${DEB}; cat forged > ${DEB}; done`;
      busy = spawn('/bin/sh', ['-c', script], {
        cwd: host.mirror(),
        stdio: 'ignore',
        detached: true,
        ...(user.dropped ? { uid: user.uid, gid: user.gid } : {}),
      });
      await host.installer.loadMirror();
      const outcomes = new Set<string>();

      for (let attempt = 0; attempt < 15; attempt++) {
        const outcome = await host.installer.prepare([alpha]).then(
          () => 'taken',
          (error: { code: string }) => error.code,
        );
        outcomes.add(outcome);
        if (outcome === 'taken') break;
      }
      for (const outcome of outcomes) expect(['taken', 'MIRROR_REFUSED', 'NOT_FETCHED']).toContain(outcome);
      await host.installer.install([alpha], quiet).catch(() => undefined);

      expect([null, 'genuine']).toContain(word());
      expect(word() === 'genuine').toBe(outcomes.has('taken'));
    });

    it('and when all of it goes after the check, what was checked is installed', async () => {
      await host.installer.loadMirror();
      await host.installer.prepare([alpha]);
      host.plant('rm -rf ./*');
      await host.installer.install([alpha], quiet);

      expect([await version(), word()]).toEqual(['2.0', 'genuine']);
    });
  });
});
