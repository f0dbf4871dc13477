// What somebody with the collector's keys can make a connected host do: bounded in memory, disk and time, and over with the
// first honest collector. What it may do to policy is in ./policy-mirror.test.ts and shared/policy/attacks.test.ts.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { makeCase } from '@selvage/shared/wire/fuzz/fuzz.ts';
import { Luck, seedOf } from '@selvage/shared/wire/fuzz/luck.ts';
import type { CollectorFrame } from '@selvage/shared/wire/wire.ts';
import { encodeCollectorFrame } from '@selvage/shared/wire/wire.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Mirror } from './link.ts';
import type { PolicyRequest } from './policy-desk.ts';
import { openPolicyMirror } from './policy-mirror.ts';
import { type FakeCollector, nextDurable, type Peer, startCollector } from './testing/collector.ts';
import { inTouch, message, type StartedLink, startLink } from './testing/started-link.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const bytesOf = (value: unknown) => new Uint8Array(Buffer.from(JSON.stringify(value)));
const HIGHEST = 2n ** 63n - 1n;
const MAX_UINT32 = 2 ** 32 - 1;
/** What a share of frames may keep in memory while they are dealt with. */
const MAX_HELD_BYTES = 50 * 1024 * 1024;
/** Frees what nobody holds any more; a heap that was not collected lately says nothing of it. */
const collectGarbage = (() => {
  setFlagsFromString('--expose-gc');

  return runInNewContext('gc') as () => void;
})();

async function welcomed(over: Parameters<typeof startLink>[1] = {}) {
  const collector = await startCollector();
  const link = await startLink(collector, over);
  const peer = await collector.accept();
  await peer.hello;
  peer.welcome();
  await link.event('connected');

  return { collector, link, peer };
}

/** The next connection is an honest one: everything works as if nothing had been. */
async function recovers(collector: FakeCollector, link: StartedLink): Promise<void> {
  const { ms } = await link.event('waiting');
  expect(ms).toBeLessThan(1.3 * HOUR_MS);
  await link.clock.advance(ms);
  const peer = await collector.accept();
  const { streams } = await peer.hello;
  peer.welcome(streams);
  await link.event('connected');
  await link.outbox.add(message('after'));
  for (let frame = await nextDurable(peer); ; frame = await nextDurable(peer)) {
    peer.send({ type: 'acknowledgement', stream: frame.stream, sequence: frame.sequence });
    if (frame.message.type === 'section' && frame.message.name === 'after') break;
  }
  await expect.poll(() => link.outbox.size()).toBe(0);
}

/** Sends as fast as the agent reads until it ends the connection. */
async function flood(peer: Peer, bytes: Uint8Array): Promise<void> {
  const over = peer.closed.then(() => true);
  const turn = () => new Promise<false>((resolve) => setImmediate(() => resolve(false)));
  while (!(await Promise.race([over, turn()]))) {
    if (peer.socket.bufferedAmount > 8 * 1024 * 1024) continue;
    for (let times = 0; times < 50; times++) if (peer.socket.readyState === peer.socket.OPEN) peer.sendRaw(bytes);
  }
}

describe('when a collector sends without end', () => {
  const names = Array.from({ length: 4096 }, (_, at) => `${'x'.repeat(100)}${at}`);

  it.each<readonly [string, CollectorFrame]>([
    ['wishes for sections', { type: 'sectionsWanted', names }],
    ['problems', { type: 'problem', code: 'X', message: 'x'.repeat(4000), next: '', fatal: false, retryAfterMs: 0 }],
    ['announcements of policy', { type: 'policyAvailable', timestampVersion: 7n }],
    ['pongs that answer nothing', { type: 'pong', nonce: 1n }],
    ['authorities', { type: 'authorities', authorities: [] }],
    [
      'acknowledgements of a stream that is not',
      { type: 'acknowledgement', stream: 'inventory:00000000-0000-4000-8000-000000000009', sequence: 1n },
    ],
  ])('%s are a share, then the connection ends and the host comes back later', async (_what, frame) => {
    const { collector, link, peer } = await welcomed();
    await link.outbox.add(message('kept'));
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    await flood(peer, encodeCollectorFrame(frame));

    expect((await link.event('disconnected')).error.code).toMatch(/^(RATE_LIMITED|FRAME_INVALID)$/);
    collectGarbage();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(MAX_HELD_BYTES);
    // A line in the log each: bounded too.
    expect(link.events.filter(({ type }) => type === 'problem').length).toBeLessThanOrEqual(1001);
    expect(link.wanted.length).toBeLessThan(50);
    for (const each of link.wanted) expect(each.length).toBeLessThanOrEqual(64);
    await recovers(collector, link);
  });

  it('WebSocket pings are not answered and end the connection', async () => {
    const { collector, link, peer } = await welcomed();
    let pongs = 0;
    peer.socket.on('pong', () => (pongs += 1));
    for (let times = 0; times < 100; times++) peer.socket.ping();

    expect((await link.event('disconnected')).error.code).toBe('UNREACHABLE');
    expect(pongs).toBe(0);
    await recovers(collector, link);
  });

  it('the same wish a hundred times is handed over a few times, with each name once', async () => {
    const { link, peer } = await welcomed();
    for (let times = 0; times < 100; times++) peer.send({ type: 'sectionsWanted', names: ['os', 'kernel', 'os'] });
    peer.send({ type: 'problem', code: 'FRAME_INVALID', message: '', next: '', fatal: false, retryAfterMs: 0 });
    await link.event('problem');
    await expect.poll(() => link.wanted.length).toBeGreaterThan(0);

    for (const each of link.wanted) expect(each).toEqual(['os', 'kernel']);
  });
});

describe('when a collector announces new policy without end', () => {
  it('the mirror gets its burst of turns, then one a minute: it cannot be kept writing', async () => {
    let turns = 0;
    const mirror: Mirror = {
      sync: async () => {
        turns += 1;

        return { timestampVersion: turns };
      },
    };
    const { link, peer } = await welcomed({ mirror });
    for (let times = 0; times < 300; times++) {
      peer.send({ type: 'policyAvailable', timestampVersion: BigInt(times + 1) });
      // Between announcements, so that each could have its turn.
      peer.send({ type: 'problem', code: 'FRAME_INVALID', message: '', next: '', fatal: false, retryAfterMs: 0 });
      await link.event('problem');
    }
    expect(turns).toBe(20);

    await link.clock.advance(MINUTE_MS);
    await expect.poll(() => turns).toBe(21);
    // What was announced last is not lost: it had this turn.
    expect(link.events.filter(({ type }) => type === 'policy').at(-1)).toMatchObject({ timestampVersion: 21 });
  });

  it('and serves it a byte an hour, messages flow meanwhile, and a request that is not answered ends the connection', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();
    await link.event('connected');
    expect(await peer.next()).toMatchObject({ type: 'policyRequest' });
    await link.outbox.add(message('one'));
    expect(await peer.next()).toMatchObject({ type: 'durable', sequence: 1n });
    await link.clock.advance(29_000);
    peer.socket.send(new Uint8Array([0x2a]), { fin: false });
    await link.clock.advance(2000);

    expect((await link.event('disconnected')).error.code).toBe('UNREACHABLE');
    await recovers(collector, link);
  });
});

describe('when a collector names documents without end', () => {
  it('more than a repository may have are refused before they are asked for, and nothing stays on the disk', async () => {
    const dir = join(temporaryFolder('endless'), 'policy');
    const mirror = await openPolicyMirror({ dir, wake: join(dir, '..', 'wake'), log: silentLog });
    const document = bytesOf({ a: 1 });
    // All the same bytes under the same name, so that only their number can be what is refused.
    const target = { length: document.length, hashes: { sha256: sha256(document) } };
    const role = (number: number) => ({
      signed: {
        version: 1,
        targets: Object.fromEntries(Array.from({ length: 1500 }, (_, at) => [`r${number}/d${at}/x.json`, target])),
      },
    });
    const meta = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`r${at}.json`, { version: 1 }]));
    const asked = new Map<string, number>();
    const request: PolicyRequest = async (name, hash) => {
      const kind = hash ? 'document' : name.includes('root') ? 'root' : 'metadata';
      asked.set(kind, (asked.get(kind) ?? 0) + 1);
      if (hash) return document;
      if (name === 'timestamp.json')
        return bytesOf({ signed: { version: 1, meta: { 'snapshot.json': { version: 1 } } } });
      if (name === '1.snapshot.json') return bytesOf({ signed: { version: 1, meta } });
      const [, number] = /^1\.r(\d+)\.json$/.exec(name) ?? [];

      return number === undefined ? null : bytesOf(role(Number(number)));
    };

    await expect(mirror.sync(request, new AbortController().signal)).rejects.toMatchObject({ code: 'POLICY_INVALID' });
    // Two roles of 1,500 fit, the third is one too many.
    expect(Object.fromEntries(asked)).toEqual({ metadata: 5, root: 1, document: 1 });
    expect(readdirSync(dir, { recursive: true }).sort()).toEqual(['metadata', 'targets']);
  });
});

describe('when a collector says absurd numbers', () => {
  it('acknowledgements that run ahead end the connection, and nothing is removed', async () => {
    for (const sequence of [2n, HIGHEST]) {
      const { link, peer } = await welcomed();
      await link.outbox.add(message('one'));
      const { stream } = await nextDurable(peer);
      peer.send({ type: 'acknowledgement', stream, sequence });

      expect((await link.event('disconnected')).error.code).toBe('FRAME_UNEXPECTED');
      expect(link.outbox.size()).toBe(1);
    }
  });

  it('a window of four billion is 32 messages', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    for (let count = 0; count < 40; count++) await link.outbox.add(message(`m${count}`));
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome([], { inFlight: MAX_UINT32, heartbeatSeconds: MAX_UINT32 });
    for (let count = 1; count <= 32; count++) expect((await nextDurable(peer)).sequence).toBe(BigInt(count));
    // Its request for policy was answered on the way: only a heartbeat is waited for.
    await inTouch(link, peer);

    // The heartbeat of ten minutes comes before a 33rd.
    await link.clock.advance(10 * MINUTE_MS);
    let next = await peer.next();
    while (next.type === 'policyRequest' || next.type === 'policyHeld') next = await peer.next();
    expect(next.type).toBe('ping');

    // Silence for two and a half of the longest heartbeats is the end, whatever was asked for.
    await link.clock.advance(21 * MINUTE_MS);
    expect((await link.event('disconnected')).error.code).toBe('UNREACHABLE');
    expect(link.outbox.size()).toBe(40);
  });

  it('a retry-after of years is an hour, also with a message that says "for ever"', async () => {
    const { collector, link, peer } = await welcomed();
    peer.send({
      type: 'problem',
      code: 'RATE_LIMITED',
      message: 'for ever',
      next: '',
      fatal: true,
      retryAfterMs: MAX_UINT32,
    });
    await link.event('disconnected');

    await recovers(collector, link);
  });

  it('a version of the far future ends the connection', async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    const peer = await collector.accept();
    await peer.hello;
    peer.send({
      ...{ type: 'welcome', version: MAX_UINT32, collectorVersion: 'x', now: '9999-12-31T23:59:59Z' as never },
      ...{ streams: [], heartbeatSeconds: 1, inFlight: 1 },
    });

    expect((await link.event('disconnected')).error.code).toBe('PROTOCOL_VERSION');
    await recovers(collector, link);
  });
});

describe('when a collector keeps to nothing', () => {
  const SESSIONS = 60;
  // The same every day: a session that finds something is to fail for whoever brings it, not for whoever comes that day.
  const SEED = process.env.SELVAGE_FAULT_SEED ?? '1';
  const rejections: unknown[] = [];
  const note = (reason: unknown) => rejections.push(reason);
  beforeEach(() => {
    process.on('unhandledRejection', note);
  });
  afterEach(() => {
    process.off('unhandledRejection', note);
  });

  it(`random sessions (seed ${SEED}) remove nothing that was not acknowledged in turn, and the host goes on`, async () => {
    const collector = await startCollector();
    const link = await startLink(collector);
    for (const name of ['one', 'two', 'three']) await link.outbox.add(message(name));
    const { id } = link.outbox;

    for (let session = 0; session < SESSIONS; session++) {
      const luck = new Luck(seedOf(SEED), session);
      const peer = await collector.accept();
      await peer.hello;
      if (!luck.oneIn(4)) peer.welcome([], { inFlight: 1 + luck.below(40), heartbeatSeconds: luck.below(100) + 1 });
      for (let count = luck.below(10); count > 0; count--) peer.sendRaw(hostile(luck, id));
      peer.socket.close();
      await peer.closed;
      const { ms } = await link.event('waiting');
      await link.clock.advance(ms);
    }

    expect(rejections).toEqual([]);
    const peer = await collector.accept();
    const { streams } = await peer.hello;
    peer.welcome(streams);
    await link.outbox.add(message('after'));
    const names: string[] = [];
    for (;;) {
      const frame = await nextDurable(peer);
      if (frame.message.type === 'section') names.push(frame.message.name);
      if (names.at(-1) === 'after') break;
    }
    // In order, and none twice.
    const order = ['one', 'two', 'three', 'after'];
    expect(names).toEqual(order.slice(order.length - names.length));
  });
});

function hostile(luck: Luck, stream: string): Uint8Array {
  switch (luck.below(5)) {
    case 0:
      return encodeCollectorFrame({ type: 'acknowledgement', stream, sequence: BigInt(luck.below(6)) });
    case 1:
      return encodeCollectorFrame({ type: 'policyFile', name: 'timestamp.json', found: true, content: luck.bytes(20) });
    case 2:
      return encodeCollectorFrame({ type: 'sectionsWanted', names: ['os', 'x'] });
    case 3:
      return luck.bytes(luck.below(50));
    default:
      return Uint8Array.from(makeCase(seedOf('collector'), luck.bits()).bytes);
  }
}
