// The collector's unit on a real systemd, with its real package: off until it was made, then a service without privileges.
import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { needs } from '@selvage/shared/testing/needs.ts';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { freePorts } from '../lab/free-ports.ts';
import { bootMachine, type Machine } from './testing/machine.ts';
import { packProduct } from './testing/packages.ts';

/** For machines that do much else at the same time. */
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
const isRoot = process.getuid?.() === 0;
const UNIT = 'selvage.service';
const FILES = 65_536;

needs(['systemd', 'unshare', 'ip', 'dpkg-deb', 'patchelf'], 'the collector on a machine with systemd', () => {
  describe.runIf(isRoot)('and its package installed', () => {
    let machine: Machine;
    let file: string;
    beforeAll(async () => {
      const [deb, booted] = await Promise.all([packProduct('collector'), bootMachine()]);
      machine = booted;
      file = `/root/${basename(deb)}`;
      await copyFile(deb, join(machine.root, file));
      await machine.command('dpkg', '-i', file);
    });

    it('its unit is understood by systemd to the last word, and is off until there is a collector', async () => {
      const { stdout, stderr } = await machine.inside('systemd-analyze', ['verify', '--man=no', UNIT]);
      expect(`${stdout}${stderr}`).toBe('');
      await machine.command('systemctl', 'enable', '--now', UNIT);

      expect((await machine.show(UNIT)).ActiveState).toBe('inactive');
    });

    it('made, it serves as its own user, with room for its agents and without any privilege', async () => {
      const [gateway = 0, api = 0] = await freePorts(2);
      const ports = ['--gateway-port', `${gateway}`, '--api-port', `${api}`];
      expect(await machine.command('selvage', 'init', '--local', ...ports)).toMatch(
        /^next: systemctl enable --now selvage.service$/m,
      );
      await machine.command('systemctl', 'start', UNIT);
      await machine.until(UNIT, 'to run', ({ SubState }) => SubState === 'running');
      await machine.answers(() => machine.inside('selvage', ['host', 'list', '--json']));
      const { MainPID } = await machine.show(UNIT);
      const status = await machine.read(`/proc/${MainPID}/status`);
      const uid = (await machine.command('id', '-u', 'selvage')).trim();

      expect(status).toMatch(new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, 'm'));
      expect(status).toMatch(/^CapPrm:\t0{16}$/m);
      expect((await machine.show(UNIT)).LimitNOFILE).toBe(`${FILES}`);
    });

    it('comes up by itself after a restart of the machine', async () => {
      await machine.shutDown();
      await machine.boot();
      await machine.until(UNIT, 'to run', ({ SubState }) => SubState === 'running');
      const { stdout } = await machine.answers(() => machine.inside('selvage', ['host', 'list', '--json']));

      expect(JSON.parse(stdout)).toMatchObject({ hosts: [] });
    });

    it('removed and installed again it goes on; a link of the service’s user leads root nowhere', async () => {
      await machine.put('/etc/precious', 'precious');
      const asUser = ['--reuid=selvage', '--regid=selvage', '--clear-groups', '--'];
      await machine.command('setpriv', ...asUser, 'ln', '-s', '/etc/precious', '/var/lib/selvage/was-on');
      await machine.command('dpkg', '-r', 'selvage');
      expect(await machine.read('/etc/precious')).toBe('precious');
      expect((await machine.show(UNIT)).ActiveState).toBe('inactive');
      await machine.command('dpkg', '-i', file);

      await machine.until(UNIT, 'to run', ({ SubState }) => SubState === 'running');
      expect((await machine.inside('ls', ['/var/lib/selvage'])).stdout).not.toContain('was-on');
    });
  });
});
