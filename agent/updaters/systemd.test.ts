// The real thing: systemd as PID 1 of its own namespaces, the real units of apt, and this agent's own commands in it. The fake that the
// other tests use is held against the same steps.
import { join } from 'node:path';
import type { RunOptions } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { describe, expect, it } from 'vitest';
import { bootMachine, type Machine } from '../../scripts/systemd/testing/machine.ts';
import { fakeUnit, fakeUnits } from './testing/fake-units.ts';
import { createUnits, type Units } from './units.ts';

const root = process.getuid?.() === 0;
const AGENT = join(import.meta.dirname, '../bin/selvage-agent.mjs');
const TIMER = 'apt-daily-upgrade.timer';
const SERVICE = 'apt-daily-upgrade.service';
const SETTINGS = '/etc/selvage-agent/settings.json';

describe.skipIf(!root)('on a machine with systemd', () => {
  needs(['unshare', 'systemd', 'apt-get'], 'units', () => {
    it('the fake says what systemd says, step by step', async () => {
      const machine = await bootMachine();
      await machine.command('systemctl', 'start', TIMER);
      await machine.command('systemctl', 'enable', TIMER);
      const real = insideUnits(machine);
      const fake = fakeUnits({
        [TIMER]: fakeUnit(),
        [SERVICE]: fakeUnit({ enabled: false, isStatic: true, active: 'inactive' }),
      });
      const steps: readonly ((units: Units) => Promise<void>)[] = [
        (units) => units.stop(TIMER),
        (units) => units.mask(TIMER),
        (units) => units.mask(TIMER),
        (units) => units.mask(SERVICE),
        (units) => units.start(TIMER),
        (units) => units.unmask(TIMER),
        (units) => units.unmask(TIMER),
        (units) => units.start(TIMER),
        (units) => units.unmask(SERVICE),
        (units) => units.start(TIMER),
        (units) => units.mask(TIMER),
        (units) => units.unmask(TIMER),
        (units) => units.start(TIMER),
      ];

      for (const [index, step] of steps.entries()) {
        const outcomes = await Promise.all(
          [real, fake].map((units) =>
            step(units).then(
              () => 'done',
              () => 'refused',
            ),
          ),
        );
        const states = await Promise.all([real, fake].map((units) => units.look([TIMER, SERVICE, 'nope.timer'])));
        const [told, feigned] = states.map((all) => all.map(({ next: _, ...facts }) => facts));

        expect(outcomes[0], `step ${index}`).toBe(outcomes[1]);
        expect(told, `step ${index}`).toEqual(feigned);
      }
      await machine.shutDown();
    });

    it('takes over, survives a restart, and gives back exactly; a running installation is not touched', async () => {
      const machine = await bootMachine();
      await prepare(machine);
      const before = await snapshot(machine);

      // An installation that is at work: refused, nothing changed, still running.
      await machine.put(
        `/etc/systemd/system/${SERVICE}.d/slow.conf`,
        '[Service]\nExecStartPre=\nExecStart=\nExecStart=/bin/sleep 600\n',
      );
      await machine.command('systemctl', 'daemon-reload');
      await machine.command('systemctl', 'start', '--no-block', SERVICE);
      await machine.until(
        SERVICE,
        'to install',
        ({ ActiveState, MainPID }) => ActiveState === 'activating' && MainPID !== '0',
      );
      const { MainPID } = await machine.show(SERVICE);
      const busy = await agent(machine, 'takeover');
      expect(busy).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('PACKAGE_MANAGER_LOCKED') });
      // Not even a mask disturbs it.
      await machine.command('systemctl', 'mask', SERVICE);
      expect((await machine.show(SERVICE)).MainPID).toBe(MainPID);
      await machine.command('systemctl', 'unmask', SERVICE);
      await machine.command('systemctl', 'kill', SERVICE);
      await machine.until(
        SERVICE,
        'to have ended',
        ({ ActiveState }) => ActiveState === 'failed' || ActiveState === 'inactive',
      );
      await machine.command('systemctl', 'reset-failed', SERVICE);
      expect(await snapshot(machine)).toEqual(before);

      // Systemd answers root alone where there is no message bus: what is in the files is said all the same.
      const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, AGENT, 'takeover'];
      expect(await machine.inside('setpriv', nobody)).toMatchObject({ exitCode: 2, stdout: '' });
      expect((await machine.inside('setpriv', [...nobody, '--dry-run'])).stdout).toContain(`${TIMER} (was enabled)`);

      const plan = await agent(machine, 'takeover', '--dry-run', '--json');
      expect(JSON.parse(plan.stdout)).toMatchObject({ dryRun: true, masked: [TIMER, SERVICE], aptConf: true });
      expect(await snapshot(machine)).toEqual(before);

      const taken = await agent(machine, 'takeover');
      expect(taken.stdout).toContain(`masked   ${TIMER} (was enabled, waiting)`);
      expect(taken.exitCode).toBe(0);
      await expectTaken(machine);
      expect(await agent(machine, 'takeover')).toMatchObject({ exitCode: 0 });

      await machine.shutDown();
      await machine.boot();
      await expectTaken(machine);
      const look = JSON.parse((await agent(machine, 'inventory', '--json')).stdout).sections;
      expect(look.agent.data.takeover).toMatchObject({ state: 'taken', since: expect.any(String) });
      expect(look.updaters.data.find(({ name }: { name: string }) => name === 'unattended-upgrades')).toMatchObject({
        enabled: false,
        nextRun: null,
        units: expect.arrayContaining([{ name: TIMER, state: 'masked' }]),
      });

      const given = await agent(machine, 'release');
      expect(given).toMatchObject({ exitCode: 0, stderr: '', stdout: expect.stringContaining('as they were') });
      expect(await snapshot(machine)).toEqual(before);
      await machine.shutDown();
    });
  });
});

/** unattended-upgrades on, its timer enabled and waiting, another timer masked by somebody, and a managed host that is enrolled. */
async function prepare(machine: Machine): Promise<void> {
  await machine.put('/usr/bin/unattended-upgrade', '#!/bin/sh\n', 0o755);
  await machine.put(
    '/etc/apt/apt.conf.d/20auto-upgrades',
    'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n',
  );
  await machine.put(SETTINGS, JSON.stringify({ mode: 'managed', runnerDir: '/var/lib/selvage-runner' }));
  await machine.put(
    '/var/lib/selvage-runner/host.json',
    `${JSON.stringify({ hostId: '3f0c1e52-0c7b-4a52-9d0e-2b8f0a6f1c11', name: 'db-1' })}\n`,
  );
  await machine.put('/etc/systemd/system/dnf-automatic-install.timer', '');
  await machine.command('systemctl', 'daemon-reload');
  await machine.command('systemctl', 'enable', '--now', TIMER);
}

async function snapshot(machine: Machine): Promise<string> {
  const states = await Promise.all(
    [TIMER, SERVICE, 'dnf-automatic-install.timer'].map(async (unit) => {
      const { UnitFileState, ActiveState, LoadState } = await machine.show(unit);

      return `${unit} ${LoadState} ${UnitFileState} ${ActiveState}`;
    }),
  );
  const files = await machine.command(
    'sh',
    '-c',
    'find /etc/apt/apt.conf.d /etc/systemd/system -not -path "*slow*" -not -name "*.service.d" -printf "%p %l\\n" | sort',
  );

  return `${states.join('\n')}\n${files}`;
}

async function expectTaken(machine: Machine): Promise<void> {
  const { UnitFileState, ActiveState } = await machine.show(TIMER);
  expect([UnitFileState, ActiveState]).toEqual(['masked', 'inactive']);
  expect((await machine.show(SERVICE)).UnitFileState).toBe('masked');
  expect(await machine.command('apt-config', 'dump', 'APT::Periodic::Unattended-Upgrade')).toContain('"0"');
  // What somebody else masked is as it was.
  expect(await machine.read('/etc/systemd/system/dnf-automatic-install.timer')).toBe('');
}

function agent(machine: Machine, ...args: readonly string[]) {
  return machine.inside(process.execPath, [AGENT, ...args]);
}

/** The same code, its systemctl led into the machine. */
function insideUnits(machine: Machine): Units {
  const lead = (options: RunOptions) => {
    const { file, args = [], env = {}, ...rest } = options;

    return machine.inside(
      'env',
      [...Object.entries(env).map(([name, value]) => `${name}=${value}`), file, ...args],
      rest,
    );
  };

  return createUnits({ root: '/', run: lead, running: true });
}
