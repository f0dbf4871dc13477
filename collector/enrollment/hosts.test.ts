// Redeeming host tokens against the real store: who gets in, who gets which code, and what the ledger says about it.

import { X509Certificate } from 'node:crypto';
import { hostIdOf } from '@selvage/shared/pki/certificate.ts';
import { createRequest } from '@selvage/shared/pki/csr.ts';
import { keyHash } from '@selvage/shared/pki/keys.ts';
import { describe, expect, it } from 'vitest';
import { verifyLedger } from '../audit/ledger.ts';
import { ASK_AGAIN_MS, HOST_CERTIFICATE_MS } from './limits.ts';
import { HOUR_MS, newcomer, type Office, offices, proofOf } from './testing/office.ts';

const open = offices('hosts');
const idOfToken = (token: string) => token.split('_')[1] ?? '';
const actions = async (office: Office) => (await office.ledger()).map(({ action }) => action);

describe('when a host redeems its token', () => {
  it('becomes an active host with a 30-day certificate for its own key, and the ledger says so', async () => {
    const office = await open();
    const token = await office.hostToken();
    const host = newcomer();

    const { hostId, certificate, authority } = await office.enrollment.enrollHost(host.request(token));

    const x509 = new X509Certificate(certificate);
    const life = x509.validToDate.getTime() - office.clock.now().epochMilliseconds;
    expect(hostIdOf(x509)).toBe(hostId);
    expect(x509.publicKey.export({ type: 'spki', format: 'pem' })).toBe(host.keys.publicKey);
    expect(x509.verify(new X509Certificate(authority).publicKey)).toBe(true);
    expect(x509.subject).toBe(`CN=${hostId}`);
    expect(Math.round(life / HOUR_MS)).toBe(HOST_CERTIFICATE_MS / HOUR_MS);
    expect(x509.validFromDate.getTime()).toBeLessThan(office.clock.now().epochMilliseconds);

    expect(await office.store.read.hosts.byId(hostId)).toMatchObject({
      name: 'web-1',
      state: 'active',
      mode: 'managed',
      runnerKey: host.runner.publicKey,
    });
    expect(await office.store.read.tokens.byId(idOfToken(token))).toMatchObject({
      usedFor: hostId,
      usedByKey: keyHash(host.keys.publicKey),
    });
    expect((await office.ledger()).at(-1)).toMatchObject({
      action: 'host.enrolled',
      actor: `host:${hostId}`,
      details: { name: 'web-1', tokenId: idOfToken(token), runnerKey: keyHash(host.runner.publicKey) },
    });
    expect(await verifyLedger(office.store.read.audit)).toMatchObject({ ok: true, checked: 2 });
    expect(office.events).toEqual([{ type: 'host.enrolled', host: hostId, name: 'web-1' }]);
  });

  it('keeps no secret of the token anywhere', async () => {
    const office = await open();
    const token = await office.hostToken();
    const secret = token.split('_')[2] ?? 'none';

    expect(secret).toHaveLength(64);
    expect(JSON.stringify(await office.store.read.tokens.list())).not.toContain(secret);
    expect(JSON.stringify(await office.ledger())).not.toContain(secret);
  });

  it('takes its name in any case, and a token for any host', async () => {
    const office = await open();
    const bound = await office.hostToken('Web-1');
    const free = await office.hostToken(null);

    expect(await office.enrollment.enrollHost(newcomer('WEB-1').request(bound))).toMatchObject({ name: 'web-1' });
    expect(await office.enrollment.enrollHost(newcomer('db-1').request(free))).toMatchObject({ name: 'db-1' });
  });
});

describe('when a token does not fit', () => {
  const refused = async (office: Office, token: string, name = 'web-1') =>
    office.enrollment.enrollHost(newcomer(name).request(token)).then(
      () => 'enrolled',
      (error) => error.code,
    );

  it('is unknown: no token, another id, another secret, or one for admins, all in the same words', async () => {
    const office = await open();
    const token = await office.hostToken();
    const [, id, secret] = token.split('_');
    const foreign = [
      'nonsense',
      '',
      `slv_h${'0'.repeat(16)}_${secret}`,
      `slv_${id}_${'0'.repeat(64)}`,
      `slv_${id}_${secret}x`,
      `slv_${id}_${secret?.toUpperCase()}`,
      ` ${token}`,
      await office.adminToken('web-1'),
    ];
    const errors = await Promise.all(
      foreign.map((text) => office.enrollment.enrollHost(newcomer().request(text)).catch((error) => error)),
    );

    expect(new Set(errors.map(({ code, message }) => `${code} ${message}`)).size).toBe(1);
    expect(errors[0]).toMatchObject({ code: 'TOKEN_UNKNOWN' });
    // Strangers leave no trace that could fill the ledger.
    expect(await actions(office)).toEqual(['token.created', 'token.created']);
  });

  it('is expired: to the millisecond', async () => {
    const office = await open();
    const [early, late] = [await office.hostToken('a'), await office.hostToken('b')];

    await office.clock.advance(HOUR_MS - 1);
    expect(await refused(office, early, 'a')).toBe('enrolled');
    await office.clock.advance(1);
    expect(await refused(office, late, 'b')).toBe('TOKEN_EXPIRED');
  });

  it('is used: by another key', async () => {
    const office = await open();
    const token = await office.hostToken();
    await office.enrollment.enrollHost(newcomer().request(token));

    expect(await refused(office, token)).toBe('TOKEN_USED');
  });

  it('is revoked: before its use, and for asking again', async () => {
    const office = await open();
    const [unused, used] = [await office.hostToken('a'), await office.hostToken('b')];
    const host = newcomer('b');
    await office.enrollment.enrollHost(host.request(used));
    for (const token of [unused, used]) await office.enrollment.revokeToken(idOfToken(token), 'admin:ann');

    expect(await refused(office, unused, 'a')).toBe('TOKEN_REVOKED');
    await expect(office.enrollment.enrollHost(host.request(used))).rejects.toMatchObject({ code: 'TOKEN_REVOKED' });
  });

  it('is for another host', async () => {
    const office = await open();

    expect(await refused(office, await office.hostToken('web-1'), 'web-10')).toBe('TOKEN_WRONG_HOST');
    expect(await office.store.read.hosts.list()).toEqual([]);
  });

  it('is in the ledger once, when the secret was right', async () => {
    const office = await open();
    const token = await office.hostToken();
    for (let count = 0; count < 3; count++) await refused(office, token, 'other');

    expect((await office.ledger()).slice(1)).toMatchObject([
      {
        action: 'token.refused',
        subject: `token:${idOfToken(token)}`,
        details: { code: 'TOKEN_WRONG_HOST', name: 'other' },
      },
    ]);
    // A refusal spends nothing.
    expect(await refused(office, token)).toBe('enrolled');
  });
});

describe('when two redeem one token at the same time', () => {
  it('exactly one wins, whatever the order', async () => {
    const office = await open();

    for (let round = 0; round < 5; round++) {
      const token = await office.hostToken(`host-${round}`);
      const crowd = Array.from({ length: 6 }, () => newcomer(`host-${round}`));
      const results = await Promise.allSettled(crowd.map((one) => office.enrollment.enrollHost(one.request(token))));
      const lost = results.filter((result) => result.status === 'rejected').map(({ reason }) => reason.code);

      expect(lost).toEqual(new Array(5).fill('TOKEN_USED'));
    }
    expect(await office.store.read.hosts.list()).toHaveLength(5);
    expect((await actions(office)).filter((action) => action === 'host.enrolled')).toHaveLength(5);
  });
});

describe('when the answer was lost and the same key asks again', () => {
  it('gets the same host with a fresh certificate, and no second host', async () => {
    const office = await open();
    const host = newcomer();
    const token = await office.hostToken();
    const before = await office.enrollment.enrollHost(host.request(token));
    await office.clock.advance(ASK_AGAIN_MS - 1);
    const after = await office.enrollment.enrollHost(host.request(token));

    expect(after.hostId).toBe(before.hostId);
    expect(after.certificate).not.toBe(before.certificate);
    expect(await office.store.read.hosts.list()).toHaveLength(1);
    const record = await office.store.read.hosts.byId(after.hostId);
    expect(record?.certificate).toBe(
      new X509Certificate(after.certificate).fingerprint256.replaceAll(':', '').toLowerCase(),
    );
    expect(await actions(office)).toEqual(['token.created', 'host.enrolled', 'host.enrolled.again']);
  });

  it('may not for ever, nor as another name, nor with another runner key', async () => {
    const office = await open();
    const host = newcomer();
    const token = await office.hostToken(null);
    await office.enrollment.enrollHost(host.request(token));
    const asks = (over: object) => office.enrollment.enrollHost(host.request(token, over)).catch(({ code }) => code);
    const { runner } = newcomer();
    const { csr } = host.request(token);

    expect(await asks({ name: 'web-2' })).toBe('TOKEN_USED');
    expect(await asks({ csr, runnerKey: runner.publicKey, runnerProof: proofOf(csr, runner.privateKey) })).toBe(
      'TOKEN_USED',
    );
    await office.clock.advance(ASK_AGAIN_MS);
    expect(await asks({})).toBe('TOKEN_USED');
  });

  it('another key may not, even with the same runner key', async () => {
    const office = await open();
    const host = newcomer();
    const token = await office.hostToken();
    await office.enrollment.enrollHost(host.request(token));

    await expect(office.enrollment.enrollHost(host.request(token, { csr: csrOf() }))).rejects.toMatchObject({
      code: 'TOKEN_USED',
    });
  });

  it('may not after the host was revoked', async () => {
    const office = await open();
    const host = newcomer();
    const token = await office.hostToken();
    const { hostId } = await office.enrollment.enrollHost(host.request(token));
    await office.enrollment.revokeHost(hostId, 'admin:ann');

    await expect(office.enrollment.enrollHost(host.request(token))).rejects.toMatchObject({ code: 'HOST_REVOKED' });
  });
});

describe('when a request does not prove its keys', () => {
  it.each([
    ['a runner key that did not sign', () => ({ runnerProof: proofOf(csrOf(), newcomer().runner.privateKey) })],
    ['a proof for another request', () => ({ runnerProof: 'AAAA' })],
    ['a runner key that is none', () => ({ runnerKey: 'nonsense' })],
    ['a request that is none', () => ({ csr: 'nonsense' })],
  ])('is refused with %s, and the token stays good', async (_name, over) => {
    const office = await open();
    const token = await office.hostToken();
    const host = newcomer();
    const body = { ...host.request(token), ...over() };

    await expect(office.enrollment.enrollHost(body)).rejects.toMatchObject({
      code: expect.stringMatching(/^(CSR_INVALID|KEY_UNUSABLE)$/),
    });
    expect(await office.enrollment.enrollHost(host.request(token))).toMatchObject({ name: 'web-1' });
  });

  it('is refused when connector and runner share one key', async () => {
    const office = await open();
    const { keys, request } = newcomer();
    const body = request(await office.hostToken());
    const shared = { ...body, runnerKey: keys.publicKey, runnerProof: proofOf(body.csr, keys.privateKey) };

    await expect(office.enrollment.enrollHost(shared)).rejects.toMatchObject({ code: 'CSR_INVALID' });
  });
});

describe('when a name is wanted', () => {
  it('that an active host has, it is taken until that one is revoked', async () => {
    const office = await open();
    const first = await office.enrollment.enrollHost(newcomer().request(await office.hostToken()));
    const token = await office.hostToken();

    await expect(office.enrollment.enrollHost(newcomer().request(token))).rejects.toMatchObject({
      code: 'HOST_NAME_TAKEN',
    });
    await office.enrollment.revokeHost(first.hostId, 'admin:ann');
    const second = await office.enrollment.enrollHost(newcomer().request(token));

    expect(second.hostId).not.toBe(first.hostId);
  });

  it('that is the id of another, it is refused: signed groups list names and ids', async () => {
    const office = await open();
    const { hostId } = await office.enrollment.enrollHost(newcomer().request(await office.hostToken()));
    const token = await office.hostToken(null);
    const asking = () => office.enrollment.enrollHost(newcomer(hostId).request(token));

    await expect(asking()).rejects.toMatchObject({ code: 'HOST_NAME_TAKEN' });
    await office.enrollment.revokeHost(hostId, 'admin:ann');
    await expect(asking()).rejects.toMatchObject({ code: 'HOST_NAME_TAKEN' });
  });

  it('that cannot be one, it is refused', async () => {
    const office = await open();
    const token = await office.hostToken(null);

    for (const name of ['', '-a', 'a b', 'a/b', '../a', 'a\n', 'ä', 'a, URI:urn:selvage:admin:root', 'x'.repeat(254)]) {
      const body = newcomer().request(token, { name });
      await expect(office.enrollment.enrollHost(body)).rejects.toMatchObject({ code: 'USAGE' });
    }
  });
});

describe('when a host is revoked', () => {
  it('is so at once, with one entry and one event however often it is asked', async () => {
    const office = await open();
    const { hostId } = await office.enrollment.enrollHost(newcomer().request(await office.hostToken()));
    await office.enrollment.revokeHost(hostId, 'admin:ann', 'stolen');
    await office.enrollment.revokeHost(hostId, 'admin:bob');

    expect(await office.store.read.hosts.byId(hostId)).toMatchObject({ state: 'revoked' });
    expect((await office.ledger()).filter(({ action }) => action === 'host.revoked')).toMatchObject([
      { actor: 'admin:ann', subject: `host:${hostId}`, details: { name: 'web-1', reason: 'stolen' } },
    ]);
    expect(office.events.filter(({ type }) => type === 'host.revoked')).toEqual([
      { type: 'host.revoked', host: hostId, name: 'web-1' },
    ]);
    await expect(office.enrollment.revokeHost('none', 'admin:ann')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

function csrOf(): string {
  return createRequest({ commonName: 'other', privateKey: newcomer().keys.privateKey });
}
