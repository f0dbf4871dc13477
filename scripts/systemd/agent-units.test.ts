// The agent's units on a real systemd, with its real package on a real `/`: what runs as whom and when, and that nothing which happens to
// services ends an installation half-way.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '@selvage/shared/testing/needs.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { waitFor } from '../lab/waiting.ts';
import { type AgentMachine, HOST, makeAgentMachine } from './testing/agent-machine.ts';

const PARTS = ['systemd', 'unshare', 'ip', 'dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'patchelf'] as const;
const DEADLINE_MS = 45_000;
const isRoot = process.getuid?.() === 0;
const UNITS = join(import.meta.dirname, '../../packaging/agent/systemd');
const _POLICY = `kind: PatchPolicy
name: servers
select: { labels: { tier: [lab] } }
allow: { from: [security] }
lanes:
  scheduled: { approve: manual, delay: 12s, window: any, rings: [{ rest: true }] }
  urgent: { approve: manual, delay: 0h, window: any, rings: [{ rest: true }] }
`;

needs(PARTS, 'the agent on a machine with systemd', () => {
  describe.runIf(isRoot)('and its package installed', () => {
    let lab: AgentMachine;
    beforeAll(async () => {
      lab = await makeAgentMachine(['timed', 'slow', 'stopped', 'cut', 'last']);
    }, 120_000);
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

    it('is off until it is enrolled, whatever is started', async () => {
      await lab.machine.systemctl('enable', '--now', 'selvage-agent.target');
      for (const unit of readdirSync(UNITS)) await lab.machine.systemctl('start', unit);

      expect(await own('service,path,timer')).toEqual([]);
    });

    it('enrolled, the connector is its own user without any privilege, and the host is seen with what other users run', async () => {
      process.stderr.write(await lab.enroll('--now'));
      await waitFor(
        'the inventory',
        async () => {
          const { stdout } = await lab.collector.selvage(['host', 'show', HOST, '--json']);

          return (JSON.parse(stdout) as { host: { inventoryAt: string | null } }).host.inventoryAt;
        },
        15_000,
        () => 'none',
      ).catch(async (error) => {
        process.stderr.write(await lab.machine.command('sh','-c','ls -laR /var/lib/selvage-agent/lists | head -60; journalctl --no-pager -o short-precise | grep -i selvage | tail -60'));
        for (const u of [
          'selvage-agent.service',
          'selvage-agent-lists.service',
          'selvage-agent-inventory.service',
          'selvage-agent-inventory.path',
          'selvage-agent-run.service',
        ])
          process.stderr.write(`${u}\n${(await lab.machine.journal(u)).join('\n')}\n`);
        throw error;
      });
      process.stderr.write((await lab.collector.selvage(['host', 'show', HOST])).stdout);
      process.stderr.write(await lab.machine.command('selvage-agent', 'status'));
    });
  });
});
