import { silentLog } from '@selvage/shared/log/log.ts';
import type { Inventory } from '@selvage/shared/model/inventory.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { describe, expect, it } from 'vitest';
import { type PassOutcome, runService, type Work } from './service.ts';

const HOUR_MS = 3_600_000;
const NOTHING: PassOutcome = { changed: false, again: null };

function setUp(overrides: Partial<Work<Inventory>> = {}) {
  const clock = fakeClock('2026-11-23T00:00:00Z');
  const controller = new AbortController();
  const events: string[] = [];
  let wake: () => void = () => undefined;
  const at = () => clock.now().toString().slice(11, 19);
  const work: Work<Inventory> = {
    takeInventory: async (refresh) => {
      events.push(`${at()} inventory${refresh ? ' with refresh' : ''}`);

      return {} as Inventory;
    },
    send: async () => undefined,
    pass: null,
    wakeUps: async function* (signal) {
      while (!signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
        if (!signal.aborted) yield;
      }
    },
    ...overrides,
  };
  const options = { inventoryEveryMs: HOUR_MS, refreshEveryMs: 6 * HOUR_MS, jitter: 0 };
  const parts = { work, options, clock, random: seededRandom(1), log: silentLog };
  const ended = runService(parts, controller.signal);

  return {
    clock,
    events,
    at,
    wake: () => wake(),
    stop: async () => {
      controller.abort();
      await ended;
    },
  };
}

describe('when the service runs for hours', () => {
  it('takes an inventory each hour and refreshes lists only every sixth', async () => {
    const service = setUp();
    for (let hour = 0; hour < 7; hour++) {
      await service.clock.sleeping(1);
      await service.clock.advance(HOUR_MS);
    }
    await service.stop();

    expect(service.events).toEqual([
      '00:00:00 inventory with refresh',
      '01:00:00 inventory',
      '02:00:00 inventory',
      '03:00:00 inventory',
      '04:00:00 inventory',
      '05:00:00 inventory',
      '06:00:00 inventory with refresh',
      '07:00:00 inventory',
    ]);
  });

  it('tries a failed inventory again after five minutes, with the refresh it still owes', async () => {
    const tries: string[] = [];
    const service = setUp({
      takeInventory: async (refresh) => {
        tries.push(String(refresh));
        if (tries.length === 1) throw new Error('dpkg is being changed');

        return {} as Inventory;
      },
    });
    await service.clock.sleeping(1);
    await service.clock.advance(5 * 60_000);
    await service.stop();

    expect(tries).toEqual(['true', 'true']);
  });
});

describe('when it wakes the runner itself', () => {
  it('passes at start, when woken, at the time the runner asked for, and takes an inventory after a change', async () => {
    const outcomes: PassOutcome[] = [
      { changed: false, again: Temporal.Instant.from('2026-11-23T00:02:00Z') },
      { changed: true, again: null },
      NOTHING,
    ];
    const passes: string[] = [];
    const service = setUp({
      pass: async () => {
        await Promise.resolve();
        passes.push(service.at());

        return outcomes.shift() ?? NOTHING;
      },
    });
    await service.clock.sleeping(2);
    await service.clock.advance(2 * 60_000);
    await service.clock.sleeping(2);
    await service.clock.advance(1000);
    service.wake();
    await service.clock.sleeping(2);
    await service.clock.advance(0);
    await service.stop();

    expect(passes).toEqual(['00:00:00', '00:02:00', '00:02:01']);
    expect(service.events).toEqual(['00:00:00 inventory with refresh', '00:02:00 inventory']);
  });

  it('passes again when it was woken during a pass, but no faster than once a second', async () => {
    let passes = 0;
    const service = setUp({
      pass: async () => {
        passes += 1;
        await new Promise((resolve) => setImmediate(resolve));
        if (passes === 1) service.wake();
        await new Promise((resolve) => setImmediate(resolve));

        return NOTHING;
      },
    });
    await service.clock.sleeping(2);
    expect(passes).toBe(1);
    await service.clock.advance(1000);
    await service.clock.sleeping(2);
    await service.stop();

    expect(passes).toBe(2);
  });

  it('looks every five minutes where nothing can wake it: too many files are watched on this host', async () => {
    const passes: string[] = [];
    const service = setUp({
      pass: async () => {
        await Promise.resolve();
        passes.push(service.at());

        return NOTHING;
      },
      // biome-ignore lint/correctness/useYield: it fails before
      wakeUps: async function* () {
        throw Object.assign(new Error('ENOSPC: System limit for number of file watchers reached'), { code: 'ENOSPC' });
      },
    });
    await service.clock.sleeping(2);
    await service.clock.advance(5 * 60_000);
    await service.clock.sleeping(2);
    await service.stop();

    expect(passes).toEqual(['00:00:00', '00:05:00']);
  });

  it('goes on after a pass that failed', async () => {
    let passes = 0;
    const service = setUp({
      pass: async () => {
        passes += 1;
        throw new Error('no');
      },
    });
    await service.clock.sleeping(2);
    await service.clock.advance(5 * 60_000);
    await service.stop();

    expect(passes).toBe(2);
  });
});
