// A host over the years, against the real collector: renewed in time, away for weeks, away for a year, with its identity
// copied, and through a change of the authority. Nobody touches the host; where a person is needed, it is an admin.
import { X509Certificate } from 'node:crypto';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { keyHash, publicKeyOf } from '@selvage/shared/pki/keys.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { expiryOf } from '../../collector/enrollment/authorities.ts';
import { certify } from '../../collector/enrollment/renewal.ts';
import { readPair } from '../../collector/home.ts';
import { waitFor } from '../lab/waiting.ts';
import { makeCollector, type RealCollector } from './testing/collector.ts';
import { enroll, makeHost, type RealHost } from './testing/host.ts';
import { type LastingCollector, type LastingHost, makeLastingCollector } from './testing/lasting.ts';
import { idOf } from './testing/report.ts';

/** Another folder with the same identity: a backup, a snapshot, a thief. */
async function copyOf(host: LastingHost): Promise<string> {
  const folder = join(temporaryFolder('copy'), 'identity');
  await cp(host.folder, folder, { recursive: true, mode: 0 });

  return folder;
}

async function connectedOnce(host: LastingHost): Promise<void> {
  host.start();
  await host.until('connected');
  await host.stop();
}

const present = async (host: LastingHost) => fingerprint((await host.identity()).certificate);
const daysLeft = async (collector: LastingCollector, host: LastingHost) => {
  const { notAfter } = await host.identity();

  return Math.round(collector.clock.now().until(notAfter).total('hours') / 24);
};

describe('when a host lives for a long time', () => {
  it('it renews after two thirds; the old certificate counts until the new one has connected, then it accuses', async () => {
    const collector = await makeLastingCollector();
    const host = await collector.host('web-1');
    await connectedOnce(host);
    const first = await present(host);

    await collector.days(19);
    await connectedOnce(host);
    expect(await present(host)).toBe(first);

    await collector.days(2);
    const old = await copyOf(host);
    host.start();
    await host.until('renewed');
    const offered = await collector.record(host);
    expect({ current: offered.certificate, next: offered.next?.certificate }).toEqual({
      current: first,
      next: fingerprint((await host.identity()).next?.certificate ?? ''),
    });
    // Until the new one has connected, both are good: a crash of either side here loses nothing.
    const before = host.copy({ identity: old });
    await connectedOnce(before);

    await host.until('connected');
    const second = await present(host);
    expect(second).toBe(offered.next?.certificate);
    expect(await collector.record(host)).toMatchObject({ certificate: second, next: null, quarantine: null });
    expect(await daysLeft(collector, host)).toBe(30);

    const late = host.copy({ identity: old });
    late.start();
    expect((await late.until('disconnected')).error.code).toBe('CERTIFICATE_SUPERSEDED');
    expect((await host.until('disconnected')).error.code).toBe('HOST_QUARANTINED');
    expect((await collector.record(host)).quarantine).toMatchObject({ reason: 'superseded' });
    expect(await collector.ledger()).toEqual(
      expect.arrayContaining(['host.renewed', 'host.superseded', 'host.quarantined']),
    );
    await late.stop();
    await host.stop();
  });

  it('for two years, and each time with a key of its own', async () => {
    const collector = await makeLastingCollector();
    const host = await collector.host('web-2');
    await connectedOnce(host);
    const keys = new Set<string>();

    for (let day = 0; day < 2 * 365; day += 21) {
      await collector.days(21);
      host.start();
      await host.until('renewed');
      await host.until('connected');
      keys.add((await host.identity()).key);
      await host.stop();
    }
    expect(keys.size).toBe(Math.ceil((2 * 365) / 21));
    // The certificate of the gateway has ended meanwhile: it is said, and stranded nobody.
    host.start();
    expect((await host.until('problem')).error.code).toBe('CERTIFICATE_EXPIRED');
    await host.stop();
  });
});

describe('when a host was off', () => {
  it('for 40 days, it comes back by itself', async () => {
    const collector = await makeLastingCollector();
    const host = await collector.host('laptop-1');
    await connectedOnce(host);
    await collector.days(40);
    host.start();
    await host.until('renewed');
    await host.until('connected');

    expect(await daysLeft(collector, host)).toBe(30);
    expect(await collector.record(host)).toMatchObject({ next: null, quarantine: null });
    await host.stop();
  });

  it('for a year, it waits for an admin, who sees it knock; then it comes back, and an old copy does not', async () => {
    const collector = await makeLastingCollector();
    const host = await collector.host('laptop-2');
    await connectedOnce(host);
    const old = await copyOf(host);
    await collector.days(365);
    host.start();
    const refused = await host.until('disconnected');
    expect(refused.error.code).toBe('HOST_AWAY_TOO_LONG');
    expect((await collector.record(host)).knock).toMatchObject({ code: 'HOST_AWAY_TOO_LONG', address: '127.0.0.1' });

    await collector.enrollment.readmitHost(host.hostId, 'admin');
    await host.until('renewed');
    await host.until('connected');
    expect(await daysLeft(collector, host)).toBe(30);
    expect(await collector.record(host)).toMatchObject({ readmit: null, quarantine: null });

    const thief = host.copy({ identity: old });
    thief.start();
    expect((await thief.until('disconnected')).error.code).toBe('CERTIFICATE_SUPERSEDED');
    await thief.stop();
    await host.stop();
  });
});

describe('when a disk is copied', () => {
  it('two machines with one identity are both stopped, and an admin says which one it is', async () => {
    const collector = await makeLastingCollector();
    const host = await collector.host('db-1');
    await connectedOnce(host);
    const clone = host.copy({ identity: await copyOf(host), machineId: 'c'.repeat(64) });
    clone.start();
    expect((await clone.until('disconnected')).error.code).toBe('HOST_QUARANTINED');
    await clone.stop();
    host.start();
    expect((await host.until('disconnected')).error.code).toBe('HOST_QUARANTINED');
    const { quarantine } = await collector.record(host);
    expect(quarantine?.machines).toEqual(['db-1'.padEnd(64, '0'), 'c'.repeat(64)]);

    await collector.enrollment.readmitHost(host.hostId, 'admin', 'db-1'.padEnd(64, '0'));
    await host.until('renewed');
    await host.until('connected');
    expect((await collector.record(host)).quarantine).toBeNull();
    clone.start();
    expect((await clone.until('disconnected')).error.code).toMatch(/^(CERTIFICATE_SUPERSEDED|HOST_QUARANTINED)$/);
    expect((await collector.record(host)).quarantine).toBeNull();
    await clone.stop();
    await host.stop();
  });
});

describe('when the authority of hosts is replaced', () => {
  it('a host follows by itself, step by step, connected or away meanwhile', async () => {
    const collector = await makeLastingCollector();
    const [connected, away] = [await collector.host('app-1'), await collector.host('app-2')];
    await connectedOnce(away);
    connected.start();
    await connected.until('connected');
    const [old] = (await connected.identity()).authorities;
    if (old === undefined) throw new Error('it trusts nobody');

    await collector.rotation.begin('admin');
    expect(await connected.until('authorities')).toMatchObject({ count: 2 });
    await connected.stop();
    connected.start();
    await connected.until('renewed');
    await connected.until('connected');
    const [, next] = (await connected.identity()).authorities;
    if (next === undefined) throw new Error('it did not follow');
    const issued = async (host: LastingHost, by: string) =>
      new X509Certificate((await host.identity()).certificate).checkIssued(new X509Certificate(by));
    expect(await issued(connected, next)).toBe(true);
    const { behind } = await collector.rotation.view();
    expect(behind.map(({ name }) => name)).toEqual(['app-2']);
    await expect(collector.rotation.switchOver('admin', { leaveBehind: false })).rejects.toThrow('left behind');

    // Off for forty days meanwhile: told, renewed and moved in one go.
    await connected.stop();
    await collector.days(40);
    away.start();
    await away.until('authorities');
    await away.until('renewed');
    await away.until('connected');
    await away.stop();
    for (const host of [connected, away]) {
      host.start();
      for (let each = 0; !(await issued(host, next)); each++) {
        expect(each).toBeLessThan(3);
        await host.until('connected');
      }
      await host.stop();
    }

    await collector.rotation.switchOver('admin', { leaveBehind: false });
    for (const host of [connected, away]) await connectedOnce(host);
    await collector.rotation.finish('admin', { leaveBehind: false });
    for (const host of [connected, away]) {
      host.start();
      expect(await host.until('authorities')).toMatchObject({ count: 1 });
      expect((await host.identity()).authorities).toEqual([next]);
      await host.stop();
    }
    expect(await collector.ledger()).toEqual(
      expect.arrayContaining(['authority.begun', 'authority.switched', 'authority.finished']),
    );
  });
});

describe('when the resident agent of a real host finds its certificate due', () => {
  it('it renews, comes back with the new one, and says so', async () => {
    const collector = await makeCollector();
    await collector.serve();
    const host = await makeHost({ name: 'resident-1' });
    await enroll(collector, host);
    const old = await age(collector, host, 21);
    const agent = host.start(['connect']);
    await agent.line(/^certificate renewed$/);
    await agent.line(/^disconnected: UNREACHABLE: this host comes back with its new certificate$/);
    const folder = join(host.stateDir, 'identity');
    await waitFor(
      'the new certificate',
      async () => ((await namesIn(folder)).includes('next.crt') ? null : true),
      30_000,
    );
    const certificate = await readFile(join(folder, 'host.crt'), 'utf8');
    await agent.kill('SIGTERM');

    expect(certificate).not.toBe(old);
    expect(await namesIn(folder)).toEqual(['authority.crt', 'enrollment.json', 'host.crt', 'host.key']);
    const record = await collector.withStore((store) => store.read.hosts.byId(idOf(host)));
    expect(record).toMatchObject({ certificate: fingerprint(certificate), next: null, quarantine: null });
    expect((await host.agent(['status'])).stdout).toMatch(/certificate valid/);
  });
});

const namesIn = async (folder: string) => (await readdir(folder)).sort();

/** As if the host had enrolled so many days ago: the same key, a certificate from then, in its folder and in the books. */
async function age(collector: RealCollector, host: RealHost, days: number): Promise<string> {
  const folder = join(host.stateDir, 'identity');
  const authority = await readPair(collector.home.collector.hostsAuthority);
  const publicKey = publicKeyOf(await readFile(join(folder, 'host.key'), 'utf8'));
  const now = Temporal.Now.instant().subtract({ hours: 24 * days });
  const pem = certify({ random: systemRandom }, authority, idOf(host), publicKey, now);
  await collector.withStore((store) =>
    store.transaction(async ({ hosts }) => {
      const facts = { certificate: fingerprint(pem), authority: fingerprint(authority.certificate), pem };
      await hosts.offer(idOf(host), { ...facts, expires: expiryOf(pem), key: keyHash(publicKey) });
      await hosts.promote(idOf(host));
    }),
  );
  await writeFile(join(folder, 'host.crt'), pem);
  await host.handOver();

  return pem;
}
