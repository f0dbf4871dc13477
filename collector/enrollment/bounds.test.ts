// What bounds a token: uses, networks, mode, name, time, revocation. Each over real TLS at the gate and against the real store.
import { once } from 'node:events';
import { request as httpsRequest } from 'node:https';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { MAX_LABELS } from '@selvage/shared/model/labels.ts';
import { postJson } from '@selvage/shared/pki/first-contact.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { verifyLedger } from '../audit/ledger.ts';
import { hostState } from '../host-state.ts';
import { ASK_AGAIN_MS, MAX_TOKEN_NETWORKS, MAX_TOKEN_USES } from './limits.ts';
import type { HostRequest } from './requests.ts';
import { gate, HOUR_MS, newcomer, type Office, offices } from './testing/office.ts';
import type { TokenRequest } from './tokens.ts';

const open = offices('bounds');
const code = (expected: string) => expect.objectContaining({ code: expected });
const REPLACES = { boundTo: 'web-1', replaces: true };
const machine = (letter: string) => letter.repeat(64) as Sha256;

const token = async (office: Office, over: Partial<TokenRequest> = {}) =>
  office.enrollment.createToken({ kind: 'host', boundTo: null, ttlMs: 8 * HOUR_MS, createdBy: 'admin:ann', ...over });
const enrollAt = (office: Office, url: string, body: HostRequest) =>
  postJson({ url, path: '/v1/enroll', authority: office.hosts.certificate, body });
const codeOf = (asked: Promise<unknown>) =>
  asked.then(
    () => 'OK',
    (error: { code: string }) => error.code,
  );
const refusals = async (office: Office) =>
  (await office.ledger()).filter(({ action }) => action === 'token.refused').map(({ details }) => details);

describe('when many hosts come by one token', () => {
  it('each is pending, has the labels of the token, and counts as one use', async () => {
    const office = await open();
    const url = await gate(office, 'hosts');
    const made = await token(office, { uses: 3, labels: { tier: ['web'] } });
    const answers = [];
    for (const name of ['web-1', 'web-2'])
      answers.push(await enrollAt(office, url, newcomer(name).request(made.token)));

    expect(answers).toMatchObject([
      { name: 'web-1', pending: true },
      { name: 'web-2', pending: true },
    ]);
    const hosts = await office.store.read.hosts.list();
    expect(hosts.map((host) => [host.name, hostState(host), host.labels, host.token, host.lastAddress])).toEqual([
      ['web-1', 'pending', { tier: ['web'] }, made.id, '127.0.0.1'],
      ['web-2', 'pending', { tier: ['web'] }, made.id, '127.0.0.1'],
    ]);
    expect(await office.store.read.tokens.byId(made.id)).toMatchObject({ uses: 3, used: 2, usedAt: null });
    expect(await verifyLedger(office.store.read.audit)).toMatchObject({ ok: true });
  });

  it('a token for one host that is not named makes it pending too; for a named one it is accepted at once', async () => {
    const office = await open();
    const free = await token(office);
    const bound = await token(office, { boundTo: 'db-1' });

    expect(await office.enrollment.enrollHost(newcomer('web-1').request(free.token))).toMatchObject({ pending: true });
    expect(await office.enrollment.enrollHost(newcomer('db-1').request(bound.token))).toMatchObject({ pending: false });
  });

  it('beyond its uses it is refused, and stays so', async () => {
    const office = await open();
    const url = await gate(office, 'hosts');
    const made = await token(office, { uses: 2 });
    const asked = [];
    for (const name of ['a', 'b', 'c', 'd'])
      asked.push(await codeOf(enrollAt(office, url, newcomer(name).request(made.token))));

    expect(asked).toEqual(['OK', 'OK', 'TOKEN_USED', 'TOKEN_USED']);
    // Once for all who come too late: the ledger is for ever.
    expect(await refusals(office)).toEqual([{ code: 'TOKEN_USED', name: 'c', address: '127.0.0.1' }]);
    expect(await office.store.read.hosts.list()).toHaveLength(2);
  });

  it('64 at once: exactly as many get in as it has uses, each with an id of its own', async () => {
    const office = await open();
    const url = await gate(office, 'hosts');
    const made = await token(office, { uses: 50 });
    const asked = await Promise.allSettled(
      Array.from({ length: 64 }, (_, index) => enrollAt(office, url, newcomer(`web-${index}`).request(made.token))),
    );
    const won = asked.flatMap((one) => (one.status === 'fulfilled' ? [(one.value as { hostId: string }).hostId] : []));

    expect(new Set(won).size).toBe(50);
    expect(asked.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))).toEqual(
      Array(14).fill('TOKEN_USED'),
    );
    expect(await office.store.read.tokens.byId(made.id)).toMatchObject({ uses: 50, used: 50 });
    expect(await office.store.read.hosts.pending()).toHaveLength(50);
  });

  it('the same machine that asks again, also at the same moment, is one host and one use', async () => {
    const office = await open();
    const url = await gate(office, 'hosts');
    const made = await token(office, { uses: 2 });
    const one = newcomer('web-1');
    const asked = await Promise.all(
      Array.from({ length: 8 }, () => enrollAt(office, url, one.request(made.token)) as Promise<{ hostId: string }>),
    );
    expect(new Set(asked.map(({ hostId }) => hostId)).size).toBe(1);
    expect(await office.store.read.tokens.byId(made.id)).toMatchObject({ used: 1 });

    await office.clock.advance(ASK_AGAIN_MS - 1);
    expect(await codeOf(enrollAt(office, url, one.request(made.token)))).toBe('OK');
    await office.clock.advance(1);
    expect(await codeOf(enrollAt(office, url, one.request(made.token)))).toBe('TOKEN_USED');
    expect(await office.store.read.tokens.byId(made.id)).toMatchObject({ used: 1 });
  });

  it('whatever the order and whoever repeats, uses are counted by machine and never exceeded', async () => {
    const office = await open();
    const machines = Array.from({ length: 6 }, (_, index) => newcomer(`host-${index}`));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 14 }),
        async (uses, order) => {
          const made = await token(office, { uses });
          const answers = await Promise.allSettled(
            order.map((index) => {
              const { request } = machines[index] as (typeof machines)[number];

              return office.enrollment.enrollHost(request(made.token, { name: `host-${index}-${made.id}` }));
            }),
          );
          const won = answers.flatMap((answer, at) => (answer.status === 'fulfilled' ? [order[at]] : []));
          const distinct = new Set(order).size;

          expect(new Set(won).size).toBe(Math.min(uses, distinct));
          expect((await office.store.read.tokens.byId(made.id))?.used).toBe(Math.min(uses, distinct));
          // Who was let in once is let in each time.
          for (const index of new Set(won)) {
            expect(won.filter((one) => one === index)).toHaveLength(order.filter((one) => one === index).length);
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe('when a token is for certain networks', () => {
  it('the address is that of the socket, whatever headers say', async () => {
    const office = await open();
    const url = await gate(office, 'hosts');
    const elsewhere = await token(office, { uses: 9, networks: ['10.20.0.0/16'] });
    const here = await token(office, { uses: 9, networks: ['10.20.0.0/16', '127.0.0.0/8'] });
    const body = JSON.stringify(newcomer().request(elsewhere.token));
    const sent = httpsRequest(`${url}/v1/enroll`, {
      ...{ method: 'POST', ca: office.hosts.certificate, agent: false },
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': '10.20.0.1',
        'x-real-ip': '10.20.0.1',
        forwarded: 'for=10.20.0.1',
      },
    });
    sent.end(body);
    const [response] = await once(sent, 'response');
    const text = (await response.toArray()).join('');

    expect([response.statusCode, JSON.parse(text).code]).toEqual([403, 'TOKEN_WRONG_ADDRESS']);
    expect(await codeOf(enrollAt(office, url, newcomer().request(here.token)))).toBe('OK');
    expect(await refusals(office)).toEqual([{ code: 'TOKEN_WRONG_ADDRESS', name: 'web-1', address: '127.0.0.1' }]);
    expect(await office.store.read.tokens.byId(elsewhere.id)).toMatchObject({ used: 0 });
  });

  it('an address that is not known is in no network', async () => {
    const office = await open();
    const made = await token(office, { networks: ['0.0.0.0/0', '::/0'] });

    expect(await codeOf(office.enrollment.enrollHost(newcomer().request(made.token)))).toBe('TOKEN_WRONG_ADDRESS');
    expect(await codeOf(office.enrollment.enrollHost(newcomer().request(made.token), '::ffff:192.0.2.1'))).toBe('OK');
  });

  it('whoever got in does not get its answer again from elsewhere', async () => {
    const office = await open();
    const made = await token(office, { networks: ['192.0.2.0/24'] });
    const one = newcomer();
    await office.enrollment.enrollHost(one.request(made.token), '192.0.2.7');

    expect(await codeOf(office.enrollment.enrollHost(one.request(made.token), '198.51.100.7'))).toBe(
      'TOKEN_WRONG_ADDRESS',
    );
  });
});

describe('when a token bounds the mode', () => {
  it.each([
    ['observe', 'observe', 'OK'],
    ['observe', 'advise', 'TOKEN_WRONG_MODE'],
    ['advise', 'observe', 'OK'],
    ['advise', 'ask-on-site', 'TOKEN_WRONG_MODE'],
    ['advise', 'managed', 'TOKEN_WRONG_MODE'],
    ['managed', 'managed', 'OK'],
  ] as const)('one for %s and a host in %s: %s, with nothing spent when refused', async (bound, mode, answer) => {
    const office = await open();
    const made = await token(office, { mode: bound });

    expect(await codeOf(office.enrollment.enrollHost(newcomer().request(made.token, { mode })))).toBe(answer);
    expect(await office.store.read.tokens.byId(made.id)).toMatchObject({ used: answer === 'OK' ? 1 : 0 });
  });
});

describe('when a token of many uses is revoked or ends', () => {
  it('nobody gets in by it any more, also not who asks again; who is there stays', async () => {
    const office = await open();
    const url = await gate(office, 'hosts');
    const made = await token(office, { uses: 9 });
    const one = newcomer('web-1');
    await enrollAt(office, url, one.request(made.token));
    await office.enrollment.revokeToken(made.id, 'admin:ann');

    expect(await codeOf(enrollAt(office, url, one.request(made.token)))).toBe('TOKEN_REVOKED');
    expect(await codeOf(enrollAt(office, url, newcomer('web-2').request(made.token)))).toBe('TOKEN_REVOKED');
    expect(await office.store.read.hosts.pending()).toHaveLength(1);
  });

  it('after its end only who was let in before may ask again', async () => {
    const office = await open();
    const made = await token(office, { uses: 9, ttlMs: 60_000 });
    const one = newcomer('web-1');
    await office.enrollment.enrollHost(one.request(made.token));
    await office.clock.advance(60_000);

    expect(await codeOf(office.enrollment.enrollHost(one.request(made.token)))).toBe('OK');
    expect(await codeOf(office.enrollment.enrollHost(newcomer('web-2').request(made.token)))).toBe('TOKEN_EXPIRED');
  });
});

describe('when two machines want one name', () => {
  it('the second is refused and told both ways out, whether the first was accepted or not', async () => {
    const office = await open();
    const made = await token(office, { uses: 9 });
    await office.enrollment.enrollHost(newcomer('web-1').request(made.token, { machineId: machine('a') }));
    const asked = office.enrollment.enrollHost(newcomer('WEB-1').request(made.token, { machineId: machine('b') }));

    await expect(asked).rejects.toMatchObject({
      code: 'HOST_NAME_TAKEN',
      message: expect.stringContaining('web-1 is the name of the pending host'),
      next: expect.stringMatching(/--name OTHER.*token create --host web-1 --replace/),
    });
    expect(await office.store.read.tokens.byId(made.id)).toMatchObject({ used: 1 });
  });

  it('the same machine with another key is told that it is itself, and pushes nobody out', async () => {
    const office = await open();
    const made = await token(office, { uses: 9 });
    const first = await office.enrollment.enrollHost(newcomer('web-1').request(made.token));

    await expect(office.enrollment.enrollHost(newcomer('web-1').request(made.token))).rejects.toMatchObject({
      code: 'HOST_NAME_TAKEN',
      message: expect.stringContaining('this very machine'),
      next: expect.stringContaining('selvage token create --host web-1 --replace'),
    });
    expect(await office.store.read.hosts.byId(first.hostId)).toMatchObject({ state: 'active' });
  });

  it('under another name a copied machine comes in as pending, and the ledger says whose machine it says it is', async () => {
    const office = await open();
    const made = await token(office, { uses: 9 });
    const first = await office.enrollment.enrollHost(newcomer('web-1').request(made.token));
    await office.enrollment.changeHosts([first.hostId], { kind: 'accept' }, 'admin:ann');
    const copy = await office.enrollment.enrollHost(newcomer('web-2').request(made.token));

    expect(copy.pending).toBe(true);
    expect(await office.store.read.hosts.byId(first.hostId)).toMatchObject({ state: 'active' });
    expect((await office.ledger()).at(-1)?.details).toMatchObject({ name: 'web-2', sameMachineAs: [first.hostId] });
  });
});

describe('when a machine was installed anew', () => {
  const settled = async (office: Office) => {
    const made = await token(office, { boundTo: 'web-1' });
    const { hostId } = await office.enrollment.enrollHost(newcomer('web-1').request(made.token));
    await office.enrollment.changeHosts([hostId], { kind: 'owner', owner: 'ann@example.org' }, 'admin:ann');
    const labels = { tier: ['web'], zone: ['a'] };
    await office.enrollment.changeHosts([hostId], { kind: 'label', set: labels, remove: [] }, 'admin:ann');

    return hostId;
  };

  it('a token that replaces gives it name, owner and labels of the old record, which is retired', async () => {
    const office = await open();
    const old = await settled(office);
    const made = await token(office, { boundTo: 'web-1', replaces: true, labels: { zone: ['b'] } });
    const one = newcomer('web-1');
    const { hostId, pending } = await office.enrollment.enrollHost(
      one.request(made.token, { machineId: machine('b') }),
    );

    expect(pending).toBe(false);
    expect(await office.store.read.hosts.byName('web-1')).toMatchObject({
      ...{ id: hostId, owner: 'ann@example.org', labels: { tier: ['web'], zone: ['b'] }, replaces: old },
    });
    const before = await office.store.read.hosts.byId(old);
    expect([before && hostState(before), before?.owner]).toEqual(['retired', 'ann@example.org']);
    expect(await office.store.read.hosts.successor(old)).toMatchObject({ id: hostId });
    expect(office.events.slice(-2)).toEqual([
      { type: 'host.retired', host: old, name: 'web-1' },
      { type: 'host.enrolled', host: hostId, name: 'web-1' },
    ]);
    expect((await office.ledger()).slice(-2)).toMatchObject([
      {
        action: 'host.retired',
        actor: 'admin:ann',
        subject: `host:${old}`,
        details: { reason: 'replaced', by: hostId },
      },
      { action: 'host.enrolled', details: { replaces: old } },
    ]);
    // Its answer was lost: it is the same host, and nobody else is retired for it.
    expect(await office.enrollment.enrollHost(one.request(made.token, { machineId: machine('b') }))).toMatchObject({
      hostId,
    });
  });

  it('more labels than a host may have, old and new together, keep nobody out: the new ones count', async () => {
    const office = await open();
    const old = await settled(office);
    const many = Object.fromEntries(Array.from({ length: MAX_LABELS - 2 }, (_, index) => [`l${index}`, ['x']]));
    await office.enrollment.changeHosts([old], { kind: 'label', set: many, remove: [] }, 'admin:ann');
    const made = await token(office, { ...REPLACES, labels: { rack: ['b'] } });
    await office.enrollment.enrollHost(newcomer('web-1').request(made.token));

    const { labels = {} } = (await office.store.read.hosts.byName('web-1')) ?? {};
    expect([Object.keys(labels).length, labels.rack]).toEqual([MAX_LABELS, ['b']]);
  });

  it('of two who use such a token at once one takes the place, once', async () => {
    const office = await open();
    const old = await settled(office);
    const made = await token(office, { boundTo: 'web-1', replaces: true });
    const answers = await Promise.allSettled(
      Array.from({ length: 8 }, () => office.enrollment.enrollHost(newcomer('web-1').request(made.token))),
    );

    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const hosts = await office.store.read.hosts.list();
    expect(hosts.map((host) => [host.id === old, hostState(host)])).toEqual([
      [true, 'retired'],
      [false, 'active'],
    ]);
  });

  it('a second such token, made before, does not push out who came by the first', async () => {
    const office = await open();
    await settled(office);
    const [first, second] = [await token(office, REPLACES), await token(office, REPLACES)];
    await office.clock.advance(1000);
    const { hostId } = await office.enrollment.enrollHost(newcomer('web-1').request(first.token));

    expect(await codeOf(office.enrollment.enrollHost(newcomer('web-1').request(second.token)))).toBe('HOST_NAME_TAKEN');
    expect(await office.store.read.hosts.byName('web-1')).toMatchObject({ id: hostId, state: 'active' });
  });

  it('without it the name stays taken; a name that nobody has cannot be replaced', async () => {
    const office = await open();
    await settled(office);
    const made = await token(office, { boundTo: 'web-1' });

    expect(await codeOf(office.enrollment.enrollHost(newcomer('web-1').request(made.token)))).toBe('HOST_NAME_TAKEN');
    await expect(token(office, { boundTo: 'web-7', replaces: true })).rejects.toThrow(code('NOT_FOUND'));
  });

  it('a host that was replaced does not come back by asking again', async () => {
    const office = await open();
    const first = await token(office, { boundTo: 'web-1' });
    const one = newcomer('web-1');
    await office.enrollment.enrollHost(one.request(first.token));
    const second = await token(office, { boundTo: 'web-1', replaces: true });
    await office.enrollment.enrollHost(newcomer('web-1').request(second.token));

    expect(await codeOf(office.enrollment.enrollHost(one.request(first.token)))).toBe('HOST_RETIRED');
  });
});

describe('when what is asked of a token contradicts itself', () => {
  it.each([
    ['no use', { uses: 0 }],
    ['half a use', { uses: 1.5 }],
    ['too many uses', { uses: MAX_TOKEN_USES + 1 }],
    ['many uses for one name', { uses: 2, boundTo: 'web-1' }],
    ['a replacement for nobody', { replaces: true }],
    ['a network that is none', { networks: ['10.20.0.0/33'] }],
    ['too many networks', { networks: Array.from({ length: MAX_TOKEN_NETWORKS + 1 }, (_, n) => `10.${n}.0.0/16`) }],
    ['a label with a line end', { labels: { tier: ['we\nb'] } }],
    ['a label called like markup', { labels: { '<b>': ['x'] } }],
    ['uses for an admin', { kind: 'admin', boundTo: 'bob', uses: 2 }],
    ['a mode for an admin', { kind: 'admin', boundTo: 'bob', mode: 'observe' }],
  ] as const)('%s is refused, and there is no token', async (_what, over) => {
    const office = await open();

    await expect(token(office, over as Partial<TokenRequest>)).rejects.toThrow(code('USAGE'));
    expect(await office.store.read.tokens.list()).toEqual([]);
  });
});
