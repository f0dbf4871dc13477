import { X509Certificate } from 'node:crypto';
import { adminUri } from '@selvage/shared/pki/certificate.ts';
import { createRequest } from '@selvage/shared/pki/csr.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { describe, expect, it } from 'vitest';
import { makeAuthority } from '../enrollment/authorities.ts';
import { isIssued } from './admission.ts';
import { DAY_MS, forged, HOUR_MS, identityLabs, machineIdOf, print } from './testing/identity-lab.ts';
import { refusal } from './testing/world.ts';

const lab = identityLabs('copies');
const QUARANTINED = { type: 'problem', code: 'HOST_QUARANTINED', fatal: true };
const LONG_AGO = { now: Temporal.Now.instant().subtract({ hours: 24 * 40 }) };
const SUPERSEDED = { type: 'problem', code: 'CERTIFICATE_SUPERSEDED', fatal: true };

describe('when a thief has a copy of the key and certificate of a host', () => {
  it('and comes from a machine of their own: both are quarantined, live connections end, nothing is committed', async () => {
    const { enroll, connect, open, record, ledger, gateway, heard } = await lab();
    const host = await enroll('web-1');
    const live = await connect(host);
    const thief = await connect({ ...host, machineId: machineIdOf('b') });

    expect(thief.first).toMatchObject(QUARANTINED);
    expect(await live.next()).toMatchObject(QUARANTINED);
    await Promise.all([thief.closed, live.closed]);
    expect(gateway.connected()).toEqual([]);
    expect(await refusal(open(host))).toMatchObject({ status: 401, code: 'HOST_QUARANTINED' });
    expect((await record(host)).quarantine).toMatchObject({
      ...{ reason: 'cloned', machines: [machineIdOf('a'), machineIdOf('b')], addresses: ['127.0.0.1', '127.0.0.1'] },
    });
    expect(await ledger(host)).toEqual(['host.enrolled', 'host.quarantined', 'host.knocked']);
    expect(heard.map(({ type }) => type)).toContain('host.quarantined');
  });

  it('and claims to be the same machine, before a renewal: one connection at a time, until the host renews', async () => {
    const { enroll, connect, renewed, record } = await lab();
    const host = await enroll('web-1');
    const thief = await connect(host);
    expect(thief.first).toMatchObject({ type: 'welcome' });

    await connect(await renewed(host));
    await thief.closed;
    expect((await connect(host)).first).toMatchObject(SUPERSEDED);
    expect((await record(host)).quarantine).toMatchObject({ reason: 'superseded', machines: [machineIdOf('a')] });
  });

  it('and renews first: the host itself is refused, which everybody sees', async () => {
    const { enroll, connect, renewed, record, open, ledger } = await lab();
    const host = await enroll('web-1');
    const thief = await renewed(host);
    expect((await connect(thief)).first).toMatchObject({ type: 'welcome' });

    expect((await connect(host)).first).toMatchObject(SUPERSEDED);
    expect((await record(host)).quarantine).toMatchObject({ reason: 'superseded' });
    expect(await refusal(open(thief))).toMatchObject({ code: 'HOST_QUARANTINED' });
    expect(await ledger(host)).toContain('host.quarantined');
  });

  it('and has a renewal in hand when the host renews: the one that was replaced opens nothing', async () => {
    const { enroll, connect, renewed, record } = await lab();
    const host = await enroll('web-1');
    const thief = await renewed(host);
    const next = await renewed(host);
    await connect(next);

    expect((await connect(thief)).first).toMatchObject(SUPERSEDED);
    expect((await record(host)).quarantine).toMatchObject({ reason: 'superseded' });
  });

  it('what they ask after the renewal, over whatever was open before it, gets no certificate', async () => {
    const { enroll, connect, renewed, enrollment, record } = await lab();
    const host = await enroll('web-1');
    const next = await renewed(host);
    const late = await connect(host);
    await connect(next);
    await late.closed;
    const csr = createRequest({ commonName: 'x', privateKey: generateKey().privateKey });
    const request = { host: host.id, csr, certificate: print(host), key: machineIdOf('c'), address: '127.0.0.1' };

    await expect(enrollment.renewHost(request)).rejects.toMatchObject({ code: 'CERTIFICATE_SUPERSEDED' });
    expect(await record(host)).toMatchObject({ certificate: print(next), next: null });
  });
});

describe('when an admin readmits one of two machines', () => {
  const cloned = async () => {
    const made = await lab();
    const host = await made.enroll('web-1');
    const clone = { ...host, machineId: machineIdOf('b') };
    await made.connect(host);
    await made.connect(clone);

    return { ...made, host, clone };
  };

  it('says which one, by what was shown; anything else is refused and opens nothing', async () => {
    const { enrollment, host, record } = await cloned();
    const readmit = (machine?: string) => enrollment.readmitHost(host.id, 'admin:ann', machine);

    await expect(readmit()).rejects.toMatchObject({
      code: 'REQUEST_INVALID',
      details: { machines: [machineIdOf('a'), machineIdOf('b')] },
    });
    await expect(readmit(machineIdOf('c'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(readmit('b')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await record(host)).toMatchObject({ quarantine: { reason: 'cloned' }, readmit: null });
  });

  it.each(['host', 'clone'] as const)(
    'the %s: it renews and goes on; the other is refused and stops nobody',
    async (which) => {
      const { enrollment, host, clone, connect, renewal, record } = await cloned();
      const [picked, other] = which === 'host' ? [host, clone] : [clone, host];
      await enrollment.readmitHost(host.id, 'admin:ann', picked.machineId.slice(0, 12));
      expect((await connect(other)).first).toMatchObject(QUARANTINED);

      const next = await renewal(await connect(picked), picked);
      const live = await connect(next);
      expect(live.first).toMatchObject({ type: 'welcome' });
      expect((await connect(other)).first).toMatchObject(SUPERSEDED);
      expect(await record(host)).toMatchObject({
        ...{ quarantine: null, readmit: null, machineId: picked.machineId, name: 'web-1' },
        knock: { code: 'CERTIFICATE_SUPERSEDED' },
      });
      live.send({ type: 'ping', nonce: 1n });
      expect(await live.next()).toMatchObject({ type: 'pong' });
    },
  );

  it('the renewal that a thief got before the quarantine is not the way back in', async () => {
    const { enroll, renewed, connect, enrollment, renewal, record } = await lab();
    const host = await enroll('web-1');
    const thief = await renewed(host);
    await connect({ ...host, machineId: machineIdOf('b') });
    await enrollment.readmitHost(host.id, 'admin:ann', host.machineId);
    const inside = await connect(thief);
    // The door is open for the machine that they say they are; but only to renew, and in the ledger.
    expect(await inside.next()).toMatchObject({ code: 'CERTIFICATE_EXPIRED', fatal: false });

    const next = await renewal(await connect(host), host);
    await connect(next);
    expect((await connect(thief)).first).toMatchObject(SUPERSEDED);
    expect((await record(host)).quarantine).toMatchObject({ reason: 'superseded' });
  });

  it('a revocation ends it for good: no certificate and no open door counts any more', async () => {
    const { enrollment, host, clone, open } = await cloned();
    await enrollment.readmitHost(host.id, 'admin:ann', clone.machineId);
    await enrollment.revokeHost(host.id, 'admin:ann');

    expect(await refusal(open(clone))).toMatchObject({ code: 'HOST_REVOKED' });
    await expect(enrollment.readmitHost(host.id, 'admin:ann')).rejects.toMatchObject({ code: 'HOST_REVOKED' });
  });
});

describe('when a thief finds an old disk', () => {
  it('of a host that was revoked: refused', async () => {
    const { enroll, enrollment, later, open } = await lab();
    const host = await enroll('web-1');
    await enrollment.revokeHost(host.id, 'admin:ann');
    later(200 * DAY_MS);

    expect(await refusal(open(host))).toMatchObject({ code: 'HOST_REVOKED' });
  });

  it('of a host that is well, from longer ago than a return may take: refused, and the host goes on', async () => {
    const { enroll, renewed, connect, open, later, record } = await lab();
    const old = await enroll('web-1');
    const host = await renewed(old);
    await connect(host);
    later(30 * DAY_MS + 90 * DAY_MS + HOUR_MS);

    expect(await refusal(open(old))).toMatchObject({ code: 'CERTIFICATE_SUPERSEDED' });
    expect((await record(host)).quarantine).toBeNull();
  });

  it('of a host that is well, from last month: a copy is in use, so it is quarantined', async () => {
    const { enroll, renewed, connect, later, record } = await lab();
    const old = await enroll('web-1');
    const host = await renewed(old);
    await connect(host);
    later(31 * DAY_MS);

    expect((await connect(old)).first).toMatchObject(SUPERSEDED);
    expect((await record(host)).quarantine).toMatchObject({ reason: 'superseded' });
  });
});

describe('when a certificate is not one for a host of this collector', () => {
  it.each([
    ['of a foreign CA with the same names', 'foreign', {}],
    ['of a foreign CA, and expired', 'foreign', { now: Temporal.Now.instant().subtract({ hours: 24 * 40 }) }],
    ['of the CA of admins, for a host', 'admins', {}],
    ['of the CA of admins, for an admin', 'admins', { uri: adminUri('ann') }],
    ['of the CA of hosts, for an admin', 'hosts', { uri: adminUri('ann') }],
    ['for a server', 'hosts', { usage: 'server' as const }],
    [
      'for a server, and expired',
      'hosts',
      { usage: 'server' as const, now: Temporal.Now.instant().subtract({ hours: 24 * 40 }) },
    ],
    // OpenSSL names the dates last: what it found before that is found again by hand.
    ['in the name of the CA of hosts but signed by another key, and expired', 'unsigned', LONG_AGO],
    ['in the name of the CA of hosts but signed by another key', 'unsigned', {}],
  ])('%s: refused without a look at the record', async (_what, from, over) => {
    const { enroll, open, hosts, admins, ledger, record, clock } = await lab({ daysAgo: 50 });
    const host = await enroll('web-1');
    const foreign = makeAuthority('hosts', { now: clock.now(), random: systemRandom });
    const unsigned = { certificate: hosts.certificate, privateKey: foreign.privateKey };
    const authority = { foreign, hosts, admins, unsigned }[from as 'foreign' | 'hosts' | 'admins' | 'unsigned'];

    expect(await refusal(open(forged(host, authority, over)))).toMatchObject({
      status: 401,
      code: 'CERTIFICATE_INVALID',
    });
    expect(await ledger(host)).toEqual(['host.enrolled']);
    expect((await record(host)).knock).toBeNull();
  });

  it('by hand, what OpenSSL would refuse is refused: chain, purpose, an authority itself', async () => {
    const { enroll, hosts, admins, clock } = await lab();
    const host = await enroll('web-1');
    const trusted = [new X509Certificate(hosts.certificate)];
    const judged = (pem: string) => isIssued(new X509Certificate(pem), trusted);

    expect(judged(host.cert)).toBe(true);
    expect(judged(forged(host, hosts, { now: clock.now().subtract({ hours: 24 * 99 }) }).cert)).toBe(true);
    expect(judged(forged(host, admins).cert)).toBe(false);
    expect(judged(forged(host, hosts, { usage: 'server' }).cert)).toBe(false);
    expect(judged(forged(host, makeAuthority('hosts', { now: clock.now(), random: systemRandom })).cert)).toBe(false);
    const unsigned = { certificate: hosts.certificate, privateKey: admins.privateKey };
    expect(judged(forged(host, unsigned).cert)).toBe(false);
    expect(judged(hosts.certificate)).toBe(false);
  });
});

describe('when the database was restored from a backup', () => {
  /** The record of the host is what it was before its renewal. */
  const restored = async (window: { readonly from: number; readonly until: number } | null) => {
    const now = Temporal.Now.instant().epochMilliseconds;
    const restorations = window ? [{ from: now + window.from, until: now + window.until }] : [];
    const made = await lab({ gateway: { restorations } });
    const host = await made.enroll('web-1');
    const before = await made.record(host);
    made.later(20 * DAY_MS);
    const next = await made.renewed(host);
    await made.connect(next);
    await made.store.transaction((writers) =>
      writers.hosts.renewCertificate(host.id, before.certificate, before.certificateExpires),
    );

    return { ...made, host, next };
  };

  it('a host that was renewed since the backup goes on with what it has, and the ledger says so', async () => {
    const { host, next, connect, record, ledger } = await restored({ from: DAY_MS, until: 21 * DAY_MS });
    expect((await connect(next)).first).toMatchObject({ type: 'welcome' });

    expect(await record(host)).toMatchObject({ certificate: print(next), quarantine: null });
    expect(await ledger(host)).toContain('host.adopted');
    expect((await connect(host)).first).toMatchObject(SUPERSEDED);
  });

  it.each([
    ['nothing was restored', null],
    ['it was issued before the backup', { from: 20.1 * DAY_MS, until: 21 * DAY_MS }],
    ['it was issued after the restoration', { from: DAY_MS, until: 19 * DAY_MS }],
  ])('%s: a certificate that is not in the record is not taken, however new it is', async (_what, window) => {
    const { host, next, connect, record, ledger } = await restored(window);

    expect((await connect(next)).first).toMatchObject(SUPERSEDED);
    expect((await record(host)).quarantine).toMatchObject({ reason: 'superseded' });
    expect(await ledger(host)).not.toContain('host.adopted');
  });
});
