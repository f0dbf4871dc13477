// Changes to many hosts over the real API: by name and by text, looked at first, counted, and refused where nobody has looked.
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newcomer } from '../enrollment/testing/office.ts';
import type { HostRecord } from '../store/ports.ts';
import { hostId, hostSample } from '../store/samples.ts';
import { hostsChanged } from './contract/host-changes.ts';
import { createdHostToken, revokedToken, tokens } from './contract/tokens.ts';
import { hostDetail, hosts, status } from './contract.ts';
import { type ApiLab, apiLab, type ClientIdentity } from './testing/api-lab.ts';
import { putInventory } from './testing/inventories.ts';

let lab: ApiLab;
let ann: ClientIdentity;
beforeEach(async () => {
  lab = await apiLab();
  ann = await lab.admin('ann', 'admin');
});
afterEach(() => lab.close());

const get = (path: string) => lab.call('GET', path, { as: ann });
const post = (path: string, body: unknown, as = ann) => lab.call('POST', path, { as, body });
const change = (body: unknown) => post('/v1/hosts/changes', body);
const done = async (body: unknown) => hostsChanged.parse((await change(body)).json);
const accept = { kind: 'accept' } as const;

async function add(count: number, over: (number: number) => Partial<HostRecord> = () => ({ acceptedAt: null })) {
  await lab.store.transaction(async (writers) => {
    for (let number = 1; number <= count; number++) await writers.hosts.add(hostSample(number, over(number)));
  });
}
const states = async () => status.parse((await get('/v1/status')).json).hosts;

describe('when hundreds are accepted', () => {
  it('one request does it, once the admin says how many they expect', async () => {
    await add(400);
    const text = 'name=host-* and state=pending';
    const dry = await done({ change: accept, select: text, dryRun: true });
    expect([dry.dryRun, dry.changed.length, dry.changed[0]?.state]).toEqual([true, 400, 'pending']);
    expect(await states()).toMatchObject({ active: 0, pending: 400 });

    for (const expect_ of [undefined, 399, 401]) {
      expect(await change({ change: accept, select: text, expect: expect_ })).toMatchObject({
        status: 400,
        json: { code: 'REQUEST_INVALID', next: expect.stringContaining('--expect 400'), details: { hosts: 400 } },
      });
    }
    expect(await states()).toMatchObject({ active: 0, pending: 400 });

    const all = await done({ change: accept, select: text, expect: 400 });
    expect([all.changed.length, all.unchanged]).toEqual([400, []]);
    expect(await states()).toMatchObject({ active: 400, pending: 0 });
    const ledger = (await lab.store.read.audit.after(0, 1000)).filter(({ action }) => action === 'host.accepted');
    expect([ledger.length, new Set(ledger.map(({ actor }) => actor))]).toEqual([400, new Set(['admin:ann'])]);
  });

  it('a few need no number', async () => {
    await add(3);

    expect((await done({ change: accept, select: 'name=host-*' })).changed).toHaveLength(3);
  });

  it('a copied machine does not come along: it is left out, said, and accepted by name only', async () => {
    await add(3, (number) => ({ acceptedAt: null, machineId: number === 3 ? 'machine-2' : `machine-${number}` }));
    const some = await done({ change: accept, select: 'name=host-*' });

    expect(some.changed.map(({ name }) => name)).toEqual(['host-1']);
    expect(some.unchanged).toMatchObject([
      { name: 'host-2', state: 'pending', why: expect.stringContaining('the same machine as host-3') },
      { name: 'host-3', state: 'pending', sameMachineAs: ['host-2'] },
    ]);
    expect((await done({ change: accept, hosts: ['host-2'] })).changed).toMatchObject([{ state: 'active' }]);
    expect(hostDetail.parse((await get('/v1/hosts/host-3')).json)).toMatchObject({ sameMachineAs: ['host-2'] });
  });

  it('an address counts that the collector saw, never one that a pending host says it has', async () => {
    const from = (number: number) => (number === 2 ? '192.0.2.9' : '10.20.0.1');
    await add(2, (number) => ({ acceptedAt: null, lastAddress: from(number) }));
    const liar = { addresses: [{ interface: 'eth0', address: '10.20.0.7', prefix: 16, mac: '' }] };
    await putInventory(lab.store, hostId(2), lab.clock.now().toString(), { network: liar });
    const text = 'address=10.20.0.0/16';
    const some = await done({ change: accept, select: text });

    expect(some.changed.map(({ name }) => name)).toEqual(['host-1']);
    expect(some.selection).toMatchObject({ selected: 1, unknown: 0, notes: [] });
    // Accepted by name, somebody has looked: its own addresses count as those of any other.
    await done({ change: accept, hosts: ['host-2'] });
    expect((await done({ change: { kind: 'revoke' }, select: text, dryRun: true })).changed).toHaveLength(2);
  });

  it.each([
    ['name=host-*', 1],
    ['state=pending and not tier=db', 1],
    ['os=linux and enrolled<1h', 0],
    ["name=host-* and token='h12'", 0],
  ])('%s: %i notes that the host alone says so', async (select, notes) => {
    await add(1);
    const { selection } = await done({ change: accept, select, dryRun: true });

    expect(selection?.notes.filter((note) => note.includes('say of themselves'))).toHaveLength(notes);
    const other = await done({ change: { kind: 'revoke' }, select, dryRun: true });
    expect(other.selection?.notes.filter((note) => note.includes('say of themselves'))).toEqual([]);
  });

  it('what a text cannot know is left alone, and counted', async () => {
    await add(2);

    expect(await done({ change: accept, select: 'tier=web' })).toMatchObject({
      ...{ changed: [], unchanged: [] },
      selection: { selected: 0, unknown: 2 },
    });
  });
});

describe('when a change is asked for wrongly', () => {
  it.each([
    ['names and a text', { change: accept, hosts: ['host-1'], select: 'name=x' }, 'REQUEST_INVALID'],
    ['neither', { change: accept }, 'REQUEST_INVALID'],
    ['no names', { change: accept, hosts: [] }, 'REQUEST_INVALID'],
    ['no change', { hosts: ['host-1'] }, 'REQUEST_INVALID'],
    ['a change that is none', { change: { kind: 'delete' }, hosts: ['host-1'] }, 'REQUEST_INVALID'],
    ['a field too many', { change: { kind: 'accept', force: true }, hosts: ['host-1'] }, 'REQUEST_INVALID'],
    ['a wrong text', { change: accept, select: 'name=' }, 'SELECT_INVALID'],
    ['a label with a line end', { change: { kind: 'label', set: { a: ['x\ny'] } }, hosts: ['host-1'] }, 'USAGE'],
    [
      'a label called __proto__',
      { change: { kind: 'label', set: { ['__proto__']: ['x'] } }, hosts: ['host-1'] },
      'REQUEST_INVALID',
    ],
    ['an owner of an escape sequence', { change: { kind: 'owner', owner: '\u001b[31m' }, hosts: ['host-1'] }, 'USAGE'],
  ])('%s is refused', async (_what, body, code) => {
    await add(1);

    expect(await change(body)).toMatchObject({ status: 400, json: { code } });
  });

  it('one name that no host has stops all of it', async () => {
    await add(2);

    expect(await change({ change: accept, hosts: ['host-1', 'host-9'] })).toMatchObject({ status: 404 });
    expect(await states()).toMatchObject({ pending: 2 });
  });

  it('who may only look changes nothing', async () => {
    await add(1);
    const rita = await lab.admin('rita', 'reader');

    expect(await post('/v1/hosts/changes', { change: accept, hosts: ['host-1'] }, rita)).toMatchObject({ status: 403 });
    expect(await post('/v1/hosts/changes', { change: accept, hosts: ['host-1'], dryRun: true }, rita)).toMatchObject({
      status: 403,
    });
  });

  it('hosts that were sent away are said, and never let in', async () => {
    await add(1);
    await done({ change: { kind: 'revoke' }, hosts: ['host-1'] });

    expect(await done({ change: accept, hosts: ['host-1'] })).toMatchObject({
      changed: [],
      unchanged: [{ name: 'host-1', state: 'revoked', why: 'it is revoked', refused: true }],
    });
  });
});

describe('when hosts are listed', () => {
  beforeEach(async () => {
    await add(4, (number) => ({ acceptedAt: number === 1 ? null : hostSample(1).enrolledAt }));
    await done({ change: { kind: 'revoke' }, hosts: ['host-3'] });
    await done({ change: { kind: 'retire', reason: 'gone' }, hosts: ['host-4'] });
  });
  const listed = async (query: string) =>
    hosts.parse((await get(`/v1/hosts${query}`)).json).hosts.map(({ name, state }) => `${name} ${state}`);

  it('revoked and retired ones only on request, pending ones as such', async () => {
    expect(await listed('')).toEqual(['host-1 pending', 'host-2 active']);
    expect(await listed('?state=all')).toEqual(['host-1 pending', 'host-2 active', 'host-3 revoked', 'host-4 retired']);
    for (const [state, host] of [
      ['pending', 'host-1'],
      ['active', 'host-2'],
      ['revoked', 'host-3'],
      ['retired', 'host-4'],
    ]) {
      expect(await listed(`?state=${state}`)).toEqual([`${host} ${state}`]);
      expect(await listed(`?select=state%3D${state}`)).toEqual([`${host} ${state}`]);
    }
  });

  it('each is in one number of status and metrics, and only those that count in the others', async () => {
    expect(await states()).toEqual({ active: 1, pending: 1, revoked: 1, retired: 1, connected: 0, unknown: 1 });
    const { text } = await get('/v1/metrics');
    for (const state of ['pending', 'active', 'revoked', 'retired']) {
      expect(text).toContain(`\nselvage_hosts{state="${state}"} 1\n`);
    }
  });

  it('labels are shown by who says them', async () => {
    const set: Labels = { tier: ['web'] };
    await done({ change: { kind: 'label', set }, hosts: ['host-2'] });
    await done({ change: { kind: 'owner', owner: '<b>ann</b>' }, hosts: ['host-2'] });

    expect(hostDetail.parse((await get('/v1/hosts/host-2')).json)).toMatchObject({
      ...{ labels: null, collectorLabels: { tier: ['web'] }, owner: '<b>ann</b>' },
    });
  });
});

describe('when a token for many hosts is looked at', () => {
  const create = async (body: unknown) => createdHostToken.parse((await post('/v1/tokens', body)).json);
  const come = async (token: string, name: string) => {
    const machineId = sha256(name);

    return (await lab.office.enrollHost(newcomer(name).request(token, { machineId }), '10.20.0.1')).hostId;
  };

  it('its bounds are shown, what came by it, and what of that waits; not its secret', async () => {
    const made = await create({
      ...{ uses: 2, networks: ['10.20.0.0/16', '2001:DB8::/32'], mode: 'advise', labels: { tier: ['web'] } },
    });
    expect(made).toMatchObject({ boundTo: null, uses: 2, networks: ['10.20.0.0/16', '2001:db8::/32'], mode: 'advise' });
    const free = await create({ uses: 2 });
    const first = await come(free.token, 'web-1');
    await come(free.token, 'web-2');
    await done({ change: accept, hosts: [first] });
    const listed = await get('/v1/tokens');

    expect(listed.text).not.toContain(free.token.split('_')[2]);
    expect(tokens.parse(listed.json).tokens).toMatchObject([
      { id: made.id, state: 'open', used: 0, became: [] },
      {
        ...{ id: free.id, state: 'used', uses: 2, used: 2 },
        became: [
          { name: 'web-1', state: 'active' },
          { name: 'web-2', state: 'pending' },
        ],
      },
    ]);
  });

  it('revoking it says who still waits; on request they go with it, and who was accepted stays', async () => {
    const made = await create({ uses: 3 });
    const first = await come(made.token, 'web-1');
    await come(made.token, 'web-2');
    await done({ change: accept, hosts: [first] });
    const revoked = revokedToken.parse((await post(`/v1/tokens/${made.id}/revoke`, {})).json);
    expect([revoked.token.state, revoked.rejected]).toEqual(['revoked', 0]);
    expect(await states()).toMatchObject({ active: 1, pending: 1 });

    const rejected = revokedToken.parse((await post(`/v1/tokens/${made.id}/revoke`, { rejectPending: true })).json);
    expect(rejected.rejected).toBe(1);
    expect(await states()).toMatchObject({ active: 1, pending: 0, revoked: 1 });
    expect((await lab.store.read.audit.after(0, 99)).at(-1)).toMatchObject({
      ...{ action: 'host.revoked', actor: 'admin:ann', details: { reason: `the token ${made.id} was revoked` } },
    });
  });

  it.each([
    ['for nobody', {}],
    ['many uses for one name', { host: 'web-1', uses: 2 }],
    ['a network that is none', { uses: 2, networks: ['10.20.3.4/16'] }],
    ['a mode that is none', { uses: 2, mode: 'everything' }],
    ['a label with a bidi mark', { uses: 2, labels: { tier: ['a\u202eb'] } }],
    ['a replacement without a name', { uses: 1, replaces: true }],
  ])('one %s is refused', async (_what, body) => {
    expect((await post('/v1/tokens', body)).status).toBe(400);
    expect(await lab.store.read.tokens.list()).toEqual([]);
  });
});

it('one host may be named by its id too, and counts once', async () => {
  await add(1);

  expect((await done({ change: accept, hosts: ['host-1', hostId(1), 'host-1'] })).changed).toHaveLength(1);
});
