// A collector that runs for years: its two servers show certificates that have not ended, and nobody is disconnected for it.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { silentLog } from '@selvage/shared/log/log.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { describe, expect, it } from 'vitest';
import { collectorLab } from './cli/testing/collector-lab.ts';
import { makeAuthority } from './enrollment/authorities.ts';
import { homeAt, readPair, readSettings } from './home.ts';
import { serve } from './serve.ts';
import { ServerCertificates } from './server-certificates.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

async function shake(
  url: string,
  ca: string,
): Promise<{ readonly socket: TLSSocket; readonly shown: X509Certificate }> {
  const { port, hostname: host } = new URL(url.replace('wss:', 'https:'));
  const socket = connect({ host, port: Number(port), ca, minVersion: 'TLSv1.3' });
  await once(socket, 'secureConnect');
  const shown = socket.getPeerX509Certificate();
  if (!shown) throw new Error('no certificate was shown');

  return { socket, shown };
}

describe('when a collector runs for long', () => {
  it('both servers show a new certificate after two thirds of the life of the old one; open connections stay', async () => {
    const lab = collectorLab();
    await lab.init();
    const home = homeAt(lab.home);
    const clock = fakeClock(Temporal.Now.instant().toString());
    const served = await serve(await readSettings(home), { home, clock, random: systemRandom, log: silentLog });
    const ports = [
      [served.addresses.gateway, (await readPair(home.collector.hostsAuthority)).certificate],
      [served.addresses.api, (await readPair(home.collector.adminsAuthority)).certificate],
    ] as const;
    const before = await Promise.all(ports.map(([url, ca]) => shake(url, ca)));

    clock.setWall(
      clock
        .now()
        .add({ hours: 24 * 240 })
        .toString(),
    );
    await clock.advance(HOUR_MS);
    const meanwhile = await Promise.all(ports.map(([url, ca]) => shake(url, ca)));
    expect(meanwhile.map(({ shown }) => shown.serialNumber)).toEqual(before.map(({ shown }) => shown.serialNumber));

    clock.setWall(
      clock
        .now()
        .add({ hours: 24 * 5 })
        .toString(),
    );
    await clock.advance(HOUR_MS);
    // The new ones begin where the collector's clock is, which is ahead of this machine's: looked at, not verified.
    for (const [index, [url]] of ports.entries()) {
      const { port, hostname: host } = new URL(url.replace('wss:', 'https:'));
      const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const shown = socket.getPeerX509Certificate();
      const old = before[index]?.shown;
      expect(shown?.serialNumber).not.toBe(old?.serialNumber);
      expect(shown?.validToDate.getTime()).toBeGreaterThan((old?.validToDate.getTime() ?? 0) + 200 * DAY_MS);
      expect(shown?.verify(new X509Certificate(ports[index]?.[1] ?? '').publicKey)).toBe(true);
      socket.destroy();
    }
    expect(before.map(({ socket }) => socket.destroyed)).toEqual([false, false]);
    for (const { socket } of [...before, ...meanwhile]) socket.destroy();
    const closing = served.close();
    await clock.advance(60_000);
    await closing;
  });

  it('what was made while the clock was ahead is made anew when it is right again', () => {
    const clock = fakeClock('2036-01-01T00:00:00Z');
    const at = { now: Temporal.Instant.from('2026-01-01T00:00:00Z'), random: systemRandom };
    const [gateway, api] = [makeAuthority('hosts', at), makeAuthority('admins', at)];
    const names = ['127.0.0.1'];
    const certificates = new ServerCertificates({ authorities: { gateway, api }, names, clock, random: systemRandom });
    expect(certificates.renewDue()).toEqual([]);
    clock.setWall('2026-02-01T00:00:00Z');

    expect(certificates.renewDue()).toEqual(['gateway', 'api']);
    expect(new X509Certificate(certificates.of('gateway').cert).validToDate.toISOString()).toMatch(/^2027/);
  });
});
