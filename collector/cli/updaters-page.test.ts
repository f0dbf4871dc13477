// What a person reads of a host that others update too.
import type { Section } from '@selvage/shared/model/inventory.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { putInventory } from '../api/testing/inventories.ts';
import { hostSample } from '../store/samples.ts';
import { type CollectorLab, collectorLab, type Running } from './testing/collector-lab.ts';

const AT = '2026-03-01T12:00:00Z';
const UPDATER: Section<'updaters'>[number] = {
  name: 'unattended-upgrades',
  kind: 'timer',
  installs: true,
  enabled: true,
  nextRun: '2026-03-02T06:20:00Z',
  detail: 'every 1 d',
  units: [{ name: 'apt-daily-upgrade.timer', state: 'enabled' }],
};
const TELLER = { ...UPDATER, name: 'fwupd', installs: false, nextRun: null, units: [] };
const MASKED = { ...UPDATER, enabled: false, nextRun: null, units: [{ name: 'x.timer', state: 'masked' }] };

describe('when a host has other updaters', () => {
  let lab: CollectorLab;
  let running: Running;
  const agent = { version: '0.1.0', mode: 'managed' as const, labels: {}, components: [] };
  beforeAll(async () => {
    lab = collectorLab();
    await lab.init();
    await lab.withStore(async (store) => {
      await store.transaction(async ({ hosts }) => {
        for (const number of [1, 2, 3]) await hosts.add({ ...hostSample(number), mode: 'managed' });
      });
      await putInventory(store, hostSample(1).id, AT, { agent, updaters: [TELLER, UPDATER] });
      const taken = { state: 'taken' as const, since: AT };
      await putInventory(store, hostSample(2).id, AT, { agent: { ...agent, takeover: taken }, updaters: [MASKED] });
      const fallback = { state: 'fallback' as const, since: AT };
      await putInventory(store, hostSample(3).id, AT, { agent: { ...agent, takeover: fallback }, updaters: [UPDATER] });
    });
    running = await lab.serve();
  });
  afterAll(() => running.stop());
  const page = async (number: number) => (await lab.run(['host', 'show', hostSample(number).name])).stdout;

  it('its page names them, when they run next, and what to do', async () => {
    const text = await page(1);

    expect(text).toMatch(/OTHER_UPDATER_ACTIVE {2}unattended-upgrades installs here too.*selvage-agent takeover/);
    expect(text).toMatch(
      /other updaters +unattended-upgrades: on, installs, next .*\n +fwupd: on, only tells, next run not known/,
    );
  });

  it('one that was taken over is nobody’s trouble', async () => {
    expect(await page(2)).toMatch(/takeover +taken, /);
    expect(await page(2)).toContain('unattended-upgrades: off, masked');
    expect(await page(2)).not.toContain('OTHER_UPDATER_ACTIVE');
  });

  it('one that handed itself back is, on its page and in the status', async () => {
    expect(await page(3)).toContain('FALLBACK  it handed itself back');
    expect((await lab.run(['status'])).stdout).toContain('handed itself back');
  });

  it('lists are filtered by both', async () => {
    const names = async (select: string) =>
      JSON.parse((await lab.run(['host', 'list', '--json', '--select', select])).stdout).hosts.map(
        ({ name }: { name: string }) => name,
      );

    expect(await names('takeover=fallback')).toEqual([hostSample(3).name]);
    expect(await names('updater=unattended-upgrades and not takeover=fallback')).toEqual([]);
    expect(await names('updater=fwupd')).toEqual([hostSample(1).name]);
  });
});
