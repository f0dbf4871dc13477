// Attacks over real sockets: slow, endless, silent, lying. Each ends within its limit, and a host beside it notices nothing.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { zstdCompressSync } from 'node:zlib';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { MAX_FRAME_BYTES } from '@selvage/shared/wire/wire.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { makeAuthority as makeCa } from '../enrollment/authorities.ts';
import { createEnrollment } from '../enrollment/enrollment.ts';
import { enrollmentRoutes } from '../enrollment/routes.ts';
import { Events } from '../events.ts';
import { freshStores } from '../store/testing/fresh-store.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { durable, INVENTORY, RESULTS, report, result, section } from './testing/messages.ts';
import { helloOf, ledger, makeWorld, type World } from './testing/world.ts';

const freshStore = freshStores('attacks');
/** The gateway looks for silent hosts so often. */
const SWEEP_MS = 2000;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

const keep = <S extends Socket>(socket: S): S => {
  sockets.push(socket);
  socket.on('error', () => undefined);

  return socket;
};
const plain = (world: World) => keep(connect({ port: world.gateway.port, host: '127.0.0.1' }));
const secure = async (world: World): Promise<TLSSocket> => {
  const socket = keep(tlsConnect({ port: world.gateway.port, host: '127.0.0.1', ca: world.authority.certificate }));
  await once(socket, 'secureConnect');
  socket.resume();

  return socket;
};

/** Whichever way it ends, also with an error. */
const closed = (socket: Socket) =>
  new Promise<void>((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });

/** Writes again and again, a little at a time, until the other side ends it. Resolves with the bytes that were taken. */
async function drip(socket: Socket, piece: string | Uint8Array, everyMs: number): Promise<number> {
  const writing = setInterval(() => {
    if (socket.writable) socket.write(piece);
  }, everyMs);
  await closed(socket);
  clearInterval(writing);

  return socket.bytesWritten;
}

/** Writes as fast as it is taken until the other side ends it. */
async function flood(socket: Socket, piece: Uint8Array): Promise<number> {
  const write = () => {
    while (socket.writable && socket.write(piece));
  };
  socket.on('drain', write);
  write();
  await closed(socket);

  return socket.bytesWritten;
}

async function isServed(world: World, number: number): Promise<void> {
  const host = await world.enroll(number);
  const client = await world.connect(host);
  client.send(durable(RESULTS, 1, result(host, 1)));
  expect(await client.next()).toEqual({ type: 'acknowledgement', stream: RESULTS, sequence: 1n });
  client.socket.close();
  await client.closed;
}

describe('when strangers are slow', () => {
  // Many times what the honest host beside them needs for its own handshake, also on a busy machine.
  const limits = { handshakeMs: 2000 };

  it.each([
    ['says nothing', new Uint8Array(0), new Uint8Array(0)],
    // The header of a record of 512 bytes: nothing is wrong with it until it is whole.
    ['sends the handshake a byte at a time', new Uint8Array([22, 3, 1, 2, 0]), new Uint8Array(1)],
  ])('one that %s is cut off when the handshake is over its time', async (_what, first, piece) => {
    const world = await makeWorld({ limits });
    const socket = plain(world);
    await once(socket, 'connect');
    socket.write(first);
    const dripping = drip(socket, piece, 50);
    await isServed(world, 1);

    expect(await dripping).toBeLessThan(100);
    await expect.poll(() => world.gateway.load().strangers).toBe(0);
    expect(world.gateway.load().handshakesFailed).toBeGreaterThan(0);
  });

  it('one that sends its headers a byte at a time is cut off', async () => {
    const world = await makeWorld({ limits });
    const socket = await secure(world);
    socket.write('GET /v1/trust HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    const dripping = drip(socket, 'a', 50);
    await isServed(world, 1);

    expect(await dripping).toBeLessThan(1000);
  });

  it('hundreds that hold their sockets take no more than their share', async () => {
    const world = await makeWorld({ limits: { unauthenticatedPerAddress: 50 } });
    const held = Array.from({ length: 300 }, () => plain(world));
    await expect.poll(() => world.gateway.load().accepted + world.gateway.load().shedding).toBe(300);
    expect(world.gateway.load()).toMatchObject({ strangers: 50, accepted: 50, shedding: 250 });
    for (const socket of held) socket.destroy();
    await expect.poll(() => world.gateway.load().strangers).toBe(0);

    await isServed(world, 1);
  });
});

describe('when strangers send without end', () => {
  it('a header without end is cut off after kilobytes', async () => {
    const world = await makeWorld();
    const socket = await secure(world);
    socket.write('GET /v1/trust HTTP/1.1\r\nX-Long: ');

    // The limit is 8 KiB; what the kernel's buffers took on the way is not read.
    expect(await flood(socket, Buffer.alloc(16_384, 'a'))).toBeLessThan(16_000_000);
    await isServed(world, 1);
  });

  it.each([
    ['of a length that it never reaches', 'Content-Length: 99999999999\r\n\r\n', Buffer.alloc(16_384, ' ')],
    ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n', Buffer.from(`4000\r\n${' '.repeat(0x4000)}\r\n`)],
  ])('an enrollment %s is cut off', async (_what, headers, piece) => {
    const clock = fakeClock(Temporal.Now.instant().toString());
    const at = { now: clock.now(), random: systemRandom };
    const enrollment = createEnrollment({
      ...{ store: await freshStore(), hosts: makeCa('hosts', at), admins: makeCa('admins', at), clock },
      ...{ random: systemRandom, events: new Events(), root: async () => Buffer.from('{}') },
    });
    const world = await makeWorld({ routes: enrollmentRoutes(enrollment) });
    const socket = await secure(world);
    socket.write(`POST /v1/enroll HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers}`);
    const before = process.memoryUsage().arrayBuffers;

    await flood(socket, piece);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
    await isServed(world, 1);
  });
});

describe('when a host sends without end', () => {
  it('a message in fragments that never ends is cut off at their number', async () => {
    const world = await makeWorld();
    const client = await world.connect(await world.enroll(1));
    for (let part = 0; part < 100; part++) client.socket.send(new Uint8Array([8]), { fin: false });

    // RFC 6455: 1008, policy; ws counts fragments before it keeps them.
    expect([1006, 1008, 1009]).toContain(await client.closed);
    await expect.poll(() => world.gateway.connected()).toEqual([]);
  });

  it('a message in fragments that is too large as a whole is cut off', async () => {
    const world = await makeWorld();
    const client = await world.connect(await world.enroll(1));
    for (let part = 0; part < 5; part++) client.socket.send(new Uint8Array(MAX_FRAME_BYTES / 4), { fin: false });

    expect(await client.closed).toBe(1009);
  });

  it('a message that was begun and is not ended counts as silence', async () => {
    const world = await makeWorld();
    const client = await world.connect(await world.enroll(1));
    client.socket.send(new Uint8Array([8]), { fin: false });
    client.socket.ping();
    await world.clock.advance(DEFAULT_LIMITS.idleMs + SWEEP_MS);

    expect(await client.closed).toBe(1006);
    expect(world.gateway.connected()).toEqual([]);
  });

  it('one that does not read what it asks for is cut off with a bounded backlog', async () => {
    const world = await makeWorld({ limits: { sendBufferBytes: 1024 * 1024 } });
    const content = new Uint8Array(randomBytes(500_000));
    await world.store.transaction((w) => w.policy.put([{ name: '1.root.json', sha256: sha256(content), content }], 0));
    const client = await world.connect(await world.enroll(1));
    client.socket.pause();
    for (let times = 0; times < 60; times++) client.send({ type: 'policyRequest', name: '1.root.json', sha256: null });

    await expect.poll(() => world.gateway.connected()).toEqual([]);
    expect(world.seen.at(-1)).toMatchObject({ type: 'host.disconnected', reason: expect.stringContaining('not read') });
  });

  it('one whose network is gone, without a word, is given up after two and a half heartbeats', async () => {
    const world = await makeWorld();
    const client = await world.connect(await world.enroll(1));
    // Neither reads nor answers from here on, and never closes.
    client.socket.pause();
    await world.clock.advance(DEFAULT_LIMITS.idleMs + SWEEP_MS);

    expect(world.gateway.connected()).toEqual([]);
    await expect.poll(() => world.gateway.load().connections).toBe(0);
    await isServed(world, 2);
  });
});

describe('when a host lies about itself', () => {
  it('its name, id and enrolled mode stay what they are; only what it may say of itself changes', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.dial(host);
    client.send({ ...helloOf(host), mode: 'observe', agentVersion: '999.0.0', now: '9999-12-31T23:59:59Z' } as never);
    await client.next();

    expect(await world.store.read.hosts.byId(host.id)).toMatchObject({
      ...{
        name: 'host-1',
        machineId: 'machine-1',
        mode: 'observe',
        agentVersion: '999.0.0',
        lastSeen: world.clock.now().toString(),
      },
    });
  });

  it.each([['1970-01-01T00:00:00Z'], ['9999-12-31T23:59:59Z']])(
    'a report from %s is shown with its own time, and the host was seen at ours',
    async (takenAt) => {
      const world = await makeWorld();
      const host = await world.enroll(1);
      const client = await world.connect(host);
      client.send(durable(INVENTORY, 1, report([], takenAt as never)));
      expect(await client.next()).toMatchObject({ type: 'acknowledgement', sequence: 1n });

      expect(await world.store.read.inventory.latest(host.id)).toMatchObject({ takenAt });
      expect(await world.store.read.hosts.byId(host.id)).toMatchObject({ lastSeen: world.clock.now().toString() });
    },
  );

  it('sections that cost seconds to read cost only it: another host is answered meanwhile', async () => {
    const world = await makeWorld();
    const [hostile, honest] = [await world.enroll(1), await world.enroll(2)];
    const attacker = await world.connect(hostile);
    const witness = await world.connect(honest);
    // A few hundred bytes each: eight megabytes of brackets, two million entries that are all wrong.
    const bombs = ['['.repeat(8_000_000), `[${'{},'.repeat(2_000_000)}{}]`].map((json) => ({
      ...{ type: 'section' as const, name: 'repositories', sha256: sha256(json) },
      zstdJson: new Uint8Array(zstdCompressSync(json)),
    }));
    let handled = 0;
    const all = (async () => {
      for (const [at, bomb] of bombs.entries()) attacker.send(durable(INVENTORY, at + 1, bomb));
      while (handled < bombs.length) if ((await attacker.next()).type === 'acknowledgement') handled += 1;
    })();
    const began = performance.now();
    const waits: number[] = [];
    for (let nonce = 1n; handled < bombs.length; nonce += 1n) {
      const asked = performance.now();
      witness.send({ type: 'ping', nonce });
      expect(await witness.next()).toEqual({ type: 'pong', nonce });
      waits.push(performance.now() - asked);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    await all;
    const took = performance.now() - began;
    const slowest = Math.max(...waits);
    process.stderr.write(
      `hostile sections took ${Math.round(took)} ms; slowest pong of another host ${Math.round(slowest)} ms\n`,
    );

    expect(slowest).toBeLessThan(took / 2);
    expect(await ledger(world)).toEqual(['message.refused', 'message.refused']);
  });

  it('sections that unpack to gigabytes are refused in little memory, and cost it its connection when repeated', async () => {
    const world = await makeWorld({ limits: { refusalBurst: 3 } });
    const host = await world.enroll(1);
    const client = await world.connect(host);
    // RLE blocks: 128 KiB of zeros in 4 bytes. 80,000 of them say 10 GiB in 320 kB.
    const bomb = tenGigabytes();
    const before = process.memoryUsage().rss;
    for (let sequence = 1; sequence <= 5; sequence++) {
      client.send(durable(INVENTORY, sequence, { ...section(), zstdJson: bomb }));
    }
    const codes: string[] = [];
    for (;;) {
      const frame = await client.next().catch(() => null);
      if (frame === null) break;
      if (frame.type === 'problem') codes.push(frame.code);
    }

    expect(codes).toEqual(['FRAME_INVALID', 'FRAME_INVALID', 'FRAME_INVALID', 'FRAME_INVALID', 'RATE_LIMITED']);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
    expect(await ledger(world)).toHaveLength(4);
  });
});

/** A zstd frame (RFC 8878) of RLE blocks without a content size. */
function tenGigabytes(): Uint8Array {
  const blocks = 80_000;
  const size = 128 * 1024;
  const bytes = new Uint8Array(6 + 4 * blocks);
  bytes.set([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]);
  for (let block = 0; block < blocks; block++) {
    const header = (size << 3) | (1 << 1) | (block === blocks - 1 ? 1 : 0);
    bytes.set([header & 255, (header >> 8) & 255, (header >> 16) & 255, 32], 6 + 4 * block);
  }
  expect(zstdCompressSync('x').subarray(0, 4)).toEqual(Buffer.from(bytes.subarray(0, 4)));

  return bytes;
}
