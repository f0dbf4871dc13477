// The agent's units on a real systemd, with its real package on a real `/`: what runs as whom and when, and that nothing which happens to
// services ends an installation half-way.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { needs } from '@selvage/shared/testing/needs.ts';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { documentOf } from '../lab/commands.ts';
import { waitFor } from '../lab/waiting.ts';
import { type AgentMachine, HOST, makeAgentMachine } from './testing/agent-machine.ts';
import { NEXT_VERSION } from './testing/packages.ts';

const PARTS = ['systemd', 'unshare', 'ip', 'dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'patchelf'] as const;
/** For machines that do much else at the same time; alone, all of it takes half a minute. */
const DEADLINE_MS = 180_000;
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
const isRoot = process.getuid?.() === 0;
const UNITS = join(import.meta.dirname, '../../packaging/agent/systemd');
/** The delay is longer than a busy machine takes from an approval to the timer that waits for its end. */
const POLICY = `kind: PatchPolicy
name: servers
select: { labels: { tier: [lab] } }
allow: { from: [security] }
lanes:
  scheduled: { approve: manual, delay: 30s, window: any, rings: [{ rest: true }] }
  urgent: { approve: manual, delay: 0h, window: any, rings: [{ rest: true }] }
`;

needs(PARTS, 'the agent on a machine with systemd', () => {
  describe.runIf(isRoot)('and its package installed', () => {
    let lab: AgentMachine;
    beforeAll(async () => {
      lab = await makeAgentMachine(['timed', 'slow', 'stopped', 'cut', 'last']);
    });
    const own = async (type: string) =>
      (
        await lab.machine.command(
          'systemctl',
          'list-units',
          '--plain',
          '--no-legend',
          `--type=${type}`,
          'selvage-agent*',
        )
      )
        .split('\n')
        .flatMap((line) => line.split(' ')[0] || []);

    it('every unit is understood by systemd to the last word', async () => {
      const units = readdirSync(UNITS).map((name) => `/usr/lib/systemd/system/${name}`);
      const { exitCode, stdout, stderr } = await lab.machine.inside('systemd-analyze', [
        'verify',
        '--man=no',
        ...units,
      ]);

      expect(`${stdout}${stderr}`).toBe('');
      expect(exitCode).toBe(0);
    });

    it.each([
      ['selvage-agent.service', 1.5],
      ['selvage-agent-fetch.service', 1.5],
      ['selvage-agent-lists.service', 3],
      ['selvage-agent-inventory.service', 3.5],
    ])('%s gives an attacker no more than systemd counts as %f of 10', async (unit, most) => {
      const { stdout } = await lab.machine.inside('systemd-analyze', ['security', '--no-pager', unit]);

      expect(Number(/Overall exposure level for \S+: (\S+)/.exec(stdout)?.[1])).toBeLessThanOrEqual(most);
    });

    it('is off until it is enrolled, whatever is started', async () => {
      await lab.machine.systemctl('enable', '--now', 'selvage-agent.target');
      for (const unit of readdirSync(UNITS)) await lab.machine.systemctl('start', unit);

      expect(await own('service,path,timer')).toEqual([]);
    });

    it('enrolled, the connector is its own user without any privilege, and stays connected', async () => {
      expect(await lab.enroll('--now')).toMatch(/^running from now on, also after a restart/m);
      await lab.machine.until('selvage-agent.service', 'to run', ({ SubState }) => SubState === 'running');
      const { MainPID } = await lab.machine.show('selvage-agent.service');
      const look = () => lab.machine.read(`/proc/${MainPID}/status`);
      // It runs as soon as it was forked; until the program is executed it is systemd on its way there, named in parentheses.
      await expect.poll(look).not.toMatch(/^Name:\t\(/);
      const status = await look();
      const uid = (await lab.machine.command('id', '-u', 'selvage-agent')).trim();

      expect(status).toMatch(new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, 'm'));
      expect(status).toMatch(/^CapPrm:\t0{16}$/m);
      expect(status).toMatch(/^CapBnd:\t0{16}$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(await own('service')).toContain('selvage-agent.service');
      expect(await own('path,timer')).toEqual([
        'selvage-agent-fetch.path',
        'selvage-agent-inventory.path',
        'selvage-agent-run.path',
        'selvage-agent-run.timer',
      ]);
    });

    it('the inventory comes from a unit of its own, which sees what other users run', async () => {
      await waitFor('the inventory', async () => (await shown()).inventoryAt, DEADLINE_MS);
      const { unknown } = await shown();

      expect(unknown).toEqual([]);
      expect(await deposited('staleProcesses')).toMatchObject({ complete: true, unreadable: 0 });
    });

    it('the connector’s user can wake the runner, and do nothing else to any unit', async () => {
      const asUser = (...args: readonly string[]) =>
        lab.machine.inside('setpriv', [
          '--reuid=selvage-agent',
          '--regid=selvage-agent',
          '--clear-groups',
          '--',
          ...args,
        ]);
      const wake = '/var/lib/selvage-agent/policy/wake';
      for (const verb of ['start', 'stop', 'kill', 'edit', 'set-property']) {
        expect((await asUser('systemctl', verb, 'selvage-agent-run.service')).exitCode).not.toBe(0);
      }
      expect((await asUser('systemd-run', 'id')).exitCode).not.toBe(0);
      const places =
        '/etc/systemd /run/systemd/system /usr/lib/systemd /usr/lib/selvage-agent /var/lib/selvage-runner /etc/selvage-agent';
      expect((await asUser('sh', '-c', `find ${places} -writable ! -type l`)).stdout).toBe('');
      // Whatever lies there, and however often it changes.
      const hostile = `cd /var/lib/selvage-agent/policy; for i in 1 2 3 4 5 6 7 8 9; do touch wake; rm -rf wake; ln -s /etc/shadow wake; rm wake; mkdir wake; rmdir wake; done; mkfifo wake`;
      expect((await asUser('sh', '-c', hostile)).exitCode).toBe(0);
      await lab.machine.until('selvage-agent-run.service', 'to have ended', ({ SubState }) => SubState === 'dead');
      expect((await lab.machine.show('selvage-agent-run.path')).ActiveState).toBe('active');
      expect((await asUser('rm', wake)).exitCode).toBe(0);
    });

    it('new signed policy wakes the runner, which waits to the second for the earliest time and installs', async () => {
      await lab.push(POLICY);
      await lab.approve('timed', 'scheduled');
      await lab.machine.until('selvage-agent-next.timer', 'to wait', ({ SubState }) => SubState === 'waiting');
      const { NextElapseUSecRealtime } = await lab.machine.show('selvage-agent-next.timer');
      expect(await lab.versionOf('timed')).toBe('installed 1.0');
      const result = await lab.result('timed', 'installed');

      expect(await lab.versionOf('timed')).toBe('installed 2.0');
      expect(result.evidence?.packages).toMatchObject([{ name: 'timed', version: '2.0', state: 'installed' }]);
      expect(Date.parse(result.startedAt)).toBeGreaterThanOrEqual(Date.parse(`${NextElapseUSecRealtime?.slice(4)}`));
      // What changed on the host is seen without waiting for the next hour.
      await waitFor('the new inventory', async () => ((await shown()).security === 5 ? true : null), DEADLINE_MS);
    });

    it('a connector that is killed, restarted or told of new units leaves an installation alone', async () => {
      await lab.hold('slow');
      await lab.approve('slow', 'urgent');
      await lab.held('slow');
      const scope = await installing();
      await lab.machine.command('systemctl', 'kill', '--signal=KILL', 'selvage-agent.service');
      await lab.machine.command('systemctl', 'restart', 'selvage-agent.service');
      await lab.machine.command('systemctl', 'daemon-reload');
      // Even all of the runner's own unit.
      await lab.machine.command('systemctl', 'kill', '--kill-whom=all', '--signal=KILL', 'selvage-agent-run.service');
      await lab.machine.until(
        'selvage-agent-run.service',
        'to have ended',
        ({ ActiveState }) => ActiveState === 'failed',
      );
      expect(await installing()).toEqual(scope);
      await lab.letGo('slow');
      await waitFor('dpkg to end', async () => ((await installing()).length === 0 ? true : null), DEADLINE_MS);

      expect(await lab.versionOf('slow')).toBe('installed 2.0');
      await lab.machine.systemctl('start', 'selvage-agent-run.service');
      expect((await lab.result('slow', 'installed')).evidence?.packages).toMatchObject([{ version: '2.0' }]);
      expect(await lab.configured('slow')).toBe(1);
    });

    it('stopping the runner is waiting for what it has begun, and beginning nothing more', async () => {
      await lab.hold('stopped');
      await lab.approve('stopped', 'urgent');
      await lab.held('stopped');
      const stopping = lab.machine.systemctl('stop', 'selvage-agent-run.service');
      await lab.machine.until(
        'selvage-agent-run.service',
        'to be stopping',
        ({ SubState }) => SubState === 'stop-sigterm',
      );
      expect(await lab.versionOf('stopped')).toBe('half-configured 2.0');
      expect(await lab.machine.show('selvage-agent-run.service')).toMatchObject({
        TimeoutStopUSec: 'infinity',
        SendSIGKILL: 'no',
        KillMode: 'process',
      });
      await lab.letGo('stopped');
      await stopping;

      expect(await lab.versionOf('stopped')).toBe('installed 2.0');
      expect(await lab.configured('stopped')).toBe(1);
      await lab.result('stopped', 'installed');
    });

    it('cut off in the middle of an installation, it comes up by itself, repairs and reports', async () => {
      await lab.hold('cut');
      await lab.approve('cut', 'urgent');
      await lab.held('cut');
      await lab.machine.cut();
      await lab.forget('cut');
      await lab.machine.boot();
      const result = await lab.result('cut', 'installed');

      expect(result.evidence?.packages).toMatchObject([{ version: '2.0', state: 'installed' }]);
      expect(await lab.configured('cut')).toBe(2);
      expect(await lab.machine.command('selvage-agent', 'status')).toMatch(/^connected {4}since/m);
    });

    it('its own upgrade restarts the connector, lets the runner that installs it end well, and starts nothing that was stopped', async () => {
      await lab.machine.command('systemctl', 'stop', 'selvage-agent-run.timer');
      const before = await lab.machine.show('selvage-agent.service');
      await lab.approve('selvage-agent', 'urgent', NEXT_VERSION);
      await lab.result('selvage-agent', 'installed');
      await lab.machine.until('selvage-agent-run.service', 'to have ended', ({ SubState }) => SubState === 'dead');
      await lab.machine.until(
        'selvage-agent.service',
        'to be another process',
        ({ SubState, MainPID }) => SubState === 'running' && MainPID !== before.MainPID,
      );

      expect(await lab.versionOf('selvage-agent')).toBe(`installed ${NEXT_VERSION}`);
      expect((await lab.machine.show('selvage-agent-run.service')).Result).toBe('success');
      expect(
        (await lab.machine.journal('selvage-agent-run.service')).filter((line) => /ERR_|Cannot find/.test(line)),
      ).toEqual([]);
      expect(await lab.machine.command('selvage-agent', 'plan')).toMatch(/installed already/);
      expect((await lab.machine.show('selvage-agent-run.timer')).ActiveState).toBe('inactive');
      await lab.machine.command('systemctl', 'start', 'selvage-agent-run.timer');
    });

    it('takeover masks the timers of others, and release gives all of it back exactly', async () => {
      // As the package of unattended-upgrades lays them down, which the machine around may have or not.
      await lab.machine.put('/usr/bin/unattended-upgrade', '#!/bin/sh\n', 0o755);
      await lab.machine.put('/etc/apt/apt.conf.d/20auto-upgrades', 'APT::Periodic::Unattended-Upgrade "1";\n');
      // Not due: what is tested is the timer, not what it starts.
      await lab.machine.put('/var/lib/systemd/timers/stamp-apt-daily-upgrade.timer', '');
      await lab.machine.command('systemctl', 'enable', '--now', 'apt-daily-upgrade.timer');
      await lab.machine.command('systemctl', 'mask', 'apt-daily.timer');
      const others = ['apt-daily.timer', 'apt-daily-upgrade.timer'];
      const states = async () => [
        (await lab.machine.systemctl('list-unit-files', '--no-legend')).stdout,
        (await lab.machine.systemctl('is-active', ...others)).stdout,
      ];
      const before = await states();
      expect(before.join()).toMatch(/apt-daily.timer +masked/);
      await lab.machine.command('selvage-agent', 'takeover');
      const taken = (await lab.machine.systemctl('is-enabled', ...others)).stdout.split('\n');
      expect(taken.slice(0, 2)).toEqual(['masked', 'masked']);
      expect((await lab.machine.systemctl('is-active', 'apt-daily-upgrade.timer')).stdout.trim()).toBe('inactive');
      await lab.machine.command('selvage-agent', 'release');

      expect(await states()).toEqual(before);
      await lab.machine.command('systemctl', 'disable', '--now', 'apt-daily-upgrade.timer');
    });

    it('removal of the package waits for the safe boundary, and what is off is said', async () => {
      await lab.hold('last');
      await lab.approve('last', 'urgent');
      await lab.held('last');
      // While dpkg itself is at work nobody else gets it.
      expect((await lab.machine.inside('dpkg', ['-r', 'selvage-agent'])).exitCode).toBe(2);
      expect(await own('service')).toContain('selvage-agent.service');
      const removing = lab.machine.inside('sh', ['/var/lib/dpkg/info/selvage-agent.prerm', 'remove']);
      await lab.machine.until(
        'selvage-agent-run.service',
        'to be stopping',
        ({ SubState }) => SubState === 'stop-sigterm',
      );
      expect(await lab.versionOf('last')).toBe('half-configured 2.0');
      await lab.letGo('last');
      expect(await removing).toMatchObject({ exitCode: 0 });

      expect(await lab.versionOf('last')).toBe('installed 2.0');
      expect(await lab.machine.command('selvage-agent', 'status')).toMatch(/^wrong {8}SERVICE_OFF: /m);
      await lab.machine.command('dpkg', '-r', 'selvage-agent');
      expect(await own('service,path,timer,target')).toEqual([]);
    });

    const shown = async () =>
      documentOf<{ host: { inventoryAt: string | null; security: number | null; unknown: readonly string[] } }>(
        await lab.collector.selvage(['host', 'show', HOST, '--json']),
      ).host;
    const installing = async () =>
      (await lab.machine.command('systemctl', 'list-units', '--plain', '--no-legend', 'selvage-agent-install-*'))
        .split('\n')
        .filter((line) => line !== '');
    const deposited = async (section: string) => {
      const { changed } = JSON.parse(await lab.machine.read('/var/lib/selvage-agent/lists/deposit.json')) as {
        changed: Record<string, string>;
      };

      return JSON.parse(zstdDecompressSync(Buffer.from(changed[section] ?? '', 'base64')).toString()) as unknown;
    };
  });
});
