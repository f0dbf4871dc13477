// The connector through a proxy: a real CONNECT proxy between a real link and a real TLS collector.
import { inspect } from 'node:util';
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { ProxyAddress } from '@selvage/shared/net/proxy.ts';
import { connectVia, directly } from '@selvage/shared/net/tunnel.ts';
import { describe, expect, it } from 'vitest';
import { nextOf, startCollector } from './testing/collector.ts';
import { type Behaviour, startProxy } from './testing/proxy.ts';
import { message, startLink } from './testing/started-link.ts';

const SECRET = 'correct horse: battery';
const BASIC = Buffer.from(`agent:${SECRET}`).toString('base64');
const address = (port: number, credentials: string | null = null) => new ProxyAddress('127.0.0.1', port, credentials);

describe('when a proxy is on the way', () => {
  it.each([
    ['without credentials', null],
    ['with credentials', `agent:${SECRET}`],
  ])('%s, the link goes through it, and it sees nothing but TLS', async (_what, credentials) => {
    const collector = await startCollector();
    const proxy = await startProxy(credentials === null ? {} : { credentials });
    const connect = connectVia(() => address(proxy.port, credentials));
    const link = await startLink(collector, { connect });
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();
    await link.event('connected');
    await link.outbox.add(message('through the proxy'));
    await nextOf(peer, 'durable');

    expect(proxy.asked).toEqual([`127.0.0.1:${collector.port}`]);
    expect(proxy.authorizations).toEqual([credentials === null ? null : `Basic ${BASIC}`]);
    expect(proxy.seen.length).toBeGreaterThan(0);
    expect(Buffer.concat(proxy.seen).includes('/v1/connect')).toBe(false);
    // TLS record of a handshake (RFC 8446 section 5.1).
    expect(proxy.seen[0]?.[0]).toBe(22);
  });

  it.each<[string, Behaviour, string]>([
    ['asks for other credentials', 407, 'PROXY_REFUSED'],
    ['forbids the address', 403, 'PROXY_REFUSED'],
    ['cannot reach the collector', 502, 'PROXY_REFUSED'],
    ['answers with a redirect', 302, 'PROXY_REFUSED'],
    ['is no proxy', 'garbage', 'PROXY_REFUSED'],
    ['answers without end', 'flood', 'PROXY_REFUSED'],
    ['ends the connection', 'close', 'UNREACHABLE'],
    ['ends the connection half-way', 'close later', 'UNREACHABLE'],
  ])('that %s, it is said, tried again, and nobody goes around it', async (_what, behaviour, code) => {
    const collector = await startCollector();
    const proxy = await startProxy({ behaviour });
    const link = await startLink(collector, { connect: connectVia(() => address(proxy.port, `agent:${SECRET}`)) });
    const { error } = await link.event('disconnected');
    expect(error.code).toBe(code);
    expect(collector.attempts()).toBe(0);
    for (const text of [inspect(error, { depth: 10 }), inspect(link.events, { depth: 10 }), JSON.stringify(error)]) {
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain(BASIC);
    }

    proxy.behave('connect');
    const { ms } = await link.event('waiting');
    expect(ms).toBeLessThan(5 * 60_000);
    await link.clock.advance(ms);
    await collector.accept();
  });

  it('that hangs, it is given up after twenty seconds of the link’s own clock', async () => {
    const collector = await startCollector();
    const proxy = await startProxy({ behaviour: 'hang' });
    const link = await startLink(collector, { connect: connectVia(() => address(proxy.port)) });
    await link.clock.sleeping();
    await link.clock.advance(19_999);
    expect(link.events.some(({ type }) => type === 'disconnected')).toBe(false);
    await link.clock.advance(1);

    expect((await link.event('disconnected')).error.code).toBe('UNREACHABLE');
  });

  it('that opens TLS itself, it is refused before the upgrade, whatever its certificate says', async () => {
    const collector = await startCollector();
    const proxy = await startProxy({ behaviour: 'intercept' });
    const link = await startLink(collector, { connect: connectVia(() => address(proxy.port)) });

    expect((await link.event('disconnected')).error.code).toBe('CERTIFICATE_INVALID');
    expect(proxy.asked).toHaveLength(1);
    expect(proxy.seen).toEqual([]);
  });

  it('that does not listen, it is the proxy that is named', async () => {
    const collector = await startCollector();
    const link = await startLink(collector, { connect: connectVia(() => address(1)) });
    const { error } = await link.event('disconnected');

    expect(error).toMatchObject({ code: 'UNREACHABLE', message: 'no connection to the proxy 127.0.0.1:1' });
    expect(collector.attempts()).toBe(0);
  });
});

describe('when a socket is opened', () => {
  it.each([
    ['directly', async () => directly],
    [
      'through a proxy that hangs',
      async () => {
        const { port } = await startProxy({ behaviour: 'hang' });

        return connectVia(() => address(port));
      },
    ],
  ])('%s, a signal that was aborted before ends it', async (_what, way) => {
    const connect = await way();
    const { port } = await startCollector();
    const error = await connect({ host: '127.0.0.1', port }, AbortSignal.abort()).catch((thrown: unknown) => thrown);

    expect(hasCode(error, 'UNREACHABLE')).toBe(true);
  });

  it('what chooses the way decides for each target, and its error is the answer', async () => {
    const proxy = await startProxy();
    const [one, other] = [await startCollector(), await startCollector()];
    const connect = connectVia(({ port }) => (port === one.port ? address(proxy.port) : null));
    const signal = new AbortController().signal;
    for (const { port } of [one, other]) (await connect({ host: '127.0.0.1', port }, signal)).destroy();

    expect(proxy.asked).toEqual([`127.0.0.1:${one.port}`]);
  });
});
