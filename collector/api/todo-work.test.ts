import { silentLog } from '@selvage/shared/log/log.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { describe, expect, it } from 'vitest';
import { sampleFleet, sampleMatch } from '../findings/testing/sample-fleet.ts';
import { totalOf } from '../todo/counting.ts';
import { todoDeps } from '../todo/testing/todo-deps.ts';
import { SUPPRESS_NOTHING } from '../vex/suppress.ts';
import { keepWorkReady, workNow } from './todo-work.ts';

const START = '2026-03-10T23:59:50Z';

function lab() {
  const fleet = sampleFleet({
    machines: [{ name: 'web', software: [{ name: 'openssl', version: '3.0.11-1' }] }],
    matches: [{ name: 'openssl', version: '3.0.11-1', matches: [{ cve: 'CVE-2023-1' }] }],
  });
  const clock = fakeClock(START);
  const { triage } = todoDeps();
  const asked = { triage: 0, failing: false, settled: true, whileAsked: null as (() => void) | null };
  const sources = {
    ...{ clock, log: silentLog, fleet: () => fleet, suppress: () => SUPPRESS_NOTHING },
    settled: () => asked.settled,
    triage: async () => {
      asked.triage += 1;
      if (asked.failing) throw new Error('the store is closed');
      asked.whileAsked?.();

      return triage;
    },
  };
  const [id = 0] = fleet.ids();
  const bring = (...cves: string[]) =>
    fleet.putMatches(
      id,
      cves.map((cve) => sampleMatch({ cve })),
    );

  return { fleet, clock, sources, asked, bring };
}

const open = async (sources: Parameters<typeof workNow>[0]) => totalOf((await workNow(sources)).open);

describe('when the todo list is asked for again', () => {
  it('it is the same object as long as nothing is another', async () => {
    const { sources } = lab();
    expect(await workNow(sources)).toBe(await workNow(sources));
  });

  it('every change of the fleet and every new day makes it anew', async () => {
    const { sources, bring, clock, fleet } = lab();
    const first = await workNow(sources);
    bring('CVE-2023-1', 'CVE-2023-2');
    expect(await open(sources)).toBe(2);
    const second = await workNow(sources);
    await clock.advance(20_000);
    expect(await workNow(sources)).not.toBe(second);
    fleet.dropMachine([...fleet.machines.keys()][0] ?? 'host:');
    expect(await open(sources)).toBe(0);
    expect(totalOf(first.open)).toBe(1);
  });

  it('what was made while matches came is not kept: their facts may not have been read', async () => {
    const { sources, asked, bring } = lab();
    asked.whileAsked = () => {
      asked.whileAsked = null;
      bring('CVE-2023-1', 'CVE-2023-2');
    };
    const early = await workNow(sources);
    expect(await workNow(sources)).not.toBe(early);
  });

  it('a part of the machines is never taken for all', async () => {
    const { sources } = lab();
    expect(totalOf((await workNow(sources, () => false)).open)).toBe(0);
    expect(await open(sources)).toBe(1);
    expect(totalOf((await workNow(sources, () => false)).open)).toBe(0);
    expect(await open(sources)).toBe(1);
  });
});

describe('when it is kept ready', () => {
  it('each change is worked out before anybody asks, and nothing while there is none', async () => {
    const { sources, clock, bring, asked } = lab();
    const stopped = new AbortController();
    const kept = keepWorkReady(sources, stopped.signal);
    const turn = async () => {
      await clock.sleeping();
      await clock.advance(2000);
      await clock.sleeping();
    };
    asked.settled = false;
    await turn();
    expect(asked.triage).toBe(0);
    asked.settled = true;
    await turn();
    const idle = asked.triage;
    await turn();
    // Asked whether it is another, and not worked out.
    expect(asked.triage).toBe(idle + 1);
    bring('CVE-2023-1', 'CVE-2023-2');
    await turn();
    expect(asked.triage).toBe(idle + 3);
    stopped.abort();
    await kept;
    expect(await open(sources)).toBe(2);
  });

  it('a failure ends nothing', async () => {
    const { sources, clock, asked } = lab();
    const stopped = new AbortController();
    const kept = keepWorkReady(sources, stopped.signal);
    asked.failing = true;
    await clock.sleeping();
    await clock.advance(2000);
    await clock.sleeping();
    expect(asked.triage).toBe(1);
    asked.failing = false;
    await clock.advance(100_000);
    await clock.sleeping();
    expect(asked.triage).toBe(3);
    stopped.abort();
    await kept;
  });
});
