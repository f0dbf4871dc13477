import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, expect, it } from 'vitest';
import { makeRepository, type Repository, tamper } from './repository.ts';
import { makeSandbox, type Sandbox } from './sandbox.ts';

const run = createRun({});
const PARTS = ['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'busybox-static', 'unshare'] as const;
const MARK = '/var/lib/selvage-lab-mark';
const DEADLINE_MS = 120_000;

/** Name, size and time of everything below a folder of the machine. */
function state(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => {
      const { size, mtimeMs } = lstatSync(join(folder, name));

      return `${name} ${size} ${mtimeMs}`;
    });
}

const apt = (sandbox: Sandbox, args: readonly string[]) =>
  sandbox.run({ file: 'apt-get', args, env: { APT_CONFIG: sandbox.aptConfig }, deadlineMs: DEADLINE_MS });

needs(PARTS, 'when a system is sandboxed', () => {
  let repository: Repository;
  let sandbox: Sandbox;
  let before: readonly string[];
  beforeAll(async () => {
    const folder = temporaryFolder('sandbox');
    before = state('/var/lib/dpkg');
    repository = await makeRepository({
      folder: join(folder, 'archive'),
      run,
      packages: [{ name: 'widget', version: '2.0', scripts: { postinst: `pwd > ${MARK}; ls / >> ${MARK}` } }],
    });
    sandbox = await makeSandbox({
      folder: join(folder, 'host'),
      run,
      repositories: [repository],
      installed: [
        {
          name: 'widget',
          version: '1.0',
          files: { '/etc/widget.conf': 'a=1\n' },
          conffiles: ['/etc/widget.conf'],
          scripts: { postinst: `echo first > ${MARK}` },
        },
      ],
    });
  });

  it('has really installed packages, whose scripts ran inside', async () => {
    expect([...(await sandbox.versions())]).toEqual([['widget', '1.0']]);
    expect(readFileSync(join(sandbox.root, MARK), 'utf8')).toBe('first\n');
    expect(readFileSync(join(sandbox.root, 'etc/widget.conf'), 'utf8')).toBe('a=1\n');
  });

  it('upgrades with the real apt from the signed archive, without network, and the scripts chroot', async () => {
    expect(await apt(sandbox, ['update', '-q'])).toMatchObject({ exitCode: 0 });
    expect(await apt(sandbox, ['install', '-y', '-q', 'widget=2.0'])).toMatchObject({ exitCode: 0 });

    const [folder, ...entries] = readFileSync(join(sandbox.root, MARK), 'utf8').trimEnd().split('\n');
    expect([...(await sandbox.versions())]).toEqual([['widget', '2.0']]);
    expect(folder).toBe('/');
    expect(entries).toEqual(readdirSync(sandbox.root).sort());
  });

  it('changes nothing of the machine', () => {
    expect(existsSync(MARK)).toBe(false);
    expect(state('/var/lib/dpkg')).toEqual(before);
  });

  it('runs as an ordinary user who is root only inside, without network', async () => {
    const script = 'id -u; cat /proc/self/uid_map; readlink /proc/self/ns/net; test -w /var/lib/dpkg/status || echo no';
    const { stdout } = await sandbox.run({ file: 'sh', args: ['-c', script], deadlineMs: DEADLINE_MS });
    const [uid, inside, outside, count, network, writable] = stdout.trim().split(/\s+/);

    expect([uid, inside, outside, count]).toEqual(['0', '0', String(sandbox.user.uid), '1']);
    expect(sandbox.user.uid).not.toBe(0);
    expect(network).toMatch(/^net:/);
    expect(network).not.toBe(readlinkSync('/proc/self/ns/net'));
    expect(writable).toBe('no');
  });

  it('lets the ordinary user read lists with the network, as no root at all', async () => {
    const { stdout } = await sandbox.runUnprivileged({ file: 'id', args: ['-u'], deadlineMs: DEADLINE_MS });

    expect(Number(stdout)).toBe(sandbox.user.uid);
  });

  it('says what is not installed', async () => {
    await expect(sandbox.run({ file: 'no-such-program', deadlineMs: DEADLINE_MS })).rejects.toMatchObject({
      code: 'TOOL_MISSING',
    });
  });

  it('refuses a changed package of the archive', async () => {
    await repository.publish({ packages: [{ name: 'widget', version: '3.0' }] });
    await apt(sandbox, ['update', '-q']);
    await tamper(repository.poolFile('widget', '3.0'));
    const { exitCode, stderr } = await apt(sandbox, ['install', '-y', '-q', 'widget']);

    expect(exitCode).toBe(100);
    expect(stderr).toContain('Hash Sum mismatch');
    expect([...(await sandbox.versions())]).toEqual([['widget', '2.0']]);
  });
});
