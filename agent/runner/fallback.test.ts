// The runner beside other updaters: it installs nothing while one is on, hands the host back when no fresh policy comes, and takes
// over again when it does. Takeover and release are the real ones, on units in memory.
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { approvalSample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { othersOf } from '../commands/updaters.ts';
import { release } from '../updaters/takeover/release.ts';
import { readTakeover, takeoverFacts } from '../updaters/takeover/state.ts';
import { takeOver } from '../updaters/takeover/take.ts';
import { fakeUnit } from '../updaters/testing/fake-units.ts';
import { hostLab, UNATTENDED } from '../updaters/testing/host.ts';
import { explainPlan } from './explain.ts';
import type { OtherUpdaters } from './others.ts';
import { runOnce } from './runner.ts';
import { durableFiles } from './state-file.ts';
import { bench, IN_WINDOW, OPENSSL, policyWith } from './testing/bench.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const TIMER = 'apt-daily-upgrade.timer';
const SERVICE = 'apt-daily-upgrade.service';
const units = () => ({
  [TIMER]: fakeUnit(),
  [SERVICE]: fakeUnit({ enabled: false, isStatic: true, active: 'inactive' }),
});
const urgent = () => approvalSample({ packages: [OPENSSL], lane: 'urgent', expires: '2027-12-01T00:00:00Z' });

function host(fallback: { after: string; action: 'release' } | null = { after: '14d', action: 'release' }) {
  const policy = { ...policyWith({}), offline: { actUntil: '365d' }, ...(fallback === null ? {} : { fallback }) };
  const runner = bench([windowSample(), policy as ReturnType<typeof policyWith>]);
  const lab = hostLab(UNATTENDED, units(), runner.clock);
  const updaters = othersOf(lab.door);
  let boot = 1;
  let awake = 0;
  const deps = (over: Parameters<typeof runner.deps>[0] = {}) =>
    runner.deps({ updaters, uptime: () => ({ boot: `boot-${boot}`, ms: awake }), ...over });

  return {
    ...runner,
    lab,
    deps,
    pass: () => runOnce(deps()),
    /** Time goes by, the host awake. */
    awake: async (ms: number) => {
      awake += ms;
      await runner.clock.advance(ms);
    },
    /** Off, by the clock, and booted again. */
    off: async (ms: number) => {
      boot += 1;
      awake = 0;
      await runner.clock.advance(ms);
    },
    /** A collector that lives: it dates its policy anew, and admins may add to it. */
    fresh: (...documents: readonly PolicyDocument[]) => {
      runner.repository.publish({ metadata: [], targets: [] }, runner.clock.now());
      runner.push(...documents);
    },
    state: async () => takeoverFacts(await readTakeover(lab.door.file)).state,
  };
}

describe('when another updater is on', () => {
  it('a managed host refuses and names it and the command; after a takeover it installs', async () => {
    const self = host();
    self.push(urgent());
    self.clock.setWall(IN_WINDOW);

    expect(await self.pass()).toMatchObject([
      {
        outcome: 'refused',
        problem: {
          code: 'OTHER_UPDATER_ACTIVE',
          message: expect.stringMatching(/unattended-upgrades.*selvage-agent takeover/),
        },
      },
    ]);
    expect(await explainPlan(self.deps())).toMatchObject({
      approvals: [{ verdict: 'refused', code: 'OTHER_UPDATER_ACTIVE' }],
      otherUpdaters: ['unattended-upgrades'],
      fallbackAfterMs: 14 * DAY,
    });
    expect(await self.pass()).toEqual([]);
    expect(self.installer.acts).toEqual([]);

    await takeOver(self.lab.door);
    expect(await self.pass()).toMatchObject([{ outcome: 'installed' }]);
  });

  it('a host that only advises plans all the same', async () => {
    const self = host();
    self.push(urgent());

    expect(await runOnce(self.deps({ mode: 'advise' }))).toMatchObject([{ outcome: 'planned' }]);
  });

  it('that is switched on while the runner plans, nothing is installed', async () => {
    const self = host();
    self.push(urgent());
    let asked = 0;
    const late: OtherUpdaters = {
      ...othersOf(self.lab.door),
      inTheWay: async () => (asked++ === 0 ? [] : ['dnf-automatic']),
    };
    const results = await runOnce(self.deps({ updaters: late }));

    expect(results).toMatchObject([{ outcome: 'refused', problem: { code: 'OTHER_UPDATER_ACTIVE' } }]);
    expect(self.installer.acts).toEqual([]);
  });

  it('or cannot be known, nothing is installed and it is said', async () => {
    const self = host();
    self.push(urgent());
    const blind: OtherUpdaters = { ...othersOf(self.lab.door), inTheWay: () => Promise.reject(new Error('no answer')) };
    const results = await runOnce(self.deps({ updaters: blind }));

    expect(results).toMatchObject([{ outcome: 'refused', problem: { code: 'INTERNAL' } }]);
    expect(self.installer.acts).toEqual([]);
  });
});

describe('when no fresh policy comes', () => {
  it('hands the host back after the time that the policy says, and installs nothing more', async () => {
    const self = host();
    const before = structuredClone([...self.lab.units.all]);
    await takeOver(self.lab.door);
    await self.pass();
    for (let half = 1; half < 28; half += 1) {
      await self.awake(DAY / 2);
      await self.pass();
      expect(await self.state()).toBe('taken');
    }
    await self.awake(DAY / 2);
    // What was approved before it ended is in the same policy, and counts no more.
    await self.pass();
    expect(await self.state()).toBe('fallback');
    expect([...self.lab.units.all]).toEqual(before);

    const [plan] = (await explainPlan(self.deps())).approvals;
    expect(plan).toBeUndefined();
    await self.awake(30 * DAY);
    await self.pass();
    expect(await self.state()).toBe('fallback');
    expect(self.installer.acts).toEqual([]);
  });

  it('what was approved before is not installed in a fallback, though nothing else is in the way', async () => {
    const self = host();
    self.fresh(approvalSample({ packages: [OPENSSL], expires: '2027-12-01T00:00:00Z' }));
    await takeOver(self.lab.door);
    await self.pass();
    await self.awake(14 * DAY);
    await self.pass();
    for (const unit of self.lab.units.all.values()) Object.assign(unit, { enabled: false, active: 'inactive' });
    await self.awake(13 * HOUR + HOUR / 2);
    await self.pass();

    expect(await self.state()).toBe('fallback');
    expect((await explainPlan(self.deps())).approvals).toMatchObject([
      { verdict: 'refused', code: 'OTHER_UPDATER_ACTIVE', message: expect.stringContaining('handed itself back') },
    ]);
    expect(self.installer.acts).toEqual([]);
  });

  it('with fresh policy it takes over again by itself, and installs', async () => {
    const self = host();
    await takeOver(self.lab.door);
    const taken = structuredClone([...self.lab.units.all]);
    await self.pass();
    await self.awake(15 * DAY);
    await self.pass();
    expect(await self.state()).toBe('fallback');

    // An updater that is just installing is left to its end first.
    Object.assign(self.lab.units.all.get(SERVICE) ?? {}, { active: 'activating' });
    self.fresh(urgent());
    await self.pass();
    expect(await self.state()).toBe('fallback');
    expect(self.installer.acts).toEqual([]);

    Object.assign(self.lab.units.all.get(SERVICE) ?? {}, { active: 'inactive' });
    expect(await self.pass()).toMatchObject([{ outcome: 'installed' }]);
    expect(await self.state()).toBe('taken');
    expect([...self.lab.units.all]).toEqual(taken);
    // Counted anew.
    await self.awake(13 * DAY);
    await self.pass();
    expect(await self.state()).toBe('taken');
  });

  it('every fresh policy begins the count anew', async () => {
    const self = host();
    await takeOver(self.lab.door);
    for (let days = 0; days < 40; days += 10) {
      await self.pass();
      await self.awake(10 * DAY);
      self.fresh();
    }
    await self.pass();

    expect(await self.state()).toBe('taken');
  });

  it('a policy without fallback hands nothing back', async () => {
    const self = host(null);
    await takeOver(self.lab.door);
    await self.pass();
    await self.awake(400 * DAY);
    await self.pass();

    expect(await self.state()).toBe('taken');
  });

  it('what a person gave back stays so, and a person’s takeover counts anew', async () => {
    const self = host();
    await takeOver(self.lab.door);
    await self.pass();
    await self.awake(20 * DAY);
    await self.pass();
    expect(await self.state()).toBe('fallback');

    await takeOver(self.lab.door);
    await self.pass();
    await self.awake(HOUR);
    await self.pass();
    expect(await self.state()).toBe('taken');

    await release(self.lab.door);
    self.fresh();
    await self.pass();
    expect(await self.state()).toBe('released');
  });
});

describe('when the clock is wrong', () => {
  it.each([
    ['leaps ahead while the host runs', async (self: ReturnType<typeof host>) => self.clock.advance(500 * DAY)],
    ['is wrong after a boot', async (self: ReturnType<typeof host>) => self.off(500 * DAY)],
    ['is set back', async (self: ReturnType<typeof host>) => self.clock.setWall('2020-01-01T00:00:00Z')],
  ])('one that %s hands nothing back', async (_, happen) => {
    const self = host();
    await takeOver(self.lab.door);
    await self.pass();
    await self.awake(9 * DAY);
    await self.pass();
    await happen(self);
    for (let hour = 0; hour < 24; hour += 6) {
      await self.awake(6 * HOUR);
      await self.pass();
    }

    expect(await self.state()).toBe('taken');
  });

  it('one that is far behind delays nothing: the uptime counts', async () => {
    const self = host();
    await takeOver(self.lab.door);
    await self.pass();
    self.clock.setWall('2020-01-01T00:00:00Z');
    for (let day = 0; day <= 14; day += 1) {
      await self.pass();
      await self.awake(DAY);
    }
    await self.pass();

    expect(await self.state()).toBe('fallback');
  });

  it('a host that is off at night comes to it as well', async () => {
    const self = host();
    await takeOver(self.lab.door);
    let days = 0;
    for (; days < 30 && (await self.state()) !== 'fallback'; days += 1) {
      await self.pass();
      await self.awake(8 * HOUR);
      await self.pass();
      await self.off(16 * HOUR);
    }

    expect(days).toBe(15);
  });
});

describe('wherever the runner is killed', () => {
  /** One pass after another, each cut off one point later, until one is whole; then one more. */
  const everyPoint = async (
    prepare: (self: ReturnType<typeof host>) => Promise<void>,
    check: (self: ReturnType<typeof host>, point: number) => Promise<void>,
  ) => {
    let point = 0;
    for (let whole = false; !whole; point += 1) {
      const self = host();
      await prepare(self);
      let left = point;
      const cut = () => {
        if (left === 0) throw new Error('power cut');
        left -= 1;
      };
      self.lab.before = cut;
      const files = {
        write: async (...args: Parameters<typeof durableFiles.write>) => {
          cut();
          await durableFiles.write(...args);
        },
        remove: durableFiles.remove,
      };
      // What goes wrong with units is logged by the pass; a whole one leaves some points over.
      await runOnce(self.deps({ files })).catch(() => undefined);
      whole = left > 0;
      self.lab.before = () => undefined;
      await self.pass();
      await check(self, point);
    }

    return point;
  };

  it('while it hands a host back, the next pass comes to the same end', async () => {
    const points = await everyPoint(
      async (self) => {
        await takeOver(self.lab.door);
        await self.pass();
        await self.awake(14 * DAY);
      },
      async (self, point) => {
        expect(await self.state(), `cut at ${point}`).toBe('fallback');
        expect([...self.lab.units.all], `cut at ${point}`).toEqual(Object.entries(units()));
      },
    );
    expect(points).toBeGreaterThan(8);
  });

  it('while it takes over again, too', async () => {
    const reference = host();
    await takeOver(reference.lab.door);
    const taken = [...reference.lab.units.all];
    const points = await everyPoint(
      async (self) => {
        await takeOver(self.lab.door);
        await self.pass();
        await self.awake(14 * DAY);
        await self.pass();
        self.fresh();
      },
      async (self, point) => {
        expect(await self.state(), `cut at ${point}`).toBe('taken');
        expect([...self.lab.units.all], `cut at ${point}`).toEqual(taken);
        expect((await readTakeover(self.lab.door.file))?.state, `cut at ${point}`).toBe('taken');
        await release(self.lab.door);
        expect([...self.lab.units.all], `cut at ${point}`).toEqual(Object.entries(units()));
      },
    );
    expect(points).toBeGreaterThan(8);
  });
});
