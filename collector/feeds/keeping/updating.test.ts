// From a real HTTPS server to what is current: what is asked, what is taken, and what is not.

import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { parseProxy } from '@selvage/shared/net/proxy.ts';
import { connectVia, directly } from '@selvage/shared/net/tunnel.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DOWNLOAD_LIMITS } from '../fetch/download.ts';
import type { Way as HttpWay } from '../fetch/request.ts';
import { FEEDS } from '../list.ts';
import { importLabs, lines, osvOf } from '../testing/import-lab.ts';
import { document, type Publisher, startPublisher, status } from '../testing/publisher.ts';
import { type UpdateOptions, type UpdateParts, updateFeed } from './updating.ts';

const labs = importLabs('feed-update');
const code = (expected: string) => expect.objectContaining({ code: expected });
const data = (fixed: string) => lines([osvOf('CVE-2025-0001', { curl: fixed })]);
const DEBIAN = FEEDS.find(({ name }) => name === 'osv-debian');

async function world(way: Partial<HttpWay> = {}, limits: Partial<typeof DOWNLOAD_LIMITS> = {}) {
  const lab = await labs();
  const publisher = await startPublisher();
  const folder = join(lab.folder, `arriving-${publisher.url.split(':').at(-1)}`);
  mkdirSync(folder);
  // Pauses between attempts pass at once.
  const clock = {
    ...lab.clock,
    now: () => lab.clock.now(),
    monotonic: () => lab.clock.monotonic(),
    sleep: async () => undefined,
  };
  const parts: UpdateParts = {
    ...{ store: lab.store, clock, random: seededRandom(1), folder },
    events: { publish: (event) => void lab.events.push(event) },
    way: { connect: directly, authorities: [publisher.authority], agentName: 'selvage/0', ...way },
    limits: { ...DOWNLOAD_LIMITS, ...limits },
  };
  const update = (sources: readonly string[] = [`${publisher.url}/all.jsonl`], options: UpdateOptions = {}) => {
    if (!DEBIAN) throw new Error('no such feed');

    return updateFeed(parts, DEBIAN, sources, options);
  };
  const fixed = async () => {
    const [found] = await lab.store.read.feeds.rules([{ ecosystem: 'Debian:12', package: 'curl' }]);

    return found?.rules[0]?.ranges[0]?.fixed ?? null;
  };

  return {
    lab,
    publisher,
    update,
    fixed,
    left: () => readdirSync(folder),
    state: () => lab.store.read.feeds.byName('osv-debian'),
  };
}

describe('when a publisher says that nothing has changed to whoever has nothing', () => {
  it('it is refused as no answer, also of one of several, and asked no further', async () => {
    const { publisher, update, state, left } = await world();
    publisher.answer(status(304));
    await expect(update()).rejects.toThrow(code('FEED_UNAVAILABLE'));
    expect(await state()).toMatchObject({ generation: null, error: { code: 'FEED_UNAVAILABLE' } });

    publisher.answer((request, response) => {
      if (request.url === '/a') status(304)(request, response);
      else document(data('1'))(request, response);
    });
    await expect(update(['/b', '/a'].map((path) => `${publisher.url}${path}`))).rejects.toThrow(
      code('FEED_UNAVAILABLE'),
    );
    expect(publisher.asked.length).toBeLessThan(10);
    expect(left()).toEqual([]);
  });
});

describe('when a publisher is asked', () => {
  it('what it has is taken, and next time only what is newer', async () => {
    const { lab, publisher, update, fixed, left, state } = await world();
    publisher.answer(document(data('1'), '"one"'));
    expect(await update()).toMatchObject({ changed: true });
    await lab.clock.advance(3_600_000);
    expect(await update()).toBeNull();
    expect(publisher.asked[1]?.headers).toMatchObject({
      'if-none-match': '"one"',
      'if-modified-since': 'Mon, 23 Nov 2026 20:00:00 GMT',
    });
    expect(await state()).toMatchObject({ importedAt: '2026-11-23T20:00:00Z', checkedAt: '2026-11-23T21:00:00Z' });
    publisher.answer(document(data('2'), '"two"'));
    await update();

    expect(await fixed()).toBe('2');
    expect(publisher.asked.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"one"', '"one"']);
    expect(left()).toEqual([]);
  });

  it('of several addresses all are one copy: one that is newer brings all', async () => {
    const { publisher, update, state } = await world();
    const sources = [`${publisher.url}/a`, `${publisher.url}/b`];
    const pages: Record<string, string> = { '/a': data('1'), '/b': lines([osvOf('CVE-2025-0002', { zlib: '1' })]) };
    publisher.answer((request, response) =>
      document(pages[request.url ?? ''] ?? '', `"${request.url}${pages[request.url ?? '']?.length}"`)(
        request,
        response,
      ),
    );
    await update(sources);
    expect(await state()).toMatchObject({ records: 2 });
    expect(await update(sources)).toBeNull();
    pages['/b'] = lines([osvOf('CVE-2025-0002', { zlib: '12' }), osvOf('CVE-2025-0003', { xz: '1' })]);
    await update(sources);

    expect(await state()).toMatchObject({ records: 3 });
  });

  it('an answer that it packs for the way is unpacked', async () => {
    const { publisher, update, fixed } = await world();
    publisher.answer(
      (_request, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(data('1'))),
    );
    await update();

    expect(await fixed()).toBe('1');
  });

  it('a redirect is followed', async () => {
    const { publisher, update, fixed } = await world();
    publisher.answer(status(302, { location: '/elsewhere' }), document(data('1')));
    await update();

    expect([publisher.asked[1]?.url, await fixed()]).toEqual(['/elsewhere', '1']);
  });

  it('a fault that passes is tried again', async () => {
    const { publisher, update, fixed } = await world();
    publisher.answer(status(503), (request) => request.socket.destroy(), document(data('1')));
    await update();

    expect(await fixed()).toBe('1');
  });

  it('a file or folder on this machine is taken as it is', async () => {
    const { lab, update, fixed } = await world();
    await update([lab.file('mirror.jsonl', data('7'))]);

    expect(await fixed()).toBe('7');
  });

  it('a proxy leads there, and sees nothing but TLS', async () => {
    const seen: string[] = [];
    const proxy = await startProxy((target) => seen.push(target));
    const address = parseProxy(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, 'it');
    const { publisher, update, fixed } = await world({ connect: connectVia(() => address) });
    publisher.answer(document(data('1')));
    await update();

    expect([await fixed(), seen]).toEqual(['1', [new URL(publisher.url).host]]);
  });
});

describe('when a publisher does not give what it should', () => {
  type Answering = (publisher: Publisher) => void;
  const half: Answering = ({ answer }) =>
    answer((_request, response) => {
      response.writeHead(200, { 'content-length': '5000' });
      response.write('{"id":');
      setImmediate(() => response.destroy());
    });
  const chunks: Answering = ({ answer }) =>
    answer((_request, response) => {
      response.write(data('9'));
      setImmediate(() => response.destroy());
    });

  it.each<[string, string, Answering, Partial<HttpWay>?, Partial<typeof DOWNLOAD_LIMITS>?]>([
    ['a fault that stays', 'FEED_UNAVAILABLE', ({ answer }) => answer(status(500))],
    ['nothing there', 'FEED_UNAVAILABLE', ({ answer }) => answer(status(404))],
    ['half of it', 'FEED_UNAVAILABLE', half],
    ['half of it in chunks', 'FEED_UNAVAILABLE', chunks],
    [
      'a redirect to plain http',
      'FEED_UNAVAILABLE',
      ({ answer }) => answer(status(301, { location: 'http://127.0.0.1:1/x' })),
    ],
    [
      'a redirect to a file',
      'FEED_UNAVAILABLE',
      ({ answer }) => answer(status(301, { location: 'file:///etc/passwd' })),
    ],
    [
      'a redirect with a password',
      'FEED_UNAVAILABLE',
      ({ answer }) => answer(status(301, { location: 'https://a:b@127.0.0.1/' })),
    ],
    ['redirects without end', 'FEED_UNAVAILABLE', ({ answer }) => answer(status(302, { location: '/again' }))],
    ['a redirect to nowhere', 'FEED_UNAVAILABLE', ({ answer }) => answer(status(302))],
    ['no answer', 'FEED_UNAVAILABLE', ({ answer }) => answer(() => undefined), { answerDeadlineMs: 50 }],
    [
      ...['a body that stops', 'FEED_UNAVAILABLE'],
      ({ answer }) => answer((_request, response) => void response.writeHead(200).write('{')),
      {},
      { idleMs: 50 },
    ] as [string, string, Answering, object, object],
    [
      ...['a body that trickles', 'FEED_UNAVAILABLE'],
      ({ answer }) =>
        answer((_request, response) => {
          response.writeHead(200);
          const timer = setInterval(() => response.write(' '), 5);
          response.on('close', () => clearInterval(timer));
        }),
      {},
      { totalMs: 100 },
    ] as [string, string, Answering, object, object],
    ['more than it may', 'FEED_INVALID', ({ answer }) => answer(document(data('9'))), {}, { maxBytes: 100 }],
    [
      ...['more than it may, unannounced', 'FEED_INVALID'],
      ({ answer }) =>
        answer((_request, response) => {
          response.write(data('9'));
          response.end(data('9'));
        }),
      {},
      { maxBytes: 300 },
    ] as [string, string, Answering, object, object],
    ['a page of a portal', 'FEED_INVALID', ({ answer }) => answer(document('<!DOCTYPE html><title>Log in</title>'))],
    [
      'a certificate of nobody',
      'CERTIFICATE_INVALID',
      ({ answer }) => answer(document(data('9'))),
      { authorities: [] },
    ],
  ])('%s is %s, which is kept, and nothing is left behind', async (_what, expected, answering, way, limits) => {
    const { publisher, update, left, state } = await world(way, limits);
    answering(publisher);
    await expect(update()).rejects.toThrow(code(expected));

    expect(await state()).toMatchObject({ generation: null, error: { code: expected } });
    expect(left()).toEqual([]);
  });

  it('a port where nobody listens is out of reach, and an address that is none is said', async () => {
    const { update, state } = await world();

    await expect(update(['https://127.0.0.1:1/x'])).rejects.toThrow(code('UNREACHABLE'));
    expect((await state())?.error?.code).toBe('UNREACHABLE');
    await expect(update(['http://127.0.0.1:1/x'])).rejects.toThrow(code('FEED_UNAVAILABLE'));
    await expect(update([])).rejects.toThrow(code('NOT_FOUND'));
  });

  it('what was refused is asked for again, since its mark is not kept', async () => {
    const { publisher, update, fixed } = await world();
    publisher.answer(document('<html>', '"bad"'));
    await expect(update()).rejects.toThrow(code('FEED_INVALID'));
    publisher.answer(document(data('1'), '"bad"'));
    await update();

    expect(await fixed()).toBe('1');
  });
});

async function startProxy(onTarget: (target: string) => void): Promise<Server> {
  const server = createServer();
  server.on('connect', (request, socket) => {
    onTarget(request.url ?? '');
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const onward = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    for (const each of [onward, socket]) {
      each.on('error', () => {
        onward.destroy();
        socket.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());

  return server;
}
