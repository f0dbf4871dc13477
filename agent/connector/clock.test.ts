// A host whose clock is wrong, jumps, or stands, and a collector whose certificate has ended: they stay connected, it is
// said, and nothing goes in circles.
import { describe, expect, it } from 'vitest';
import { NOW, nextOf, startCollector } from './testing/collector.ts';
import { identityFolder } from './testing/identity-folder.ts';
import { inTouch, type StartedLink, startLink, worksWithoutRenewal } from './testing/started-link.ts';

const DUE = { from: '2026-02-08T12:00:00Z', until: '2026-03-10T12:00:00Z' };
const ENDED = { from: '2026-01-01T00:00:00Z', until: '2026-02-28T00:00:00Z' };

async function connected(over: Parameters<typeof startLink>[1], options: Parameters<typeof startCollector>[0] = {}) {
  const collector = await startCollector(options);
  const link = await startLink(collector, over);
  const peer = await collector.accept();
  const hello = await peer.hello;
  peer.welcome();
  const { clockSkewMs } = await link.event('connected');

  return { collector, link, peer, hello, clockSkewMs };
}

const problems = (link: StartedLink) =>
  link.events.flatMap((event) => (event.type === 'problem' ? [event.error.code] : []));

describe('when the clock of a host is wrong', () => {
  it.each([
    ['10 minutes ahead', '2026-03-01T12:10:00Z'],
    ['10 minutes behind', '2026-03-01T11:50:00Z'],
    ['10 years ahead', '2036-02-28T12:00:00Z'],
    ['10 years behind', '2016-03-01T12:00:00Z'],
    ['at the beginning of time', '1970-01-01T00:00:00Z'],
  ])('%s, it is connected, both sides know, and nothing is renewed for it', async (_what, now) => {
    const { link, peer, hello, clockSkewMs } = await connected({ now });
    await worksWithoutRenewal(link, peer);

    expect(hello.now).toBe(now);
    expect(clockSkewMs).toBe(
      Temporal.Instant.from(NOW).epochMilliseconds - Temporal.Instant.from(now).epochMilliseconds,
    );
    expect(problems(link)).toContain('CLOCK_WRONG');
  });

  it('by four minutes, nobody is bothered', async () => {
    const { link, peer } = await connected({ now: '2026-03-01T12:04:00Z' });
    await worksWithoutRenewal(link, peer);

    expect(problems(link)).toEqual([]);
  });

  it.each(['2016-03-01T12:00:00Z', '2036-03-01T12:00:00Z'])(
    'as if it were %s, a certificate is renewed when the collector’s clock says so',
    async (now) => {
      const collector = await startCollector();
      const identity = await identityFolder(collector.authority, { dates: DUE });
      await startLink(collector, { now, identity });
      const peer = await collector.accept();
      await peer.hello;
      peer.welcome();

      expect((await nextOf(peer, 'renewalRequest')).csr).toContain('CERTIFICATE REQUEST');
    },
  );
});

describe('when the clock of a host jumps', () => {
  it('heartbeats keep their time, and the connection stays', async () => {
    const { link, peer } = await connected({});
    await nextOf(peer, 'policyRequest');
    peer.send({ type: 'policyFile', name: 'timestamp.json', found: false, content: new Uint8Array(0) });
    // Its request has the same thirty seconds as a heartbeat: answered before they are over.
    await inTouch(link, peer);

    for (const [nonce, wall] of [
      [1n, '2036-01-01T00:00:00Z'],
      [2n, '1999-01-01T00:00:00Z'],
      [3n, NOW],
    ] as const) {
      link.clock.setWall(wall);
      await link.clock.advance(30_000);
      expect(await peer.next()).toEqual({ type: 'ping', nonce });
      peer.send({ type: 'pong', nonce });
      await inTouch(link, peer);
    }
    expect(link.events.some(({ type }) => type === 'disconnected')).toBe(false);
  });

  it('a wait is neither cut short nor drawn out', async () => {
    const collector = await startCollector();
    collector.refuse({
      status: '429 Too Many Requests',
      headers: { 'Retry-After': '120', 'Selvage-Code': 'RATE_LIMITED' },
    });
    const link = await startLink(collector);
    const { ms } = await link.event('waiting');
    await link.clock.sleeping();
    link.clock.setWall('2036-01-01T00:00:00Z');
    await link.clock.advance(ms - 1);
    expect(collector.attempts()).toBe(1);
    link.clock.setWall('1999-01-01T00:00:00Z');
    collector.refuse(null);
    await link.clock.advance(1);
    await collector.accept();
  });
});

describe('when only the dates of the collector’s certificate are wrong', () => {
  it('it has ended: the host stays connected and says so', async () => {
    const { link, peer } = await connected({}, { serverDates: ENDED });
    await worksWithoutRenewal(link, peer);

    expect(problems(link)).toEqual(['CERTIFICATE_EXPIRED']);
  });

  it('it is told after the connection, so that it stands until the next one', async () => {
    const { link } = await connected({ now: '2010-01-01T00:00:00Z' });
    await link.event('problem');
    const types = link.events.map(({ type }) => type);

    expect(types.indexOf('connected')).toBeLessThan(types.indexOf('problem'));
    expect(problems(link)).toEqual(['CLOCK_WRONG', 'CLOCK_WRONG']);
  });

  it('a certificate that is also for something else is refused as ever', async () => {
    const collector = await startCollector({ serverDates: ENDED, serverUsage: 'client' });
    const link = await startLink(collector);

    expect((await link.event('disconnected')).error.code).toBe('CERTIFICATE_INVALID');
    expect(collector.attempts()).toBe(0);
  });
});
