import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { type FakeClock, fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { type LinkEvent, type Mirror, runLink, waitFor } from './link.ts';
import { type Outbox, openOutbox } from './outbox.ts';
import type { PolicyRequest } from './policy-desk.ts';
import {
  type FakeCollector,
  makeAuthority,
  makeIdentity,
  NOW,
  nextDurable,
  startCollector,
} from './testing/collector.ts';

const root = temporaryFolder('link');
const stops: (() => Promise<void>)[] = [];
let folders = 0;
afterAll(async () => {
  for (const stop of stops) await stop();
});

const message = (name: string) => ({
  type: 'section' as const,
  name,
  sha256: 'ab'.repeat(32) as Sha256,
  zstdJson: new Uint8Array([1]),
});
const noMirror: Mirror = { sync: async (request) => ((await request('timestamp.json')) === null ? null : null) };

interface Started {
  readonly outbox: Outbox;
  readonly clock: FakeClock;
  readonly events: LinkEvent[];
  readonly wanted: string[][];
  /** Resolves with the next event of the type. */
  event<T extends LinkEvent['type']>(type: T): Promise<LinkEvent & { readonly type: T }>;
  stop(): Promise<void>;
}

async function start(
  collector: FakeCollector,
  over: { mirror?: Mirror; identity?: ReturnType<typeof makeIdentity>; url?: string; dir?: string; seed?: string } = {},
): Promise<Started> {
  const random = seededRandom(over.seed ?? 'link');
  const outbox = await openOutbox(over.dir ?? join(root, String(folders++)), { random, log: silentLog });
  const clock = fakeClock(NOW);
  const controller = new AbortController();
  const events: LinkEvent[] = [];
  const wanted: string[][] = [];
  let taken = 0;
  let arrived: () => void = () => undefined;
  const done = runLink({
    identity: over.identity ?? makeIdentity(collector.authority),
    url: over.url ?? collector.url,
    streams: [outbox],
    mirror: over.mirror ?? noMirror,
    agentVersion: '0.1.0',
    machineId: 'machine-1',
    mode: 'observe',
    clock,
    random,
    log: silentLog,
    onEvent: (event) => {
      events.push(event);
      arrived();
    },
    onSectionsWanted: async (names) => void wanted.push([...names]),
    signal: controller.signal,
  });
  const stop = async () => {
    controller.abort();
    await done;
  };
  stops.push(stop);

  return {
    outbox,
    clock,
    events,
    wanted,
    stop,
    event: async (type) => {
      for (;;) {
        const event = events[taken];
        if (event) taken += 1;
        if (event?.type === type) return event as never;
        if (!event) {
          await new Promise<void>((resolve) => {
            arrived = resolve;
          });
        }
      }
    },
  };
}

describe('when the link connects', () => {
  it('says hello with its streams, and what waits is sent, acknowledged and gone', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    await link.outbox.add(message('one'));
    const peer = await collector.accept();
    expect(await peer.hello).toEqual({
      type: 'hello',
      versions: [1],
      agentVersion: '0.1.0',
      machineId: 'machine-1',
      mode: 'observe',
      streams: [{ stream: link.outbox.id, sequence: 0n }],
    });
    peer.welcome([{ stream: link.outbox.id, sequence: 0n }]);
    expect(await link.event('connected')).toEqual({ type: 'connected', collectorVersion: '0.1.0', clockSkewMs: 0 });

    expect(await nextDurable(peer)).toMatchObject({ sequence: 1n, message: { name: 'one' } });
    await link.outbox.add(message('two'));
    expect(await nextDurable(peer)).toMatchObject({ sequence: 2n, message: { name: 'two' } });
    expect(link.outbox.size()).toBe(2);
    peer.send({ type: 'acknowledgement', stream: link.outbox.id, sequence: 2n });
    expect(await link.event('acknowledged')).toMatchObject({ upTo: 2n });
    expect(link.outbox.size()).toBe(0);
  });

  it('never sends more than the window without an acknowledgement', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    for (let count = 0; count < 7; count++) await link.outbox.add(message(`m${count}`));
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome([], { inFlight: 3 });
    for (const sequence of [1n, 2n, 3n]) expect((await nextDurable(peer)).sequence).toBe(sequence);
    // A fourth one would come before the answer to this.
    peer.send({ type: 'policyAvailable', timestampVersion: 1n });
    expect(await peer.next()).toMatchObject({ type: 'policyRequest' });

    peer.send({ type: 'acknowledgement', stream: link.outbox.id, sequence: 2n });
    for (const sequence of [4n, 5n]) expect((await nextDurable(peer)).sequence).toBe(sequence);
  });

  it('hands over the sections that the collector wants', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();
    peer.send({ type: 'sectionsWanted', names: ['os', 'kernel'] });
    peer.send({ type: 'problem', code: 'FRAME_INVALID', message: 'no', next: '', fatal: false, retryAfterMs: 0 });
    await link.event('problem');

    expect(link.wanted).toEqual([['os', 'kernel']]);
  });

  it('gives the mirror its turn after Welcome and on announcements, with files on request', async () => {
    const collector = await startCollector();
    const got: (string | null)[] = [];
    const mirror: Mirror = {
      sync: async (request: PolicyRequest) => {
        const bytes = await request('timestamp.json');
        got.push(bytes === null ? null : Buffer.from(bytes).toString());

        return bytes === null ? null : { timestampVersion: 7 };
      },
    };
    const link = await start(collector, { mirror });
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();
    expect(await peer.next()).toEqual({ type: 'policyRequest', name: 'timestamp.json', sha256: null });
    peer.send({ type: 'policyFile', name: 'timestamp.json', found: false, content: new Uint8Array(0) });
    peer.send({ type: 'policyAvailable', timestampVersion: 7n });
    await peer.next();
    peer.send({
      type: 'policyFile',
      name: 'timestamp.json',
      found: true,
      content: new Uint8Array(Buffer.from('seven')),
    });

    expect(await link.event('policy')).toEqual({ type: 'policy', timestampVersion: 7 });
    expect(got).toEqual([null, 'seven']);
  });

  it('a mirror that refuses what it was served does not end the connection', async () => {
    const collector = await startCollector();
    const mirror: Mirror = { sync: () => Promise.reject(new CodedError('POLICY_INVALID', 'no')) };
    const link = await start(collector, { mirror });
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();

    expect((await link.event('problem')).error.code).toBe('POLICY_INVALID');
    await link.outbox.add(message('still here'));
    expect((await nextDurable(peer)).sequence).toBe(1n);
  });
});

describe('when the connection breaks', () => {
  it('what was not acknowledged is sent again after what the collector says it has', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    for (const name of ['one', 'two', 'three']) await link.outbox.add(message(name));
    const first = await collector.accept();
    await first.hello;
    first.welcome();
    for (let count = 0; count < 3; count++) await nextDurable(first);
    // The collector committed two and died before it said so.
    first.socket.terminate();
    const { ms } = await link.event('waiting');
    await link.clock.advance(ms);

    const second = await collector.accept();
    expect((await second.hello).streams).toEqual([{ stream: link.outbox.id, sequence: 0n }]);
    second.welcome([{ stream: link.outbox.id, sequence: 2n }]);
    expect(await nextDurable(second)).toMatchObject({ sequence: 3n, message: { name: 'three' } });
    expect(link.outbox.size()).toBe(1);
  });

  it('a hole on the disk is named in the next Hello, and what follows is sent', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    const { rmSync } = await import('node:fs');
    for (const name of ['one', 'two', 'three']) await link.outbox.add(message(name));
    rmSync(join(link.outbox.folder, '0000000000000000002.message'));
    const first = await collector.accept();
    await first.hello;
    first.welcome();
    expect((await nextDurable(first)).sequence).toBe(1n);
    first.send({ type: 'acknowledgement', stream: link.outbox.id, sequence: 1n });
    const { ms, code } = await link.event('waiting');
    expect(code).toBe('FILE_CORRUPT');
    await link.clock.advance(ms);

    const second = await collector.accept();
    expect((await second.hello).streams).toEqual([{ stream: link.outbox.id, sequence: 2n }]);
    second.welcome([{ stream: link.outbox.id, sequence: 2n }]);
    expect((await nextDurable(second)).sequence).toBe(3n);
  });

  it('a stream that starts anew while connected goes on under its new name', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    await link.outbox.add(message('old'));
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();
    const old = await nextDurable(peer);
    await link.outbox.restart();
    await link.outbox.add(message('new'));

    const next = await nextDurable(peer);
    expect(next).toMatchObject({ stream: link.outbox.id, sequence: 1n, message: { name: 'new' } });
    expect(next.stream).not.toBe(old.stream);
    // The acknowledgement of the old stream does not touch the new one.
    peer.send({ type: 'acknowledgement', stream: old.stream, sequence: 1n });
    peer.send({ type: 'acknowledgement', stream: next.stream, sequence: 1n });
    await link.event('acknowledged');
    expect(link.outbox.size()).toBe(0);
  });

  it('silence of two and a half heartbeats is taken for a half-open connection', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome([], { heartbeatSeconds: 10 });
    await link.event('connected');
    expect(await peer.next()).toMatchObject({ type: 'policyRequest' });
    peer.send({ type: 'policyFile', name: 'timestamp.json', found: false, content: new Uint8Array(0) });
    // The last sign of life, known to have arrived before the clock moves.
    peer.send({ type: 'problem', code: 'FRAME_INVALID', message: '', next: '', fatal: false, retryAfterMs: 0 });
    await link.event('problem');
    await link.clock.advance(10_000);
    expect(await peer.next()).toEqual({ type: 'ping', nonce: 1n });
    await link.clock.advance(20_000);
    expect((await link.event('disconnected')).error.code).toBe('UNREACHABLE');
    await peer.closed;
  });

  it('a collector that never answers Hello is left', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    const peer = await collector.accept();
    await peer.hello;
    await link.clock.advance(20_000);

    expect((await link.event('disconnected')).error.code).toBe('UNREACHABLE');
    await peer.closed;
  });

  it('stopping ends it at once, connected or waiting', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();
    await link.event('connected');
    await link.stop();
    await peer.closed;
    expect(link.events.at(-1)).toEqual({ type: 'stopped' });

    collector.refuse({ status: '503 Service Unavailable', headers: {} });
    const waiting = await start(collector);
    await waiting.event('waiting');
    await waiting.stop();
    expect(waiting.events.at(-1)).toEqual({ type: 'stopped' });
  });
});

describe('when the collector sends the agent away', () => {
  it('with retry-after in Problem, it does not come back sooner', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    const peer = await collector.accept();
    await peer.hello;
    peer.send({ type: 'problem', code: 'UNREACHABLE', message: 'bye', next: '', fatal: true, retryAfterMs: 90_000 });
    const { ms } = await link.event('waiting');
    expect(ms).toBeGreaterThanOrEqual(90_000);
    expect(ms).toBeLessThanOrEqual(90_000 * 1.2);

    await link.clock.advance(89_999);
    expect(collector.attempts()).toBe(1);
    await link.clock.advance(ms - 89_999);
    await collector.accept();
  });

  it('with Retry-After and a code at the upgrade, both count', async () => {
    const collector = await startCollector();
    collector.refuse({
      status: '429 Too Many Requests',
      headers: { 'Retry-After': '120', 'Selvage-Code': 'RATE_LIMITED' },
    });
    const link = await start(collector);
    const { ms, code } = await link.event('waiting');

    expect(code).toBe('RATE_LIMITED');
    expect(ms).toBeGreaterThanOrEqual(120_000);
    collector.refuse(null);
    await link.clock.advance(ms);
    await collector.accept();
  });

  it('as revoked, it keeps asking, but rarely', async () => {
    const collector = await startCollector();
    collector.refuse({ status: '401 Unauthorized', headers: { 'Selvage-Code': 'HOST_REVOKED' } });
    const link = await start(collector);
    const { ms, code } = await link.event('waiting');

    expect(code).toBe('HOST_REVOKED');
    expect(ms).toBeGreaterThanOrEqual(5 * 60_000);
  });

  it('no retry-after strands an agent for more than about an hour', () => {
    const error = new CodedError('UNREACHABLE', 'bye', { details: { retryAfterMs: 2 ** 32 - 1 } });

    expect(waitFor(error, 1000, 0.999)).toBeLessThanOrEqual(72 * 60_000);
    expect(waitFor(new CodedError('UNREACHABLE', 'x'), 1234, 0.5)).toBe(1234);
  });

  it('failures lengthen the wait, and two agents do not wait alike', async () => {
    const collector = await startCollector();
    collector.refuse({ status: '503 Service Unavailable', headers: {} });
    const waits = async (seed: string) => {
      const link = await start(collector, { seed });
      const all: number[] = [];
      for (let count = 0; count < 5; count++) {
        const { ms } = await link.event('waiting');
        all.push(ms);
        await link.clock.sleeping(1);
        await link.clock.advance(ms);
      }

      return all;
    };
    const [one, other] = [await waits('one'), await waits('other')];

    expect(Math.max(...one)).toBeGreaterThan(1000);
    expect(one).not.toEqual(other);
  });
});

describe('when the collector is not the one, or misbehaves', () => {
  it.each([
    ['a certificate of another CA', async () => startCollector({ server: makeAuthority() })],
    ['a certificate for another name', async () => startCollector({ names: ['collector.example'] })],
  ])('%s is refused before anything is sent', async (_what, make) => {
    const collector = await make();
    const link = await start(collector);

    expect((await link.event('disconnected')).error.code).toBe('CERTIFICATE_INVALID');
    expect(collector.attempts()).toBe(0);
  });

  it('TLS 1.2 is not spoken', async () => {
    const collector = await startCollector({ maxVersion: 'TLSv1.2' });
    const link = await start(collector);

    expect((await link.event('disconnected')).error.code).toBe('UNREACHABLE');
    expect(collector.attempts()).toBe(0);
  });

  it('an address that is not wss is not dialled', async () => {
    const collector = await startCollector();
    const link = await start(collector, { url: collector.url.replace('wss:', 'ws:') });

    expect((await link.event('disconnected')).error.code).toBe('SETTINGS_INVALID');
  });

  it('a redirect is not followed', async () => {
    const [collector, other] = [await startCollector(), await startCollector()];
    collector.refuse({ status: '302 Found', headers: { Location: other.url.replace('wss', 'https') } });
    const link = await start(collector);

    expect((await link.event('disconnected')).error.code).toBe('UNREACHABLE');
    expect(other.attempts()).toBe(0);
  });

  it.each([
    ['an acknowledgement of what was never sent', { type: 'acknowledgement', stream: '', sequence: 99n }],
    ['a file nobody asked for', { type: 'policyFile', name: 'x', found: false, content: new Uint8Array(0) }],
    ['a second Welcome', null],
  ] as const)('%s ends the session and loses nothing', async (_what, frame) => {
    const collector = await startCollector();
    const link = await start(collector);
    await link.outbox.add(message('one'));
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome();
    await link.event('connected');
    if (frame === null) peer.welcome();
    else peer.send(frame.type === 'acknowledgement' ? { ...frame, stream: link.outbox.id } : frame);

    expect((await link.event('disconnected')).error.code).toBe('FRAME_UNEXPECTED');
    expect(link.outbox.size()).toBe(1);
  });

  it('a frame before Welcome ends the session', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    const peer = await collector.accept();
    peer.send({ type: 'policyAvailable', timestampVersion: 1n });

    expect((await link.event('disconnected')).error.code).toBe('FRAME_UNEXPECTED');
  });

  it('bytes that are no frame, or too many, end the session', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    const peer = await collector.accept();
    peer.sendRaw(new Uint8Array([1, 2, 3]));
    expect((await link.event('disconnected')).error.code).toBe('FRAME_INVALID');
    await link.clock.advance((await link.event('waiting')).ms);

    const again = await collector.accept();
    again.sendRaw(new Uint8Array(1_048_577));
    await link.event('disconnected');
  });

  it('an agent that is an old copy of itself begins a new stream instead of being taken for a repeat', async () => {
    const collector = await startCollector();
    const link = await start(collector);
    const { id } = link.outbox;
    await link.outbox.add(message('one'));
    const peer = await collector.accept();
    await peer.hello;
    peer.welcome([{ stream: id, sequence: 80n }]);
    await link.event('connected');
    await link.outbox.add(message('fresh'));
    const next = await nextDurable(peer);

    expect(next).toMatchObject({ sequence: 1n, message: { name: 'fresh' } });
    expect(next.stream).not.toBe(id);
  });
});
