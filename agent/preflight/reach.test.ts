// The ways to a collector that real networks have: every cause is told apart, over real sockets, proxies and TLS.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { ProxyAddress } from '@selvage/shared/net/proxy.ts';
import { connectVia, directly } from '@selvage/shared/net/tunnel.ts';
import { type Authority, createAuthority, issue, SERIAL_BYTES } from '@selvage/shared/pki/authority.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { pinOf } from '@selvage/shared/pki/pin.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { startProxy } from '../connector/testing/proxy.ts';
import { reach, type Way } from './reach.ts';

/** Nothing listens there (tcpmux), and unlike a port that was just given back nobody else is given it meanwhile. */
const CLOSED_PORT = 1;
/** A label is longer than one may be (RFC 1035 section 2.3.4): it is not found without a question to any server. */
const NO_NAME = `${'x'.repeat(64)}.invalid`;
const ROOT = new TextEncoder().encode('{"signed":{"_type":"root"}}\n');
const HOUR_MS = 3_600_000;
const closing: (() => void)[] = [];
afterAll(() => {
  for (const close of closing) close();
});

const valid = (from = -1, until = 24) => ({
  notBefore: Temporal.Now.instant().add({ hours: from }),
  notAfter: Temporal.Now.instant().add({ hours: until }),
  serial: new Uint8Array(randomBytes(SERIAL_BYTES)),
});
const newAuthority = (name = 'Selvage hosts') => createAuthority({ name, ...valid(-24) });

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());

  return (server.address() as AddressInfo).port;
}

interface Shape {
  /** Who signed its certificate; `own` is what it says at first contact. */
  readonly signer?: Authority;
  readonly own?: Authority;
  readonly until?: number;
  readonly maxVersion?: 'TLSv1.2';
}

async function collector({ own = newAuthority(), signer = own, until, maxVersion }: Shape = {}) {
  const keys = generateKey();
  const cert = issue({
    ...{ authority: signer, publicKey: keys.publicKey, commonName: 'collector', usage: 'server' },
    alternativeNames: [{ type: 'ip', value: '127.0.0.1' }],
    ...valid(-2, until),
  });
  const document = { authority: own.certificate, root: Buffer.from(ROOT).toString('base64') };
  const tls = maxVersion === undefined ? {} : ({ minVersion: maxVersion, maxVersion } as const);
  const server = createServer({ key: keys.privateKey, cert, ...tls }, (_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document)),
  );
  const port = await listening(server);
  closing.push(() => server.closeAllConnections());

  return { url: `wss://127.0.0.1:${port}`, port, pin: pinOf(own.certificate, ROOT) };
}

const clock = (aheadMs = 0) => fakeClock(Temporal.Now.instant().add({ milliseconds: aheadMs }).toString());
const way = (over: Partial<Way> & Pick<Way, 'url'>): Way => ({
  ...{ pin: null, connect: directly, proxy: null, clock: clock(), deadlineMs: 30_000 },
  ...over,
});
const through = (port: number, credentials: string | null = null) => ({
  connect: connectVia(() => new ProxyAddress('127.0.0.1', port, credentials)),
  proxy: `127.0.0.1:${port}`,
});

describe('when the collector is there', () => {
  it('it is reached, proven by the pin, and the clocks agree', async () => {
    const { url, pin } = await collector();
    const found = await reach(way({ url, pin }));

    expect(found).toMatchObject({ state: 'reached', proven: true, proxy: null });
    // The header has whole seconds.
    expect(Math.abs(found.state === 'reached' ? (found.skewMs ?? 1e9) : 1e9)).toBeLessThan(60_000);
  });

  it('without a pin it is only that something answers', async () => {
    const { url } = await collector();

    expect(await reach(way({ url }))).toMatchObject({ state: 'reached', proven: false });
  });

  it('through a proxy with credentials, it says which', async () => {
    const { url, pin } = await collector();
    const proxy = await startProxy({ credentials: 'agent:secret' });
    const found = await reach(way({ url, pin, ...through(proxy.port, 'agent:secret') }));

    expect(found).toMatchObject({ state: 'reached', proven: true, proxy: `127.0.0.1:${proxy.port}` });
    expect(JSON.stringify(found)).not.toContain('secret');
  });

  it.each([
    ['behind', -6 * HOUR_MS, 6 * HOUR_MS],
    ['ahead', 48 * HOUR_MS, -48 * HOUR_MS],
  ])('a clock that is %s is measured by what the collector says', async (_, aheadMs, skew) => {
    const { url, pin } = await collector();
    const found = await reach(way({ url, pin, clock: clock(aheadMs) }));

    expect(found.state === 'not asked' ? 0 : found.skewMs).toBeGreaterThan(skew - 60_000);
    expect(found.state === 'not asked' ? 0 : found.skewMs).toBeLessThan(skew + 60_000);
  });

  it('and its certificate has ended, that is said, unless it is this clock that is wrong', async () => {
    const { url, pin } = await collector({ until: -1 });

    expect(await reach(way({ url, pin }))).toMatchObject({ state: 'failed', code: 'CERTIFICATE_EXPIRED' });
    expect(await reach(way({ url, pin, clock: clock(48 * HOUR_MS) }))).toMatchObject({
      state: 'reached',
      proven: false,
    });
  });
});

describe('when somebody stands between', () => {
  it('who answers as themselves, it is a mismatch and their name is told', async () => {
    const { url } = await collector({ own: newAuthority('Inspector') });
    const { pin } = await collector();

    expect(await reach(way({ url, pin }))).toMatchObject({
      ...{ state: 'failed', code: 'PIN_MISMATCH', says: expect.stringContaining('Inspector') },
      next: expect.stringContaining('TLS inspection'),
    });
  });

  it('who passes the first answer on, the second, strict look finds them', async () => {
    const own = newAuthority();
    const { url, pin } = await collector({ own, signer: newAuthority('Inspector') });

    expect(await reach(way({ url, pin }))).toMatchObject({
      ...{ state: 'failed', code: 'CERTIFICATE_INVALID', says: expect.stringMatching(/Inspector.*TLS is intercepted/) },
    });
  });

  it('a proxy that reads along is found the same way', async () => {
    const { url, pin } = await collector();
    const proxy = await startProxy({ behaviour: 'intercept' });

    expect(await reach(way({ url, pin, ...through(proxy.port) }))).toMatchObject({
      state: 'failed',
      code: 'PIN_MISMATCH',
    });
  });
});

describe('when there is no way', () => {
  const failed = async (over: Partial<Way> & Pick<Way, 'url'>) => {
    const found = await reach(way(over));
    if (found.state !== 'failed') throw new Error(found.state);

    return `${found.code} ${found.says}`;
  };

  it('a name that is not found is told from a port that refuses', async () => {
    expect(await failed({ url: `wss://${NO_NAME}:8440` })).toBe(`UNREACHABLE the name of ${NO_NAME}:8440 is not found`);
    expect(await failed({ url: `wss://127.0.0.1:${CLOSED_PORT}` })).toBe(
      `UNREACHABLE 127.0.0.1:${CLOSED_PORT} refuses connections`,
    );
  });

  it('silence is told from a connection that is cut before a greeting', async () => {
    const silent = await listening(createTcpServer((socket) => void closing.push(() => socket.destroy())));
    const cutting = await listening(createTcpServer((socket) => void socket.resetAndDestroy()));

    expect(await failed({ url: `wss://127.0.0.1:${silent}`, deadlineMs: 300 })).toMatch(
      /no answer from .* within 0\.3 s/,
    );
    expect(await failed({ url: `wss://127.0.0.1:${cutting}` })).toMatch(/ends the connection before it greets/);
  });

  it('old TLS, no TLS and another server are no collector', async () => {
    const old = await collector({ maxVersion: 'TLSv1.2' });
    const plain = await listening(createHttpServer((_request, response) => response.end('hello')));

    expect(await failed({ url: old.url })).toMatch(/speaks no TLS 1\.3/);
    expect(await failed({ url: `wss://127.0.0.1:${plain}` })).toMatch(/speaks no TLS 1\.3/);
  });

  it('a proxy that wants other credentials is told from one that is not there and one that does not answer', async () => {
    const { url } = await collector();
    const proxy = await startProxy({ credentials: 'agent:other' });
    const hanging = await startProxy({ behaviour: 'hang' });

    expect(await failed({ url, ...through(proxy.port, 'agent:secret') })).toMatch(/^PROXY_REFUSED .*407/);
    expect(await failed({ url, ...through(CLOSED_PORT) })).toBe(
      `UNREACHABLE the proxy 127.0.0.1:${CLOSED_PORT} refuses connections`,
    );
    expect(await failed({ url, ...through(hanging.port), deadlineMs: 300 })).toMatch(/no answer from the proxy/);
  });

  it('an address or a pin that is none is a mistake of whoever typed it', async () => {
    await expect(reach(way({ url: 'collector:8440' }))).rejects.toMatchObject({ code: 'USAGE' });
    const { url } = await collector();
    await expect(reach(way({ url, pin: 'sha256:1' }))).rejects.toMatchObject({ code: 'USAGE' });
  });
});
