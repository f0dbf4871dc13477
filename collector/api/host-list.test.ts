// GET /v1/hosts in pages and whole, on a real API: nothing twice, nothing missing, whatever happens meanwhile.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { UNDERSTOOD } from '@selvage/shared/policy/understanding.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { hostId, hostSample } from '../store/samples.ts';
import { hosts, MAX_HOSTS_PAGE } from './contract.ts';
import { MAX_LOOKS } from './host-select.ts';
import { added, type SelectionShown } from './selecting.ts';
import { type ApiLab, apiLab, type ClientIdentity } from './testing/api-lab.ts';
import { OS_SECTION, putInventory } from './testing/inventories.ts';

type Answer = z.output<typeof hosts>;

const NOW = '2026-11-20T12:00:00Z' as Timestamp;
const HOSTS = 25;
const NO_LABEL = 'none of the hosts has a label';
/** By their numbers names do not sort: host-10 comes before host-2. */
const NAMES = Array.from({ length: HOSTS }, (_, index) => `host-${index + 1}`).toSorted();

let lab: ApiLab;
let rita: ClientIdentity;
beforeAll(async () => {
  lab = await apiLab();
  rita = await lab.admin('rita', 'reader');
  await lab.store.transaction(async (writers) => {
    for (let number = 1; number <= HOSTS; number++) {
      const machineId = number > 23 ? 'machine-copied' : `machine-${number}`;
      await writers.hosts.add(hostSample(number, { machineId }));
      await writers.hosts.describe(hostId(number), { labels: { tier: [number % 5 === 0 ? 'db' : 'web'] } });
    }
    await writers.hosts.revoke(hostId(7), NOW);
    const seen = { at: NOW, agentVersion: '0.1.0', mode: 'managed' as const, address: '10.0.0.1', clockSkewMs: 0 };
    await writers.hosts.seenAll([
      { ...seen, id: hostId(1), authorities: [], understands: UNDERSTOOD },
      { ...seen, id: hostId(3), authorities: [], understands: null },
      { ...seen, id: hostId(4), authorities: [], understands: null },
    ]);
  });
  const components = [{ name: 'node', version: '26', purl: 'pkg:generic/node@26' }];
  await putInventory(lab.store, hostId(4), NOW, {
    agent: { version: '0.1.0', mode: 'managed', labels: {}, components },
  });
  await putInventory(lab.store, hostId(2), NOW, { os: OS_SECTION, reboot: { required: true, reasons: [] } });
});
afterAll(() => lab.close());

const ask = async (query: string): Promise<Answer> => {
  const { status, json } = await lab.call('GET', `/v1/hosts${query}`, { as: rita });
  expect(status).toBe(200);

  return hosts.parse(json);
};
const pages = async (query: string, between: (page: number) => Promise<void> = async () => undefined) => {
  const all: Answer[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const page = await ask(`?${query}${after === undefined ? '' : `&after=${after}`}`);
    all.push(page);
    after = page.next ?? null;
    await between(all.length);
  }

  return all;
};
const namesOf = (answers: readonly Answer[]) => answers.flatMap((answer) => answer.hosts.map(({ name }) => name));
const CURRENT = NAMES.filter((name) => name !== 'host-7');

describe('when hosts are asked for in pages', () => {
  it.each([1, 2, 7, 24, 25, 26, MAX_HOSTS_PAGE])('of %i, they are the same as at once, in order', async (limit) => {
    const all = await pages(`limit=${limit}`);
    const whole = await ask('');

    expect(namesOf(all)).toEqual(CURRENT);
    expect(new Set(whole.hosts.map(({ name }) => name))).toEqual(new Set(CURRENT));
    for (const { hosts: rows } of all) expect(rows.length).toBeLessThanOrEqual(limit);
    const { cannotRead: _, ...second } = all.flatMap((page) => page.hosts).find(({ name }) => name === 'host-2') ?? {};
    expect(second).toMatchObject({ os: { id: 'debian' }, rebootRequired: true });
    expect(second).toEqual(whole.hosts.find(({ name }) => name === 'host-2'));
    expect(all.flatMap((page) => page.hosts).find(({ name }) => name === 'host-24')?.sameMachineAs).toEqual([
      'host-25',
    ]);
  });

  it('of one state, and of a text that selects few, together they are all of them, and what is said of the text adds up', async () => {
    for (const query of ['state=all', 'state=revoked', 'select=tier%3Ddb', 'select=reboot']) {
      const all = await pages(`${query}&limit=3`);
      const whole = await ask(`?${query}`);

      expect(namesOf(all), query).toEqual(whole.hosts.map(({ name }) => name).toSorted());
      const together = all.reduce<SelectionShown>((sum, { selection }) => added(sum, selection), null);
      expect(together).toEqual(whole.selection);
    }
  });

  it('of one host, of a text that selects nobody, it does not look at host after host through the whole fleet', async () => {
    const first = await ask('?select=tier%3Dnone&limit=1');

    expect(MAX_LOOKS).toBeLessThan(CURRENT.length);
    expect(first).toMatchObject({ hosts: [], next: expect.any(String), selection: { selected: 0 } });
    expect(first.selection?.of).toBeLessThanOrEqual(MAX_LOOKS);
    expect(namesOf(await pages('select=tier%3Dnone&limit=1'))).toEqual([]);
  });

  it('hosts that are in no database are told with the first page, and not again with each', async () => {
    const lost = { id: hostId(999), address: '10.0.0.9', lastSeen: NOW };
    lab.unknown.push(lost);
    const all = await pages('limit=5');
    lab.unknown.pop();

    expect(all.length).toBeGreaterThan(2);
    expect(all.flatMap(({ notInDatabase }) => notInDatabase)).toEqual([lost]);
    expect(all[0]?.notInDatabase).toEqual([lost]);
  });

  it('a label that none has is said, one that only the last page knows is not', async () => {
    const notes = async (select: string) =>
      (await pages(`select=${select}&limit=3`)).reduce<SelectionShown>((sum, page) => added(sum, page.selection), null)
        ?.notes;

    expect(await notes('teir%3Ddb')).toEqual(['none of the hosts has a label teir; did you mean tier?']);
    expect(await notes('tier%3Ddb')).toEqual([]);
  });

  it('nor is a misspelling lost where some of the pages know no label that is like it', () => {
    const page = (...said: readonly string[]): SelectionShown => ({
      ...{ select: 'teir=db', of: 3, selected: 0, unknown: 3, because: [], notes: [...said] },
    });
    const [plain, meant] = [`${NO_LABEL} teir`, `${NO_LABEL} teir; did you mean tier?`];
    const notes = (...all: readonly SelectionShown[]) => all.reduce<SelectionShown>(added, null)?.notes;

    expect(notes(page(plain), page(meant), page(plain))).toEqual([meant]);
    expect(notes(page(meant), page(plain))).toEqual([meant]);
    expect(notes(page(plain), page(plain))).toEqual([plain]);
    expect(notes(page(meant), page(`${NO_LABEL} other`))).toEqual([]);
  });

  it('whoever comes, goes or is named like another meanwhile, nobody is told twice and nobody who stays is left out', async () => {
    const { store } = lab;
    const all = await pages('limit=5', async (page) => {
      if (page !== 2) return;
      await store.transaction(async (writers) => {
        // Before and behind the place where the pages are, a successor of the last one told, and one that goes.
        await writers.hosts.add(hostSample(101, { name: 'aaa' }));
        await writers.hosts.add(hostSample(102, { name: 'zzz' }));
        await writers.hosts.revoke(hostId(18), NOW);
        await writers.hosts.add(hostSample(103, { name: 'host-18' }));
        await writers.hosts.revoke(hostId(9), NOW);
      });
    });
    const told = all.flatMap((page) => page.hosts.map(({ id }) => id));

    expect(new Set(told).size).toBe(told.length);
    expect(namesOf(all).filter((name, index, names) => names.indexOf(name) === index)).toEqual(
      [...CURRENT.filter((name) => name !== 'host-9'), 'zzz'].toSorted(),
    );
    // Of two with one name the second is on the next page.
    const each = (await pages('state=all&limit=1')).flatMap((page) => page.hosts.map(({ id }) => id));
    expect(each.toSorted()).toEqual((await ask('?state=all')).hosts.map(({ id }) => id).toSorted());
  });

  it.each([
    ['a page that nobody gave out', '?limit=5&after=bm9uZQ'],
    ['a page without its size', `?after=${Buffer.from('["a","b"]').toString('base64url')}`],
    ['none at once', '?limit=0'],
    ['more than a page holds', `?limit=${MAX_HOSTS_PAGE + 1}`],
  ])('%s is refused', async (_what, query) => {
    expect(await lab.call('GET', `/v1/hosts${query}`, { as: rita })).toMatchObject({
      status: 400,
      json: { code: 'REQUEST_INVALID' },
    });
  });
});

describe('when commands of an earlier release ask', () => {
  it('all hosts are there at once, and no field that they do not know', async () => {
    const whole = await ask('?state=all');

    expect(whole.hosts.length).toBeGreaterThan(HOSTS);
    expect(Object.keys(whole).toSorted()).toEqual(['hosts', 'hunt', 'notInDatabase', 'selection']);
    for (const row of whole.hosts) expect(row).not.toHaveProperty('cannotRead');
    expect((await lab.call('GET', '/v1/hosts/host-1', { as: rita })).json).not.toHaveProperty('cannotRead');
  });
});

describe('when it is asked what agents cannot read', () => {
  it('pages say it of each, by what it said or by its release', async () => {
    const rows = (await pages('limit=9')).flatMap((page) => page.hosts);
    const of = (name: string) => rows.find((row) => row.name === name)?.cannotRead;

    expect(of('host-1')).toEqual([]);
    expect(of('host-3')).toEqual(expect.arrayContaining(['RiskAcceptance', 'HostGroup']));
    // Its inventory is of a release that knew groups.
    expect(of('host-4')).toEqual(['RiskAcceptance', 'Advisory', 'PatchPolicy.due']);
    // It has never connected: nothing is known of it.
    expect(of('host-5')).toBeUndefined();
  });

  it('they are selected by it', async () => {
    expect((await ask('?select=not%20cannot-read%3D*')).hosts.map(({ name }) => name)).toEqual(['host-1']);
    expect((await ask('?select=cannot-read%3Driskacceptance')).hosts.map(({ name }) => name)).toEqual([
      'host-3',
      'host-4',
    ]);
    expect((await ask('?select=cannot-read%3Dhostgroup')).hosts.map(({ name }) => name)).toEqual(['host-3']);
  });
});
