// Takeover and release: the same end wherever they are cut off, and a release is the exact opposite of a takeover.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { lookForUpdaters } from '../list.ts';
import { type FakeUnit, fakeUnit } from '../testing/fake-units.ts';
import { type HostLab, hostLab, UNATTENDED } from '../testing/host.ts';
import { FRAGMENT } from './apt-conf.ts';
import { inTheWay } from './plan.ts';
import { release } from './release.ts';
import { readTakeover, takeoverFacts } from './state.ts';
import { takeOver } from './take.ts';

const TIMER = 'apt-daily-upgrade.timer';
const SERVICE = 'apt-daily-upgrade.service';
const idle = () => fakeUnit({ enabled: false, isStatic: true, active: 'inactive' });
const apt = () => ({ [TIMER]: fakeUnit(), [SERVICE]: idle() });
const dnf = () => ({ 'dnf-automatic-install.timer': fakeUnit(), 'dnf-automatic-install.service': idle() });

/** Everything that a release must put back. */
function stateOf(lab: HostLab) {
  const folder = join(lab.root, 'etc/apt/apt.conf.d');

  return {
    units: Object.fromEntries([...lab.units.all].map(([name, unit]) => [name, { ...unit }])),
    files: readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
    snapHold: lab.snapHold,
  };
}

async function stateNow(lab: HostLab) {
  return takeoverFacts(await readTakeover(lab.door.file)).state;
}

async function blocking(lab: HostLab): Promise<readonly string[]> {
  return inTheWay(await lookForUpdaters(lab.host())).map(({ name }) => name);
}

describe('when a host is taken over', () => {
  it('masks what starts unattended-upgrades, and nothing is in the way any more', async () => {
    const lab = hostLab(UNATTENDED, apt());
    expect(await blocking(lab)).toEqual(['unattended-upgrades']);
    const done = await takeOver(lab.door);

    expect(done).toMatchObject({ masked: [TIMER, SERVICE], aptConf: true, persons: [], remaining: [] });
    expect(lab.units.all.get(TIMER)).toMatchObject({ mask: 'persistent', active: 'inactive' });
    expect(await blocking(lab)).toEqual([]);
    expect(await stateNow(lab)).toBe('taken');
  });

  it('changes nothing with --dry-run and says what it would do', async () => {
    const lab = hostLab(UNATTENDED, apt());
    const before = stateOf(lab);

    expect(await takeOver(lab.door, true)).toMatchObject({ dryRun: true, masked: [TIMER, SERVICE], aptConf: true });
    expect(stateOf(lab)).toEqual(before);
    expect(existsSync(lab.door.file)).toBe(false);
  });

  it.each(['runtime', 'persistent'] as const)(
    'leaves a unit that somebody else masked (%s) as it is, before and after',
    async (mask) => {
      const others = {
        'dnf-automatic-install.timer': fakeUnit({ mask, active: 'inactive' }),
        'dnf-automatic-install.service': idle(),
      };
      const lab = hostLab(UNATTENDED, { ...apt(), ...others });
      const before = stateOf(lab);
      await takeOver(lab.door);
      const saved = await readTakeover(lab.door.file);
      await release(lab.door);

      expect(stateOf(lab)).toEqual(before);
      if (mask === 'persistent') expect(saved?.units.map(({ name }) => name)).toEqual([TIMER, SERVICE]);
    },
  );

  it('is refused before anything is changed while an updater installs', async () => {
    const lab = hostLab(UNATTENDED, { [TIMER]: fakeUnit(), [SERVICE]: { ...idle(), active: 'activating' } });
    const before = stateOf(lab);

    await expect(takeOver(lab.door)).rejects.toMatchObject({ code: 'PACKAGE_MANAGER_LOCKED' });
    expect(stateOf(lab)).toEqual(before);
    expect(await stateNow(lab)).toBe('none');
  });

  it('names lines of cron and units of one’s own, which only a person can stop', async () => {
    const cron = { 'etc/cron.d/patch': '0 4 * * * root apt-get update && apt-get -y upgrade\n' };
    const lab = hostLab({ ...UNATTENDED, ...cron }, { [TIMER]: fakeUnit({ own: true }), [SERVICE]: idle() });
    const done = await takeOver(lab.door);

    expect(done.remaining).toEqual(['cron: etc/cron.d/patch:1']);
    expect(done.persons.map(({ what }) => what).join('\n')).toMatch(
      /systemctl disable --now apt-daily-upgrade.timer(.|\n)*take the job out of \/etc\/cron.d\/patch:1/,
    );
    expect(lab.units.all.get(TIMER)).toMatchObject({ mask: 'none', active: 'active' });
  });

  it('never saves over what was saved: a second takeover, an updater that came later, and a unit set free meanwhile', async () => {
    const lab = hostLab(UNATTENDED, {
      ...apt(),
      'dnf-automatic-install.timer': fakeUnit({ enabled: false, active: 'inactive' }),
      'dnf-automatic-install.service': idle(),
    });
    const before = stateOf(lab);
    await takeOver(lab.door);
    const first = await readTakeover(lab.door.file);
    await takeOver(lab.door);
    expect(await readTakeover(lab.door.file)).toEqual(first);

    Object.assign(lab.units.all.get('dnf-automatic-install.timer') ?? {}, { enabled: true, active: 'active' });
    Object.assign(lab.units.all.get(TIMER) ?? {}, { mask: 'none', active: 'active' });
    Object.assign(lab.units.all.get(SERVICE) ?? {}, { mask: 'none' });
    expect(await blocking(lab)).toEqual(['dnf-automatic-install']);
    rmSync(join(lab.root, FRAGMENT));
    expect(await blocking(lab)).toEqual(['unattended-upgrades', 'dnf-automatic-install']);
    expect((await takeOver(lab.door)).remaining).toEqual([]);
    const second = await readTakeover(lab.door.file);
    expect(second?.units.slice(0, 2)).toEqual(first?.units);
    expect(second?.units.map(({ name }) => name)).toEqual([
      TIMER,
      SERVICE,
      'dnf-automatic-install.timer',
      'dnf-automatic-install.service',
    ]);
    expect(second?.since).toBe(first?.since);

    await release(lab.door);
    expect(stateOf(lab)).toEqual({
      ...before,
      units: { ...before.units, 'dnf-automatic-install.timer': fakeUnit() },
    });
  });

  it('says how to go on, or back, where a unit cannot be masked', async () => {
    const lab = hostLab(UNATTENDED, apt());
    const before = stateOf(lab);
    lab.before = (change) => {
      if (change === `mask ${TIMER}`) throw new CodedError('PROCESS_FAILED', 'Read-only file system');
    };
    await expect(takeOver(lab.door)).rejects.toMatchObject({
      code: 'PROCESS_FAILED',
      next: expect.stringMatching(/selvage-agent takeover;.*selvage-agent release$/),
    });
    lab.before = () => undefined;
    await release(lab.door);
    expect(stateOf(lab)).toEqual(before);
  });

  it('touches no file that somebody put where ours goes', async () => {
    const lab = hostLab({ ...UNATTENDED, [FRAGMENT]: 'APT::Periodic::Unattended-Upgrade "7";\n' }, apt());
    const before = stateOf(lab);
    const done = await takeOver(lab.door);

    expect(done.persons.map(({ what }) => what)).toEqual([expect.stringContaining(FRAGMENT)]);
    expect(stateOf(lab).files).toEqual(before.files);
    await release(lab.door);
    expect(stateOf(lab)).toEqual(before);
  });
});

describe('when a host is given back', () => {
  it('has nothing to give back before a takeover, and does it once', async () => {
    const lab = hostLab(UNATTENDED, apt());
    expect(await release(lab.door)).toMatchObject({ released: false });
    await takeOver(lab.door);
    expect(await release(lab.door)).toMatchObject({ released: true, left: [] });
    expect(await release(lab.door)).toMatchObject({ released: false });
    expect(await stateNow(lab)).toBe('released');
  });

  it('leaves what somebody has changed since, and says so', async () => {
    const lab = hostLab(UNATTENDED, { ...apt(), ...dnf() });
    await takeOver(lab.door);
    Object.assign(lab.units.all.get('dnf-automatic-install.timer') ?? {}, { mask: 'none', enabled: false });
    writeFileSync(join(lab.root, FRAGMENT), 'APT::Periodic::Unattended-Upgrade "3";\n');

    expect((await release(lab.door)).left).toEqual(['dnf-automatic-install.timer', `/${FRAGMENT}`]);
    expect(lab.units.all.get('dnf-automatic-install.timer')).toMatchObject({ enabled: false, active: 'inactive' });
    expect(readFileSync(join(lab.root, FRAGMENT), 'utf8')).toContain('"3"');
    expect(lab.units.all.get(TIMER)).toEqual(fakeUnit());
  });

  it('goes on where the package of an updater was removed since', async () => {
    const lab = hostLab(UNATTENDED, { ...apt(), ...dnf() });
    await takeOver(lab.door);
    lab.units.all.delete(TIMER);

    expect((await release(lab.door)).left).toEqual([TIMER]);
    expect(lab.units.all.get('dnf-automatic-install.timer')).toEqual(fakeUnit());
  });

  it('puts back how snaps were held', async () => {
    const snapd = { 'snapd.service': fakeUnit() };
    for (const hold of [null, '2026-01-01T00:00:00Z']) {
      const lab = hostLab({ 'usr/bin/snap': '' }, snapd);
      lab.snapHold = hold;
      await takeOver(lab.door);
      expect(lab.snapHold).toBe('forever');
      await release(lab.door);
      expect(lab.snapHold).toBe(hold);
    }
  });

  it('refuses a saved state that it does not understand, and touches nothing', async () => {
    const lab = hostLab(UNATTENDED, apt());
    writeFileSync(lab.door.file, '{"format":1}');
    const before = stateOf(lab);

    await expect(release(lab.door)).rejects.toMatchObject({ code: 'JOURNAL_INVALID' });
    await expect(takeOver(lab.door)).rejects.toMatchObject({ code: 'JOURNAL_INVALID' });
    expect(stateOf(lab)).toEqual(before);
  });
});

describe('wherever it is cut off', () => {
  const files = { ...UNATTENDED, 'usr/bin/snap': '' };
  const units = () => ({ ...apt(), ...dnf(), 'snapd.service': fakeUnit() });
  const cut = async (lab: HostLab, at: number, work: () => Promise<unknown>): Promise<boolean> => {
    let left = at;
    lab.before = () => {
      if (left === 0) throw new Error('power cut');
      left -= 1;
    };
    const whole = await work().then(
      () => true,
      () => false,
    );
    lab.before = () => undefined;

    return whole;
  };

  it('the same command again comes to the same end, and a release gives everything back', async () => {
    const undisturbed = hostLab(files, units());
    const before = stateOf(undisturbed);
    await takeOver(undisturbed.door);
    const taken = stateOf(undisturbed);
    let points = 0;

    for (let whole = false; !whole; points += 1) {
      const again = hostLab(files, units());
      whole = await cut(again, points, () => takeOver(again.door));
      // Whatever was changed is in the file already.
      const saved = new Set((await readTakeover(again.door.file))?.units.map(({ name }) => name));
      for (const [name, unit] of again.units.all) if (unit.mask !== 'none') expect(saved).toContain(name);
      await takeOver(again.door);
      expect(stateOf(again)).toEqual(taken);
      await release(again.door);
      expect(stateOf(again)).toEqual(before);

      const back = hostLab(files, units());
      await cut(back, points, () => takeOver(back.door));
      await release(back.door);
      expect(stateOf(back)).toEqual(before);
    }
    expect(points).toBeGreaterThan(7);
  });

  it('a release goes on, or a takeover begins anew', async () => {
    let points = 0;

    for (let whole = false; !whole; points += 1) {
      const lab = hostLab(files, units());
      const before = stateOf(lab);
      await takeOver(lab.door);
      const taken = stateOf(lab);
      whole = await cut(lab, points, () => release(lab.door));
      await release(lab.door);
      expect(stateOf(lab)).toEqual(before);

      await takeOver(lab.door);
      await cut(lab, points, () => release(lab.door));
      await takeOver(lab.door);
      expect(stateOf(lab)).toEqual(taken);
      await release(lab.door);
      expect(stateOf(lab)).toEqual(before);
    }
    expect(points).toBeGreaterThan(6);
  });
});

describe('whatever state units are in', () => {
  const NAMES = [
    TIMER,
    SERVICE,
    'dnf-automatic.timer',
    'dnf-automatic.service',
    'dnf-automatic-install.timer',
    'dnf-automatic-install.service',
    'packagekit-offline-update.service',
    'apt-daily.timer',
    'apt-daily.service',
  ];
  const unit: fc.Arbitrary<FakeUnit> = fc.record({
    enabled: fc.boolean(),
    isStatic: fc.boolean(),
    mask: fc.constantFrom('none', 'none', 'none', 'persistent', 'runtime', 'both'),
    active: fc.constantFrom('active', 'inactive', 'inactive'),
    own: fc.boolean(),
  });
  const someUnits = fc.tuple(...NAMES.map((name) => fc.option(unit).map((made) => [name, made] as const))).map((made) =>
    Object.fromEntries(
      made.flatMap(([name, one]) => {
        if (one === null) return [];
        // A service runs by itself or not at all here; what has a mask in /etc has no file of its own there.
        const active = name.endsWith('.service') ? 'inactive' : one.active;

        return [[name, { ...one, active, own: one.own && one.mask !== 'persistent' && one.mask !== 'both' }]];
      }),
    ),
  );

  it('release(takeover(state)) is the state, and a takeover leaves in the way only what it names', async () => {
    await fc.assert(
      fc.asyncProperty(someUnits, fc.boolean(), fc.boolean(), async (units, gnome, install) => {
        const lab = hostLab(
          {
            ...UNATTENDED,
            ...(gnome ? { 'usr/bin/gnome-software': '' } : {}),
            'etc/dnf/automatic.conf': `[commands]\napply_updates = ${install ? 'yes' : 'no'}\n`,
          },
          units,
        );
        const before = stateOf(lab);
        const { remaining, persons } = await takeOver(lab.door);
        for (const name of remaining) expect(persons.map(({ updater }) => updater)).toContain(name);
        expect(await blocking(lab)).toEqual(remaining);
        await takeOver(lab.door);
        await release(lab.door);
        expect(stateOf(lab)).toEqual(before);
      }),
      { numRuns: 80 },
    );
  });
});
