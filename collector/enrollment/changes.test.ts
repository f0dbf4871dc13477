// What admins say of hosts, against the real store: who is let in, called something, owned, retired, and what may not be said.
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { Labels } from '@selvage/shared/model/labels.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { verifyLedger } from '../audit/ledger.ts';
import { hostState } from '../host-state.ts';
import type { HostRecord } from '../store/ports.ts';
import { hostSample } from '../store/samples.ts';
import { type HostChange, stepFor } from './changes.ts';
import { BATCH_HOSTS } from './limits.ts';
import { HOUR_MS, newcomer, type Office, offices } from './testing/office.ts';

const open = offices('changes');
const code = (expected: string) => expect.objectContaining({ code: expected });
const accept: HostChange = { kind: 'accept' };
const label = (set: Labels, remove: string[] = []): HostChange => ({ kind: 'label', set, remove });

/** Pending hosts as an enrollment leaves them. */
async function pending(office: Office, count: number): Promise<HostId[]> {
  const hosts = Array.from({ length: count }, (_, index) =>
    hostSample(index + 1, { name: `web-${index}`, acceptedAt: null }),
  );
  await office.store.transaction(async (writers) => {
    for (const host of hosts) await writers.hosts.add(host);
  });

  return hosts.map(({ id }) => id);
}

const change = (office: Office, ids: readonly HostId[], what: HostChange) =>
  office.enrollment.changeHosts(ids, what, 'admin:ann');
const record = async (office: Office, id: HostId | undefined) =>
  (await office.store.read.hosts.byId(id as HostId)) as HostRecord;
const heard = (office: Office, type: string) => office.events.filter((event) => event.type === type).length;

describe('when hosts are accepted', () => {
  it('each is in the ledger under the admin, with an event after it is so; doing it again changes nothing', async () => {
    const office = await open();
    const ids = await pending(office, 2);
    const states: string[] = [];
    const first = await change(office, ids, accept);
    states.push(...first.map(({ state, changed }) => `${state} ${changed}`));
    const again = await change(office, ids, accept);

    expect(states).toEqual(['active true', 'active true']);
    expect(again).toMatchObject(ids.map(() => ({ changed: false, why: 'it is accepted already' })));
    expect(heard(office, 'host.accepted')).toBe(2);
    const entries = (await office.ledger()).filter(({ action }) => action === 'host.accepted');
    expect(entries.map(({ actor, subject }) => [actor, subject])).toEqual(ids.map((id) => ['admin:ann', `host:${id}`]));
    expect(await verifyLedger(office.store.read.audit)).toMatchObject({ ok: true });
  });

  it('one that was sent away is not let in by it', async () => {
    const office = await open();
    const [revoked, retired] = await pending(office, 2);
    await change(office, [revoked as HostId], { kind: 'revoke' });
    await change(office, [retired as HostId], { kind: 'retire', reason: 'a test machine' });

    expect(await change(office, [revoked as HostId, retired as HostId], accept)).toMatchObject([
      { state: 'revoked', changed: false, why: 'it is revoked' },
      { state: 'retired', changed: false, why: 'it is retired' },
    ]);
  });

  it('more than fit into one transaction are done in several, and all of them', async () => {
    const office = await open();
    const ids = await pending(office, BATCH_HOSTS + 3);
    const done = await change(office, ids, accept);

    expect(done.map(({ id }) => id)).toEqual(ids);
    expect(await office.store.read.hosts.pending()).toEqual([]);
    expect(heard(office, 'host.accepted')).toBe(ids.length);
  });

  it('an id that is none: what came before in other transactions stays, its own does not, and repeating does the rest', async () => {
    const office = await open();
    const ids = await pending(office, BATCH_HOSTS + 2);
    const broken = [...ids.slice(0, -1), 'nobody' as HostId, ...ids.slice(-1)];

    await expect(change(office, broken, accept)).rejects.toThrow(code('NOT_FOUND'));
    expect(await office.store.read.hosts.pending()).toHaveLength(2);
    expect(heard(office, 'host.accepted')).toBe(BATCH_HOSTS);
    await change(office, ids, accept);
    expect(await office.store.read.hosts.pending()).toEqual([]);
  });
});

describe('when hosts are labelled and owned', () => {
  it('values take the place of those of that name, others stay, and what was there before is in the ledger', async () => {
    const office = await open();
    const [id] = await pending(office, 1);
    await change(office, [id as HostId], label({ tier: ['web', 'db'], zone: ['a'] }));
    await change(office, [id as HostId], label({ tier: ['app'] }, ['zone', 'none']));
    await change(office, [id as HostId], { kind: 'owner', owner: 'Ann <ann@example.org>' });

    expect(await record(office, id)).toMatchObject({ labels: { tier: ['app'] }, owner: 'Ann <ann@example.org>' });
    const said = (await office.ledger()).filter(({ action }) => action === 'host.labelled' || action === 'host.owned');
    expect(said.map(({ details }) => details)).toEqual([
      { name: 'web-0', labels: { tier: ['web', 'db'], zone: ['a'] }, before: {} },
      { name: 'web-0', labels: { tier: ['app'] }, before: { tier: ['web', 'db'], zone: ['a'] } },
      { name: 'web-0', owner: 'Ann <ann@example.org>', before: null },
    ]);
    await change(office, [id as HostId], { kind: 'owner', owner: null });
    expect(await change(office, [id as HostId], { kind: 'owner', owner: null })).toMatchObject([{ changed: false }]);
  });

  it.each([
    ['an owner over two lines', { kind: 'owner', owner: 'ann\nroot' }, 'the owner: column 4: U+000A'],
    ['an owner that turns the text round', { kind: 'owner', owner: 'ann\u202egpj' }, 'the owner: column 4: U+202E'],
    ['an owner that commands the terminal', { kind: 'owner', owner: '\u001b[2Jann' }, 'the owner: column 1: U+001B'],
    ['an owner without end', { kind: 'owner', owner: 'a'.repeat(129) }, '129 characters; 128 are the most'],
    ['no owner', { kind: 'owner', owner: '' }, 'it is empty'],
    [
      'a value with a tab',
      { kind: 'label', set: { tier: ['a\tb'] }, remove: [] },
      'the value of tier: column 2: U+0009',
    ],
    ['a name with blanks', { kind: 'label', set: { 'a b': ['x'] }, remove: [] }, 'the name "a b" does not fit'],
    ['a name both set and removed', { kind: 'label', set: { a: ['x'] }, remove: ['a'] }, 'a is both set and removed'],
    ['a reason with a line end', { kind: 'retire', reason: 'gone\nadmin accepted' }, 'the reason: column 5: U+000A'],
  ] as const)('%s is refused whole, with the place', async (_what, what, said) => {
    const office = await open();
    const ids = await pending(office, 1);
    const before = (await office.ledger()).length;

    await expect(change(office, ids, what as HostChange)).rejects.toThrow(code('USAGE'));
    await expect(change(office, ids, what as HostChange)).rejects.toThrow(said);
    expect(await office.ledger()).toHaveLength(before);
    expect(await record(office, ids[0])).toMatchObject({ owner: null, labels: {}, state: 'active' });
  });

  it('markup, quotes and shell characters are kept exactly as they are', async () => {
    const office = await open();
    const [id] = await pending(office, 1);
    const text = `<img src=x onerror="alert('1')">; $(rm -rf /) \`id\` 'a' "b" \\n %s`;
    await change(office, [id as HostId], { kind: 'owner', owner: text });
    await change(office, [id as HostId], label({ note: [text] }));

    expect(await record(office, id)).toMatchObject({ owner: text, labels: { note: [text] } });
  });

  it('more labels than a host may have are refused for that host, and others get theirs', async () => {
    const office = await open();
    const [full, empty] = await pending(office, 2);
    const many = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`l${index}`, ['x']]));
    await change(office, [full as HostId], label(many));

    expect(await change(office, [full as HostId, empty as HostId], label({ one: ['more'] }))).toMatchObject([
      { changed: false, why: expect.stringContaining('65 labels; 64 are the most') },
      { changed: true },
    ]);
  });
});

describe('when machines are said to be no more', () => {
  it('a retired one is revoked too, its name is free, and its record stays with its owner and labels', async () => {
    const office = await open();
    const token = await office.hostToken();
    const { hostId } = await office.enrollment.enrollHost(newcomer().request(token));
    await change(office, [hostId], { kind: 'owner', owner: 'ann' });
    await change(office, [hostId], { kind: 'retire', reason: 'scrapped' });
    const next = await office.enrollment.enrollHost(newcomer().request(await office.hostToken()));

    const host = await record(office, hostId);
    expect([hostState(host), host.state, host.owner]).toEqual(['retired', 'revoked', 'ann']);
    expect(await office.store.read.hosts.byName('web-1')).toMatchObject({
      id: next.hostId,
      owner: null,
      replaces: null,
    });
    expect((await office.ledger()).find(({ action }) => action === 'host.retired')).toMatchObject({
      ...{ actor: 'admin:ann', subject: `host:${hostId}` },
      details: { reason: 'scrapped', name: 'web-1' },
    });
  });

  it('a revoked one may be retired, a retired one is not revoked again', async () => {
    const office = await open();
    const [id] = await pending(office, 1);
    await change(office, [id as HostId], { kind: 'revoke' });
    const { revokedAt } = await record(office, id);
    await office.clock.advance(HOUR_MS);
    await change(office, [id as HostId], { kind: 'retire', reason: 'x' });

    expect(await record(office, id)).toMatchObject({ state: 'revoked', revokedAt });
    expect(await change(office, [id as HostId], { kind: 'revoke' })).toMatchObject([
      { state: 'retired', changed: false, why: 'it is retired already' },
    ]);
  });
});

it('whatever is done in whatever order, a host that was sent away never counts again', () => {
  const kinds = fc.constantFrom('accept', 'revoke', 'retire', 'owner', 'label');
  const at = hostSample(1).enrolledAt;
  fc.assert(
    fc.property(fc.array(kinds, { maxLength: 12 }), (order) => {
      let host: HostRecord = hostSample(1, { acceptedAt: null });
      let gone = false;
      for (const kind of order) {
        const what = { kind, owner: 'ann', set: { a: ['b'] }, remove: [] } as unknown as HostChange;
        if (typeof stepFor(host, what) !== 'string') {
          if (kind === 'accept') host = { ...host, acceptedAt: at };
          if (kind === 'revoke' || kind === 'retire') host = { ...host, state: 'revoked', revokedAt: at };
          if (kind === 'retire') host = { ...host, retiredAt: at };
        }
        gone ||= host.state === 'revoked';
        expect(gone && hostState(host) === 'active').toBe(false);
        expect(gone && hostState(host) === 'pending').toBe(false);
      }
    }),
  );
});
