// takeover and release as a person types them, below a root of their own and with the real systemctl, which works there without
// any systemd running.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createKeep } from '@selvage/shared/exec/keep.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { writeTree } from '../inventory/testing/context.ts';
import { takeLock } from '../runner/lock.ts';
import { UNATTENDED } from '../updaters/testing/host.ts';
import { runProgram } from './program.ts';

const top = temporaryFolder('takeover');
const TIMER = 'etc/systemd/system/apt-daily-upgrade.timer';
const FRAGMENT = 'etc/apt/apt.conf.d/99selvage-takeover';
const UNITS = {
  'usr/lib/systemd/system/apt-daily-upgrade.timer': '[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n',
  'usr/lib/systemd/system/apt-daily-upgrade.service': '[Service]\nExecStart=/bin/true\n',
  'etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer': '→ /usr/lib/systemd/system/apt-daily-upgrade.timer',
};

function host(mode: string, files: Readonly<Record<string, string>> = {}) {
  const root = mkdtempSync(join(top, 'root-'));
  const runnerDir = join(root, 'runner');
  writeTree(root, { ...UNATTENDED, ...UNITS, ...files });
  mkdirSync(runnerDir);
  const who = { hostId: '3f0c1e52-0c7b-4a52-9d0e-2b8f0a6f1c11', name: 'db-1' };
  writeFileSync(join(runnerDir, 'host.json'), `${JSON.stringify(who)}\n`);
  const settings = join(root, 'settings.json');
  writeFileSync(settings, JSON.stringify({ mode, root, runnerDir, stateDir: join(root, 'state') }));

  return {
    root,
    runnerDir,
    at: (path: string) => join(root, path),
    run: async (...args: readonly string[]) => {
      const output = { stdout: '', stderr: '' };
      const code = await runProgram(['--settings', settings, ...args], {
        stdout: { write: (text: string) => (output.stdout += text) },
        stderr: { write: (text: string) => (output.stderr += text) },
        logLevel: undefined,
        input: async () => '',
        stdin: Readable.from([]),
        run: createRun({}),
        keep: createKeep({}),
        clock: fakeClock('2026-11-23T00:00:00Z'),
        random: seededRandom(1),
        proxies: {},
        entry: '/nowhere/selvage-agent.mjs',
        become: null,
      });

      return { code, ...output };
    },
  };
}

describe('when a host may not be taken over', () => {
  it.each(['observe', 'advise'])('mode %s is refused, and may look', async (mode) => {
    const self = host(mode);

    expect(await self.run('takeover')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('error MODE_FORBIDS'),
    });
    expect(await self.run('takeover', '--dry-run')).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('would be masked'),
    });
    expect(existsSync(join(self.runnerDir, 'takeover.json'))).toBe(false);
  });

  it('nothing happens while a runner is at work', async () => {
    const self = host('managed');
    const lock = await takeLock(join(self.runnerDir, 'lock'));
    expect(await self.run('takeover')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('error PACKAGE_MANAGER_LOCKED'),
    });
    await lock?.release();
    expect(existsSync(self.at(TIMER))).toBe(false);
  });
});

needs(['systemd'], 'with the real systemctl', () => {
  it('takes over, says so, and gives back exactly', async () => {
    const self = host('managed');
    expect(await self.run('takeover')).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'masked   apt-daily-upgrade.timer (was enabled)',
        'masked   apt-daily-upgrade.service (was static)',
        'off      unattended-upgrades, in a file of ours below /etc/apt/apt.conf.d',
        'taken over: Selvage alone updates this host now (2 units saved; give back with: selvage-agent release)',
        'note     no accepted policy has a fallback: without its collector this host stays as it is until: selvage-agent release',
        '',
      ].join('\n'),
    });
    expect(readlinkSync(self.at(TIMER))).toBe('/dev/null');
    expect(readFileSync(self.at(FRAGMENT), 'utf8')).toContain('"0"');
    expect(await self.run('takeover')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no other updater was in the way'),
    });
    expect((await self.run('status')).stdout).toContain('taken over: it alone updates this host');

    expect(await self.run('release', '--dry-run')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('nothing was changed'),
    });
    expect(JSON.parse((await self.run('release', '--json')).stdout)).toMatchObject({
      released: true,
      left: [],
      aptConf: true,
    });
    expect(existsSync(self.at(TIMER))).toBe(false);
    expect(existsSync(self.at(FRAGMENT))).toBe(false);
    expect(readlinkSync(self.at('etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer'))).toContain(
      '/usr/lib',
    );
    expect(await self.run('release')).toMatchObject({
      code: 0,
      stdout: 'nothing is taken over: nothing to give back\n',
    });
  });

  it('does what it can, and ends with 3 and what a person must do where something is left', async () => {
    const self = host('managed', { 'etc/cron.d/patch': '0 4 * * * root dnf -y update \u001b[2J\n' });
    const done = await self.run('takeover');

    expect(done.code).toBe(3);
    expect(done.stderr).toMatch(
      /^error OTHER_UPDATER_ACTIVE: cron: etc\/cron.d\/patch:1: only a person.*\nnext: take the job out of \/etc\/cron.d\/patch:1/,
    );
    expect(done.stdout).toContain('masked   apt-daily-upgrade.timer');
    expect(done.stdout).toContain('taken over: nothing is installed until the rest is stopped too');
    expect(`${done.stdout}${done.stderr}`).not.toContain('\u001b');
    expect(readlinkSync(self.at(TIMER))).toBe('/dev/null');
  });

  it('leaves a mask that somebody else had set, before and after', async () => {
    const self = host('managed', { [TIMER]: '→ /dev/null' });
    expect(await self.run('takeover')).toMatchObject({ code: 0 });
    expect(await self.run('release')).toMatchObject({ code: 0 });

    expect(readlinkSync(self.at(TIMER))).toBe('/dev/null');
  });
});
