// The machine that the other tests here stand on: it is a real one, it keeps its disk over a restart, and it leaves nothing outside.
import { existsSync } from 'node:fs';
import { needs } from '@selvage/shared/testing/needs.ts';
import { describe, expect, it, vi } from 'vitest';
import { bootMachine } from './testing/machine.ts';

/** For machines that do much else at the same time. */
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });
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

    it('what the runner’s unit is denied is denied, and its package manager in a scope is not', async () => {
      const machine = await bootMachine();
      const listen =
        'my $s = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1:4711"); close $s->accept while 1';
      await machine.command('systemd-run', 'perl', '-MIO::Socket::INET', '-e', listen);
      const connect = 'echo > /dev/tcp/127.0.0.1/4711';
      await machine.command('bash', '-c', `until ${connect}; do sleep 0.1; done 2>/dev/null`);
      const deny = ['systemd-run', '--property=IPAddressDeny=any', '--remain-after-exit'];
      const ended = async (unit: string, ...command: readonly string[]) => {
        await machine.command(deny[0] ?? '', ...deny.slice(1), `--unit=${unit}`, ...command);
        await machine.until(unit, 'to end', ({ SubState }) => SubState === 'exited' || SubState === 'failed');

        return (await machine.show(unit)).Result;
      };

      expect(await ended('denied.service', 'timeout', '3', 'bash', '-c', connect)).toBe('exit-code');
      expect(await ended('outside.service', 'systemd-run', '--scope', 'bash', '-c', connect)).toBe('success');
    });
  });
});
