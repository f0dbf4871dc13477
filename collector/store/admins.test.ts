import { describe, expect, it } from 'vitest';
import { AT, adminSample, hashOf, LATER } from './samples.ts';
import { freshStores } from './testing/fresh-store.ts';

const fresh = freshStores('admins');
const code = (expected: string) => expect.objectContaining({ code: expected });

describe('when admins are kept', () => {
  it('finds them by certificate and takes a name again after revocation', async () => {
    const store = await fresh();
    await store.transaction((w) => w.admins.add(adminSample('ann')));
    const twin = adminSample('ann', { certificate: hashOf('second') });

    expect(await store.read.admins.byCertificate(hashOf('admin-ann'))).toEqual(adminSample('ann'));
    await expect(store.transaction((w) => w.admins.add(twin))).rejects.toThrow(code('ALREADY_EXISTS'));
    await store.transaction((w) => w.admins.revoke('ann', AT));
    await store.transaction((w) => w.admins.add(twin));

    expect((await store.read.admins.byCertificate(hashOf('admin-ann')))?.state).toBe('revoked');
    expect((await store.read.admins.byName('ann'))?.certificate).toBe(hashOf('second'));
  });

  it('never lets two admins share a certificate', async () => {
    const store = await fresh();
    await store.transaction((w) => w.admins.add(adminSample('ann')));
    await store.transaction((w) => w.admins.add(adminSample('bob')));
    const shared = adminSample('eve', { certificate: hashOf('admin-ann') });
    const renewed = store.transaction((w) => w.admins.renewCertificate('bob', hashOf('admin-ann'), LATER));

    await expect(store.transaction((w) => w.admins.add(shared))).rejects.toThrow(code('ALREADY_EXISTS'));
    await expect(renewed).rejects.toThrow(code('ALREADY_EXISTS'));
  });

  it('renews the active one only', async () => {
    const store = await fresh();
    await store.transaction((w) => w.admins.add(adminSample('ann')));
    await store.transaction((w) => w.admins.renewCertificate('ann', hashOf('new'), AT));

    expect(await store.read.admins.byName('ann')).toMatchObject({ certificate: hashOf('new'), certificateExpires: AT });
    await store.transaction((w) => w.admins.revoke('ann', AT));
    const late = store.transaction((w) => w.admins.renewCertificate('ann', hashOf('newer'), AT));
    await expect(late).rejects.toThrow(code('FORBIDDEN'));
    await expect(store.transaction((w) => w.admins.revoke('nobody', AT))).rejects.toThrow(code('NOT_FOUND'));
  });
});
