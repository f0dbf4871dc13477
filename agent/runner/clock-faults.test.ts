// The clock of the host is wrong: minutes or years off, in both directions, jumping while the host runs, at a boot without a
// clock. Nothing is installed sooner than it would have been, and a clock that was wrong once does not stop the host for good.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { approvalSample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { explainPlan } from './explain.ts';
import { resetClock, runOnce } from './runner.ts';
import { durableFiles } from './state-file.ts';
import { bench, defaultDocuments, IN_WINDOW, OPENSSL, policyWith } from './testing/bench.ts';
import { leapOf, openFlooredClock } from './time-floor.ts';
import type { Uptime } from './uptime.ts';

const START = '2026-11-23T12:00:00Z';
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const YEARS_MS = 10 * 365 * DAY_MS;
const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'));

/** A host whose clock is `off` by what the test says, while true time goes by. */
function host(documents = defaultDocuments()) {
  const subject = bench(documents);
  let boot = 'boot-1';
  let truth = Temporal.Instant.from(START).epochMilliseconds;
  let booted = truth - DAY_MS;
  let off = 0;
  const set = () => subject.clock.setWall(Temporal.Instant.fromEpochMilliseconds(truth + off).toString());
  const uptime = (): Uptime => ({ boot, ms: truth - booted });
  const deps = () => subject.deps({ uptime });

  return {
    ...subject,
    deps,
    pass: () => runOnce(deps()),
    /** True time goes on to this instant. */
    until: (instant: string) => {
      truth = Temporal.Instant.from(instant).epochMilliseconds;
      set();
    },
    after: (ms: number) => {
      truth += ms;
      set();
    },
    off: (ms: number) => {
      off = ms;
      set();
    },
    reboot: (name: string) => {
      boot = name;
      booted = truth;
      set();
    },
    truth: () => truth,
    installedAt: () => subject.installer.acts.filter(({ act }) => act === 'install').map(() => truth),
    outcomes: () => subject.results().map(({ outcome, problem }) => [outcome, problem?.code ?? null]),
    problem: () => read(join(subject.runner, 'next.json')).policy?.code ?? null,
  };
}

const ANY_WINDOW_DELAY = (delay: string) => [
  windowSample(),
  policyWith({ delay, window: 'any' }),
  approvalSample({ packages: [OPENSSL] }),
];

describe('when the clock is set ahead while the host runs', () => {
  it.each([
    ['ten minutes', 10 * MINUTE_MS + 1000],
    ['an hour', 60 * MINUTE_MS],
  ])('%s: the window does not open sooner', async (_, off) => {
    const subject = host();
    await subject.pass();
    subject.until('2026-11-24T00:55:00Z');
    await subject.pass();
    subject.off(off);
    await subject.pass();
    expect(subject.installer.acts).toEqual([]);

    subject.off(0);
    subject.until('2026-11-24T01:01:00Z');
    await subject.pass();
    expect(subject.outcomes().at(-1)).toEqual(['installed', null]);
  });

  it('by four days and back again: a delay of three is not shortened, and the host goes on as if nothing had been', async () => {
    const subject = host(ANY_WINDOW_DELAY('3d'));
    await subject.pass();
    subject.after(60 * MINUTE_MS);
    subject.off(4 * DAY_MS);
    await subject.pass();
    await subject.pass();
    expect(subject.installer.acts).toEqual([]);
    expect(subject.outcomes().at(-1)).toEqual(['waiting', 'CLOCK_WRONG']);
    subject.off(0);
    subject.after(60 * MINUTE_MS);
    await subject.pass();
    expect(subject.installer.acts).toEqual([]);
    expect(subject.problem()).toBeNull();

    subject.after(3 * DAY_MS);
    await subject.pass();
    expect(subject.outcomes().at(-1)).toEqual(['installed', null]);
  });

  it('by ten years: says CLOCK_WRONG, installs nothing, and is whole again when it is set back', async () => {
    const subject = host();
    await subject.pass();
    subject.until(IN_WINDOW);
    subject.off(YEARS_MS);
    await subject.pass();
    expect(subject.installer.acts).toEqual([]);
    expect(subject.problem()).toBe('CLOCK_WRONG');
    // Also when it is turned off and on with that clock.
    subject.reboot('boot-2');
    await subject.pass();
    expect(subject.problem()).toBe('CLOCK_WRONG');
    subject.off(0);
    await subject.pass();

    expect(subject.outcomes().at(-1)).toEqual(['installed', null]);
    expect(subject.problem()).toBeNull();
  });

  it('by ten years, and put right while it is off: is whole at once', async () => {
    const subject = host();
    await subject.pass();
    subject.until(IN_WINDOW);
    subject.off(YEARS_MS);
    await subject.pass();
    subject.reboot('boot-2');
    subject.off(0);
    subject.after(60 * MINUTE_MS);
    await subject.pass();

    expect(subject.outcomes().at(-1)).toEqual(['installed', null]);
    expect(subject.problem()).toBeNull();
  });

  it('rightly (it had been slow): it is believed when newly signed policy says the same time', async () => {
    const subject = host(ANY_WINDOW_DELAY('0h'));
    subject.off(-3 * 60 * MINUTE_MS);
    await subject.pass();
    subject.off(0);
    subject.after(MINUTE_MS);
    subject.push(windowSample({ name: 'other' }));
    await subject.pass();

    expect(subject.problem()).toBeNull();
    expect((await explainPlan(subject.deps())).problem).toBeNull();
    expect(subject.outcomes().at(-1)).toEqual(['installed', null]);
  });
});

describe('when the clock is set back', () => {
  it('while a package is first seen: its delay does not end sooner once the clock is right', async () => {
    const subject = host(ANY_WINDOW_DELAY('3d'));
    subject.installer.mirrorHolds = false;
    await subject.pass();
    subject.installer.mirrorHolds = true;
    subject.off(-10 * DAY_MS);
    await subject.pass();
    subject.off(0);
    subject.after(2 * DAY_MS);
    await subject.pass();
    expect(subject.installer.acts).toEqual([]);

    subject.after(DAY_MS + MINUTE_MS);
    await subject.pass();
    expect(subject.installer.acts).toHaveLength(1);
  });

  it('what has expired stays so, and the reason is the clock', async () => {
    const subject = host([
      windowSample(),
      policyWith({ window: 'any', delay: '3d' }),
      approvalSample({ packages: [OPENSSL], expires: '2026-11-25T00:00:00Z' }),
    ]);
    await subject.pass();
    subject.until('2026-11-25T00:00:01Z');
    await subject.pass();
    expect(subject.outcomes().at(-1)).toEqual(['refused', 'APPROVAL_EXPIRED']);
    subject.off(-DAY_MS);
    await subject.pass();

    expect(subject.outcomes().at(-1)).toEqual(['refused', 'CLOCK_WRONG']);
    expect(subject.problem()).toBe('CLOCK_WRONG');
    expect(subject.installer.acts).toEqual([]);
  });

  it('below the time of the signed policy: it waits and says so', async () => {
    const subject = host(ANY_WINDOW_DELAY('0h'));
    subject.off(-30 * MINUTE_MS);
    await subject.pass();

    expect(subject.outcomes()).toEqual([['waiting', 'CLOCK_WRONG']]);
  });
});

describe('when a host without a clock boots in 1970', () => {
  it('waits, says CLOCK_WRONG, and goes on in its window when the time has come', async () => {
    const subject = host();
    await subject.pass();
    subject.until('2026-11-24T01:10:00Z');
    subject.reboot('boot-2');
    subject.off(-subject.truth());
    await subject.pass();
    expect(subject.problem()).toBe('CLOCK_WRONG');
    expect(subject.installer.acts).toEqual([]);
    subject.after(MINUTE_MS);
    subject.off(0);
    await subject.pass();

    expect(subject.outcomes().at(-1)).toEqual(['installed', null]);
    expect(subject.problem()).toBeNull();
  });

  it('also when it was never started before', async () => {
    const subject = host(ANY_WINDOW_DELAY('3d'));
    subject.off(-subject.truth());
    await subject.pass();
    subject.off(0);
    await subject.pass();
    subject.after(2 * DAY_MS);
    await subject.pass();

    expect(subject.installer.acts).toEqual([]);
  });
});

describe('when a clock that had been ahead over a boot is right again', () => {
  const poisoned = async () => {
    const subject = host();
    subject.off(YEARS_MS);
    await subject.pass();
    subject.reboot('boot-2');
    subject.off(0);
    subject.until(IN_WINDOW);

    return subject;
  };

  it('says CLOCK_WRONG with the way out, and installs nothing', async () => {
    const subject = await poisoned();
    await subject.pass();

    expect(subject.problem()).toBe('CLOCK_WRONG');
    expect(subject.installer.acts).toEqual([]);
  });

  it('is believed when a person says so, which is written down', async () => {
    const subject = await poisoned();
    await subject.pass();
    const reset = await resetClock(subject.deps());
    await subject.pass();

    expect(subject.outcomes().at(-1)).toEqual(['installed', null]);
    expect(subject.problem()).toBeNull();
    expect(read(join(subject.runner, 'clock.json')).resets).toEqual([
      { from: reset?.from.toString(), to: reset?.to.toString() },
    ]);
    expect(reset?.to.toString()).toBe(IN_WINDOW);
  });

  it('and nothing noted in the time to come lasts longer for it', async () => {
    const subject = host(ANY_WINDOW_DELAY('1d'));
    // Ahead by less than the policy's timestamp lives, from the first start on: everything is dated ahead.
    subject.off(20 * 60 * MINUTE_MS);
    await subject.pass();
    subject.off(0);
    await resetClock(subject.deps());

    expect(read(join(subject.runner, 'accepted/policy.json')).acceptedAt).toBe(START);
    expect(Object.values(read(join(subject.runner, 'first-seen.json')).packages)).toEqual([START]);
    subject.after(DAY_MS + MINUTE_MS);
    await subject.pass();
    expect(subject.outcomes().at(-1)).toEqual(['installed', null]);
  });

  it('is not believed in the middle of a run', async () => {
    const subject = host();
    await subject.pass();
    subject.until(IN_WINDOW);
    subject.installer.during = async () => {
      await expect(resetClock(subject.deps())).resolves.toBeNull();
    };
    await subject.pass();

    expect(existsSync(join(subject.runner, 'journal.json'))).toBe(false);
    expect(read(join(subject.runner, 'clock.json')).resets).toEqual([]);
  });
});

describe('when the clock jumps back and forth at will, and is right again', () => {
  it('nothing was installed before its delay was over by true time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ minutes: fc.nat(600), off: fc.constantFrom(0, 0, 11, -11, 1440, -1440, 5_256_000, -5_256_000) }),
          { minLength: 1, maxLength: 8 },
        ),
        async (jumps) => {
          const subject = host(ANY_WINDOW_DELAY('3d'));
          await subject.pass();
          const due = subject.truth() + 3 * DAY_MS;
          for (const { minutes, off } of jumps) {
            subject.off(off * MINUTE_MS);
            await subject.pass();
            subject.after(minutes * MINUTE_MS);
            await subject.pass();
            if (subject.truth() < due) expect(subject.installer.acts).toEqual([]);
          }
          subject.off(0);
          subject.after(4 * DAY_MS);
          await subject.pass();

          expect(subject.installer.acts).toHaveLength(1);
        },
      ),
      { numRuns: 10 },
    );
  });
});

describe('when time is reckoned', () => {
  it('small corrections and suspensions are no leap', async () => {
    const base = { boot: 'b', uptimeMs: 1000, wallMs: 1_000_000, leapMs: 0 };

    expect(leapOf(base, 1_000_000 + 30_000 + 59_000, { boot: 'b', ms: 31_000 })).toBe(0);
    // It does not fade: as much of a delay would be cut.
    const ahead = { ...base, leapMs: DAY_MS };
    expect(leapOf(ahead, 1_000_000 + DAY_MS, { boot: 'b', ms: 1000 + DAY_MS })).toBe(DAY_MS);
    // Uptime goes on while a machine is suspended.
    expect(leapOf(base, 1_000_000 + DAY_MS, { boot: 'b', ms: 1000 + DAY_MS })).toBe(0);
    expect(leapOf(base, 1_000_000 + DAY_MS, { boot: 'b', ms: 1000 })).toBe(DAY_MS);
    expect(leapOf({ ...base, leapMs: DAY_MS }, 1_000_000 - DAY_MS, { boot: 'b', ms: 1000 })).toBe(0);
    expect(leapOf({ ...base, leapMs: DAY_MS }, 1_000_000 + 5, { boot: 'c', ms: 0 })).toBe(DAY_MS);
    // A container that is started again: its uptime begins anew, the kernel's boot does not. What was known stays.
    expect(leapOf({ ...base, uptimeMs: DAY_MS }, 1_000_000 + 2 * DAY_MS, { boot: 'b', ms: 5000 })).toBe(0);
    expect(leapOf({ ...base, uptimeMs: DAY_MS, leapMs: 7 }, 1_000_000 + DAY_MS, { boot: 'b', ms: 5000 })).toBe(7);
    expect(leapOf({ ...base, leapMs: DAY_MS }, 1_000_000 - DAY_MS + 5, { boot: 'c', ms: 0 })).toBe(0);
  });

  it('a file of an earlier version, without uptime, is understood', async () => {
    const { clock, runner } = bench();
    const path = join(runner, 'clock.json');
    await durableFiles.write(path, '{"format":1,"highest":"2026-11-23T13:00:00Z"}\n');
    const floored = await openFlooredClock(clock, () => ({ boot: 'b', ms: 0 }), path, durableFiles);

    expect(floored.now().floor.toString()).toBe('2026-11-23T13:00:00Z');
    expect(floored.now().clock.toString()).toBe(START);
  });
});
