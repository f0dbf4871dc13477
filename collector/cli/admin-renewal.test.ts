import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { type Clock, systemClock } from '@selvage/shared/time/clock.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { homeAt } from '../home.ts';
import { main } from '../main.ts';
import { type CollectorLab, collectorLab, type Running } from './testing/collector-lab.ts';

const DAY_H = 24;
const later = (days: number): Clock => ({ ...systemClock, now: () => systemClock.now().add({ hours: DAY_H * days }) });

describe('when the certificate of an admin has lived for two thirds of its life', () => {
  let lab: CollectorLab;
  let running: Running;
  let folder = '';
  const file = (name: string) => join(folder, name);
  const cert = () => readFileSync(file('client.crt'), 'utf8');
  const key = () => readFileSync(file('client.key'), 'utf8');
  const use = async (days: number) => {
    const said = { stdout: '', stderr: '' };
    const into = (name: keyof typeof said) => ({
      write: (text: string) => {
        said[name] += text;
      },
    });
    const env = { SELVAGE_HOME: lab.home };
    const exit = await main(['status'], { env, stdout: into('stdout'), stderr: into('stderr'), clock: later(days) });

    return { exit, ...said };
  };
  beforeAll(async () => {
    lab = collectorLab();
    await lab.init();
    folder = homeAt(lab.home).admin;
    running = await lab.serve();
  });
  afterAll(async () => {
    await running.stop();
  });
  beforeEach(() => {
    rmSync(file('client-next.json'), { force: true });
  });

  it('before that nothing happens', async () => {
    const before = cert();
    expect((await use(240)).exit).toBe(0);

    expect(cert()).toBe(before);
  });

  it('the next command renews it for a new key, uses it, and the old one opens nothing any more', async () => {
    const [before, oldKey] = [cert(), key()];
    expect(await use(250)).toMatchObject({ exit: 0, stderr: '' });
    expect(fingerprint(cert())).not.toBe(fingerprint(before));
    expect(key()).not.toBe(oldKey);
    expect(new X509Certificate(cert()).subjectAltName).toBe('URI:urn:selvage:admin:ann');
    expect(existsSync(file('client-next.json'))).toBe(false);
    const pair = [cert(), key()] as const;

    writeFileSync(file('client.crt'), before);
    writeFileSync(file('client.key'), oldKey);
    expect((await use(0)).stderr).toMatch(/^error UNAUTHENTICATED/);
    writeFileSync(file('client.crt'), pair[0]);
    writeFileSync(file('client.key'), pair[1]);
    await running.stop();
    const actions: string[] = [];
    await lab.withStore(async (store) => {
      const entries = await store.read.audit.after(0, 1000);
      actions.push(...entries.filter(({ subject }) => subject === 'admin:ann').map(({ action }) => action));
    });
    expect(actions).toEqual(['admin.enrolled', 'admin.renewed', 'admin.superseded']);
    running = await lab.serve();
  });

  it('a crash after the answer: the next command goes on with what was kept, and a half-moved pair is mended', async () => {
    const [before, oldKey] = [cert(), key()];
    expect((await use(250)).exit).toBe(0);
    const next = { certificate: cert(), privateKey: key() };
    // As it was between the second write and the removal, and with the key moved but not the certificate.
    writeFileSync(file('client-next.json'), JSON.stringify(next), { mode: 0o600 });
    writeFileSync(file('client.crt'), before);
    expect(await use(0)).toMatchObject({ exit: 0, stderr: '' });

    expect([cert(), key()]).toEqual([next.certificate, next.privateKey]);
    expect(existsSync(file('client-next.json'))).toBe(false);
    expect(oldKey).not.toBe(key());
  });

  it('a next pair that the collector does not take is dropped, and the old one serves', async () => {
    const before = cert();
    const stranger = collectorLab();
    await stranger.init();
    const theirs = homeAt(stranger.home).admin;
    const pair = {
      certificate: readFileSync(join(theirs, 'client.crt'), 'utf8'),
      privateKey: readFileSync(join(theirs, 'client.key'), 'utf8'),
    };
    writeFileSync(file('client-next.json'), JSON.stringify(pair), { mode: 0o600 });

    expect((await use(0)).exit).toBe(0);
    expect(cert()).toBe(before);
    expect(existsSync(file('client-next.json'))).toBe(false);
  });

  it('a server that cannot prove itself says nothing about the next pair: it may be the only one that opens anything', async () => {
    const stranger = collectorLab();
    await stranger.init();
    const theirs = await stranger.serve();
    const config = readFileSync(file('config.json'), 'utf8');
    const url = JSON.parse(readFileSync(join(homeAt(stranger.home).admin, 'config.json'), 'utf8')).url;
    writeFileSync(file('config.json'), JSON.stringify({ ...JSON.parse(config), url }));
    const pair = JSON.stringify({ certificate: cert(), privateKey: key() });
    writeFileSync(file('client-next.json'), pair, { mode: 0o600 });

    expect((await use(0)).stderr).toMatch(/^error CERTIFICATE_INVALID/);
    expect(readFileSync(file('client-next.json'), 'utf8')).toBe(pair);
    await theirs.stop();
    writeFileSync(file('config.json'), config);
    expect((await use(0)).exit).toBe(0);
    expect(existsSync(file('client-next.json'))).toBe(false);
  });

  it('where it cannot be renewed, the old one serves and the person is told', async () => {
    for (let count = 0; count < 5; count++) await use(250);
    const before = cert();

    const { exit, stderr } = await use(250);
    expect(exit).toBe(0);
    expect(stderr).toMatch(/^note: your certificate was not renewed \(RATE_LIMITED/);
    expect(cert()).toBe(before);
  });

  it('a collector that was restored from an older backup takes the certificate it has forgotten, and only then', async () => {
    const forget = (entry: boolean) =>
      lab.withStore(async (store) => {
        const [self] = await store.read.admins.list();
        const at = new Date().toISOString() as Timestamp;
        const { certificateExpires } = self ?? { certificateExpires: at };
        const earlier = new Date(Date.parse(certificateExpires) - 60_000).toISOString() as Timestamp;
        const action = 'collector.restored';
        await store.transaction(async (writers) => {
          await writers.admins.renewCertificate('ann', sha256('the one before'), earlier);
          const subject = new Date(Date.now() - 60_000).toISOString();
          if (entry) await writers.audit.append({ at, actor: 'collector', action, subject });
        });
      });
    await running.stop();
    await forget(false);
    running = await lab.serve();
    expect((await use(0)).stderr).toMatch(/^error UNAUTHENTICATED/);

    await running.stop();
    await forget(true);
    running = await lab.serve();
    expect(await use(0)).toMatchObject({ exit: 0, stderr: '' });
    expect(await use(0)).toMatchObject({ exit: 0, stderr: '' });
  });
});
