// The machine that the other tests here stand on: it is a real one, it keeps its disk over a restart, and it leaves nothing outside.
import { existsSync } from 'node:fs';
import { needs } from '@selvage/shared/testing/needs.ts';
import { describe, expect, it } from 'vitest';
import { bootMachine } from './testing/machine.ts';

const isRoot = process.getuid?.() === 0;

needs(['systemd', 'unshare', 'ip'], 'a machine of its own', () => {
  describe.runIf(isRoot)('when it has booted', () => {
    it('runs its own systemd, starts nothing of the machine around it, and keeps its disk', async () => {
      const machine = await bootMachine();
      const running = ['list-units', '--no-legend', '--plain', '--type=service', '--state=running'];
      const units = (await machine.command('systemctl', ...running)).trim().split('\n');
      expect(units.map((line) => line.split(' ')[0])).toEqual(['systemd-journald.service']);

      await machine.put('/etc/of-the-lab', 'kept');
      expect(existsSync('/etc/of-the-lab')).toBe(false);
      await machine.shutDown();
      await machine.boot();
      expect(await machine.read('/etc/of-the-lab')).toBe('kept');
    });
  });
});
