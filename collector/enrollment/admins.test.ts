// Redeeming admin tokens, and making tokens at all.

import { X509Certificate } from 'node:crypto';
import { adminNameOf, hostIdOf } from '@selvage/shared/pki/certificate.ts';
import { createRequest } from '@selvage/shared/pki/csr.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { describe, expect, it } from 'vitest';
import { Events } from '../events.ts';
import { createEnrollment } from './enrollment.ts';
import { MAX_TOKEN_MS, MIN_TOKEN_MS } from './limits.ts';
import { HOUR_MS, offices, ROOT } from './testing/office.ts';
import { isSecret, parseToken } from './token.ts';

const open = offices('admins');
const KEY_ID = 'a'.repeat(64);
const asks = (token: string, name: string, key = generateKey()) => ({
  token,
  name,
  csr: createRequest({ commonName: name, privateKey: key.privateKey }),
  keyId: KEY_ID,
});

describe('when an admin redeems a token', () => {
  it('gets a certificate of one year under the admins’ authority, and the role the token was made for', async () => {
    const office = await open();
    const { certificate, authority } = await office.enrollment.enrollAdmin(asks(await office.adminToken('ann'), 'ann'));
    await office.enrollment.enrollAdmin(asks(await office.adminToken('bob', 'reader'), 'Bob'));

    const x509 = new X509Certificate(certificate);
    const days = (x509.validToDate.getTime() - office.clock.now().epochMilliseconds) / HOUR_MS / 24;
    expect(adminNameOf(x509)).toBe('ann');
    expect(hostIdOf(x509)).toBeNull();
    expect(x509.checkIssued(new X509Certificate(office.admins.certificate))).toBe(true);
    expect(x509.checkIssued(new X509Certificate(office.hosts.certificate))).toBe(false);
    expect(authority).toBe(office.admins.certificate);
    expect(Math.round(days)).toBe(365);
    expect(await office.store.read.admins.list()).toMatchObject([
      { name: 'ann', role: 'admin', state: 'active', keyId: KEY_ID },
      { name: 'bob', role: 'reader', state: 'active' },
    ]);
    expect((await office.ledger()).filter(({ action }) => action === 'admin.enrolled')).toMatchObject([
      { subject: 'admin:ann', details: { role: 'admin', keyId: KEY_ID } },
      { subject: 'admin:bob', details: { role: 'reader' } },
    ]);
  });

  it('a token for a host makes no admin, and one for another name neither', async () => {
    const office = await open();
    const enroll = (token: string, name: string) =>
      office.enrollment.enrollAdmin(asks(token, name)).catch(({ code }) => code);

    expect(await enroll(await office.hostToken('ann'), 'ann')).toBe('TOKEN_UNKNOWN');
    expect(await enroll(await office.adminToken('ann'), 'root')).toBe('TOKEN_WRONG_HOST');
    expect(await office.store.read.admins.list()).toEqual([]);
  });

  it('the same key may ask again, another may not', async () => {
    const office = await open();
    const token = await office.adminToken('ann');
    const key = generateKey();
    const first = await office.enrollment.enrollAdmin(asks(token, 'ann', key));
    const second = await office.enrollment.enrollAdmin(asks(token, 'ann', key));

    expect(second.certificate).not.toBe(first.certificate);
    expect(await office.store.read.admins.list()).toHaveLength(1);
    await expect(office.enrollment.enrollAdmin(asks(token, 'ann'))).rejects.toMatchObject({ code: 'TOKEN_USED' });
    await office.enrollment.enrollAdmin(asks(await office.adminToken('bob'), 'bob'));
    await office.enrollment.revokeAdmin('ann', 'admin:bob');
    await expect(office.enrollment.enrollAdmin(asks(token, 'ann', key))).rejects.toMatchObject({
      code: 'ADMIN_REVOKED',
    });
  });

  it('a name that an active admin has is refused until that access ends', async () => {
    const office = await open();
    await office.enrollment.enrollAdmin(asks(await office.adminToken('ann'), 'ann'));
    await office.enrollment.enrollAdmin(asks(await office.adminToken('bob'), 'bob'));
    const token = await office.adminToken('ann');

    await expect(office.enrollment.enrollAdmin(asks(token, 'ann'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await office.enrollment.revokeAdmin('ann', 'admin:bob');
    await office.enrollment.revokeAdmin('ann', 'admin:bob');
    await office.enrollment.enrollAdmin(asks(token, 'ann'));

    expect((await office.ledger()).filter(({ action }) => action === 'admin.revoked')).toMatchObject([
      { actor: 'admin:bob', subject: 'admin:ann' },
    ]);
    await expect(office.enrollment.revokeAdmin('nobody', 'admin:bob')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('when admins revoke each other', () => {
  it('one stays, also when both do it at the same moment', async () => {
    const office = await open();
    for (const name of ['ann', 'bob']) {
      await office.enrollment.enrollAdmin(asks(await office.adminToken(name), name));
    }
    const outcomes = await Promise.allSettled([
      office.enrollment.revokeAdmin('ann', 'admin:bob'),
      office.enrollment.revokeAdmin('bob', 'admin:ann'),
    ]);

    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(outcomes[1]).toMatchObject({ reason: { code: 'FORBIDDEN' } });
    expect((await office.store.read.admins.list()).filter(({ state }) => state === 'active')).toHaveLength(1);
  });
});

describe('when a token is made', () => {
  it('has one spelling, a secret of 256 bits and an entry without it', async () => {
    const office = await open();
    const made = await office.enrollment.createToken({
      kind: 'host',
      boundTo: 'web-1',
      ttlMs: HOUR_MS,
      createdBy: 'admin:ann',
    });

    expect(made.token).toMatch(/^slv_h[0-9a-f]{16}_[0-9a-f]{64}$/);
    expect(made.expiresAt).toBe(office.clock.now().add({ hours: 1 }).toString());
    expect(await office.ledger()).toMatchObject([
      { action: 'token.created', actor: 'admin:ann', subject: `token:${made.id}`, details: { boundTo: 'web-1' } },
    ]);
    await office.enrollment.revokeToken(made.id, 'admin:ann');
    await office.enrollment.revokeToken(made.id, 'admin:ann');
    expect((await office.ledger()).map(({ action }) => action)).toEqual(['token.created', 'token.revoked']);
  });

  it('is refused with a life outside the limits, a name that cannot be, or for an admin without a name', async () => {
    const office = await open();
    const make = (over: object) =>
      office.enrollment
        .createToken({ kind: 'host', boundTo: 'web-1', ttlMs: HOUR_MS, createdBy: 'admin:ann', ...over })
        .catch(({ code }) => code);

    for (const ttlMs of [0, -1, MIN_TOKEN_MS - 1, MAX_TOKEN_MS + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(await make({ ttlMs })).toBe('USAGE');
    }
    expect(await make({ boundTo: 'a b' })).toBe('USAGE');
    expect(await make({ kind: 'admin', boundTo: null })).toBe('USAGE');
    expect(await make({ kind: 'admin', boundTo: 'a:b' })).toBe('USAGE');
    expect(await office.ledger()).toEqual([]);
    await expect(office.enrollment.revokeToken('none', 'admin:ann')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('no hash is nobody’s secret', () => {
    expect(isSecret('', null)).toBe(false);
    expect(parseToken('slv_h_')).toBeNull();
  });
});

describe('when the papers of an office do not belong together', () => {
  it('does not open', async () => {
    const { store, clock, hosts, admins } = await open();
    const mixed = { certificate: hosts.certificate, privateKey: admins.privateKey };
    const rest = { store, clock, root: async () => ROOT, random: systemRandom, events: new Events() };

    expect(() => createEnrollment({ ...rest, hosts: mixed, admins })).toThrow(
      expect.objectContaining({ code: 'CERTIFICATE_INVALID' }),
    );
    expect(() => createEnrollment({ ...rest, hosts, admins: mixed })).toThrow(
      expect.objectContaining({ code: 'CERTIFICATE_INVALID' }),
    );
  });
});
