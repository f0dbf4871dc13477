import { type Inventory, SECTION_NAMES } from '@selvage/shared/model/inventory.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { describe, expect, it } from 'vitest';
import { collectInventory } from './collect.ts';
import { COLLECTORS, type Collectors } from './sections/index.ts';
import { observing, repository, testOptions } from './testing/context.ts';

const options = () =>
  testOptions({ observers: [observing({ installed: [{ name: 'a' }], repositories: [repository()] })] });
const quick: Collectors = { ...COLLECTORS, hardware: () => Promise.reject(new Error('not asked in this test')) };

describe('when an inventory is taken', () => {
  it('has every section, whole or with its reason, and survives the way out of its process', async () => {
    const inventory: Inventory = JSON.parse(JSON.stringify(await collectInventory(options())));

    expect(Object.keys(inventory.sections).sort()).toEqual([...SECTION_NAMES].sort());
    expect(inventory.sections.packages).toMatchObject({ ok: true, data: [{ name: 'a' }] });
    expect(inventory.sections.agent).toMatchObject({ ok: true, data: { mode: 'observe', labels: { tier: ['web'] } } });
    expect(inventory.sections.os.ok).toBe(true);
  });

  it('keeps the others when one section fails', async () => {
    const { sections } = await collectInventory(options(), quick);

    expect(sections.hardware).toEqual({ ok: false, code: 'INTERNAL', reason: 'not asked in this test' });
    expect(sections.packages.ok).toBe(true);
    expect(sections.users.ok).toBe(true);
  });

  it('does not wait for a section that hangs', async () => {
    const clock = fakeClock('2026-11-23T12:00:00Z');
    const hung = collectInventory({ ...options(), clock }, { ...quick, network: () => new Promise(() => undefined) });
    await clock.sleeping(1);
    await clock.advance(60_000);
    const { sections } = await hung;

    expect(sections.network).toMatchObject({ ok: false, code: 'PROCESS_DEADLINE' });
  });

  it('refuses a section that is not what the model says, instead of sending it', async () => {
    const wrong = {
      ...quick,
      network: () => Promise.resolve({ addresses: [{ interface: '' }] }),
    } as unknown as Collectors;
    const { sections } = await collectInventory(options(), wrong);

    expect(sections.network).toMatchObject({ ok: false, code: 'PARSE' });
  });

  it('says nothing about packages where no package manager is known', async () => {
    const { sections } = await collectInventory(testOptions(), quick);

    expect(sections.packages).toMatchObject({ ok: false, code: 'NOT_BUILT' });
    expect(sections.updates).toMatchObject({ ok: true, data: { known: false } });
  });
});
