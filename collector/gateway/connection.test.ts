import { MAX_FRAME_BYTES } from '@selvage/shared/wire/wire.ts';
import { describe, expect, it } from 'vitest';
import type { Intake } from '../intake/intake.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { durable, INVENTORY, RESULTS, result, section } from './testing/messages.ts';
import { gate, helloOf, ledger, makeWorld, refusal } from './testing/world.ts';

describe('when a host does not keep to the protocol', () => {
  const cases: readonly [string, (send: (data: Uint8Array | string) => void) => void, string][] = [
    ['bytes that are not protobuf', (send) => send(Buffer.from('GET / HTTP/1.1\r\n')), 'FRAME_INVALID'],
    ['a truncated frame', (send) => send(new Uint8Array([0x22, 9, 8])), 'FRAME_INVALID'],
    ['a text frame', (send) => send('hello'), 'FRAME_INVALID'],
  ];

  it.each(cases)('%s end the connection', async (_what, act, code) => {
    const world = await makeWorld();
    const client = await world.connect(await world.enroll(1));
    act(client.sendRaw);

    expect(await client.next()).toMatchObject({ type: 'problem', code, fatal: true });
    await client.closed;
    expect(world.gateway.connected()).toEqual([]);
  });

  it('a frame over 1 MiB ends the connection before it is there', async () => {
    const world = await makeWorld();
    const client = await world.connect(await world.enroll(1));
    client.sendRaw(new Uint8Array(MAX_FRAME_BYTES + 1));

    // RFC 6455: 1009, message too big.
    expect(await client.closed).toBe(1009);
    expect(world.gateway.connected()).toEqual([]);
  });

  it('a body of a newer protocol is answered and the connection goes on', async () => {
    const world = await makeWorld();
    const client = await world.connect(await world.enroll(1));
    client.sendRaw(new Uint8Array([(15 << 3) | 2, 0]));
    client.send({ type: 'ping', nonce: 1n });

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'FRAME_UNEXPECTED', fatal: false });
    expect(await client.next()).toEqual({ type: 'pong', nonce: 1n });
  });

  it.each([
    [
      'a message before Hello',
      (host: Parameters<typeof helloOf>[0]) => [durable(INVENTORY, 1, section()), helloOf(host)],
    ],
    ['a ping before Hello', () => [{ type: 'ping', nonce: 1n } as const]],
    ['Hello twice', (host: Parameters<typeof helloOf>[0]) => [helloOf(host), helloOf(host)]],
  ])('%s is FRAME_UNEXPECTED', async (_what, frames) => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.dial(host);
    for (const frame of frames(host)) client.send(frame);
    const answers = [await client.next()];
    if (answers[0]?.type === 'welcome') answers.push(await client.next());

    expect(answers.at(-1)).toMatchObject({ type: 'problem', code: 'FRAME_UNEXPECTED', fatal: true });
    await client.closed;
    expect(await world.store.read.streams.position(host.id, INVENTORY)).toBe(0n);
  });

  it('no common version is PROTOCOL_VERSION', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.dial(host);
    client.send({ ...helloOf(host), versions: [2, 3] } as ReturnType<typeof helloOf>);

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'PROTOCOL_VERSION', fatal: true });
  });

  it('no Hello in time closes the connection', async () => {
    const world = await makeWorld();
    const client = await world.dial(await world.enroll(1));
    await world.clock.advance(12_000);

    // A slow host comes back soon: with any other code it would wait for minutes.
    expect(await client.next()).toMatchObject({ type: 'problem', code: 'UNREACHABLE', fatal: true });
    await client.closed;
  });

  it('a Hello that waits for a busy store has come in time', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.dial(host);
    const { promise: free, resolve: letGo } = Promise.withResolvers<void>();
    const holding = world.store.transaction(() => free);
    client.send(helloOf(host));
    await expect.poll(() => world.gateway.load().waiting).toBe(1);
    await world.clock.advance(12_000);
    letGo();
    await holding;

    expect(await client.next()).toMatchObject({ type: 'welcome' });
  });

  it('a result that names another host is recorded, acknowledged, and ends the connection', async () => {
    const world = await makeWorld();
    const [host, other] = [await world.enroll(1), await world.enroll(2)];
    const client = await world.connect(host);
    client.send(durable(RESULTS, 1, result(other, 1)));

    expect(await client.next()).toEqual({ type: 'acknowledgement', stream: RESULTS, sequence: 1n });
    expect(await client.next()).toMatchObject({ type: 'problem', code: 'FRAME_WRONG_HOST', fatal: true });
    await client.closed;
    expect(await ledger(world)).toEqual(['message.refused']);
    expect(await world.store.read.results.ofHost(other.id, 9)).toEqual([]);
  });

  it('the identity on another machine is refused and recorded', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.dial(host);
    client.send({ ...helloOf(host), machineId: 'machine-9' } as ReturnType<typeof helloOf>);

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'HOST_QUARANTINED', fatal: true });
    await client.closed;
    expect(await ledger(world)).toEqual(['host.quarantined']);
    expect(world.gateway.connected()).toEqual([]);
  });

  it('a gap in the sequence ends the connection; the next Hello says where to go on', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.connect(host);
    client.send(durable(INVENTORY, 2, section()));
    expect(await client.next()).toMatchObject({ type: 'problem', code: 'FRAME_UNEXPECTED', fatal: true });
    await client.closed;

    const again = await world.connect(host, [{ stream: INVENTORY, sequence: 0n }]);
    expect(again.welcome).toMatchObject({ streams: [{ stream: INVENTORY, sequence: 0n }] });
  });
});

describe('when a host sends too much', () => {
  it('frames beyond the rate are RATE_LIMITED with the time to wait', async () => {
    const world = await makeWorld({ limits: { frameBurst: 5, framesPerSecond: 1 } });
    const host = await world.enroll(1);
    const client = await world.connect(host);
    for (let nonce = 1n; nonce <= 5n; nonce++) client.send({ type: 'ping', nonce });
    const answers = [];
    for (let count = 0; count < 5; count++) answers.push(await client.next());

    expect(answers.slice(0, 4).map(({ type }) => type)).toEqual(['pong', 'pong', 'pong', 'pong']);
    expect(answers[4]).toMatchObject({ type: 'problem', code: 'RATE_LIMITED', fatal: true, retryAfterMs: 1000 });
    await client.closed;

    // Coming back does not fill the bucket again.
    const again = await world.dial(host);
    again.send(helloOf(host));
    expect(await again.next()).toMatchObject({ type: 'problem', code: 'RATE_LIMITED' });
  });

  it('bytes beyond the rate are RATE_LIMITED', async () => {
    const world = await makeWorld({ limits: { byteBurst: 100_000, bytesPerSecond: 10_000 } });
    const client = await world.connect(await world.enroll(1));
    client.send(durable(INVENTORY, 1, { ...section(), zstdJson: new Uint8Array(150_000) }));

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'RATE_LIMITED', fatal: true });
  });

  it('what a message unpacks to counts as bytes too: 200 bytes may not keep everybody waiting', async () => {
    const world = await makeWorld({ limits: { byteBurst: 100_000, bytesPerSecond: 10_000 } });
    const host = await world.enroll(1);
    const client = await world.connect(host);
    const bomb = section('reboot', {
      required: false,
      reasons: Array.from({ length: 9000 }, () => 'kernel kernel kernel'),
    });
    client.send(durable(INVENTORY, 1, bomb));

    expect(bomb.zstdJson.length).toBeLessThan(500);
    expect(await client.next()).toMatchObject({ type: 'acknowledgement', sequence: 1n });
    client.send({ type: 'ping', nonce: 1n });
    expect(await client.next()).toMatchObject({ type: 'problem', code: 'RATE_LIMITED', fatal: true });
    await client.closed;
  });

  it('WebSocket pings count too and are not answered', async () => {
    const world = await makeWorld({ limits: { frameBurst: 5, framesPerSecond: 1 } });
    const client = await world.connect(await world.enroll(1));
    let pongs = 0;
    client.socket.on('pong', () => (pongs += 1));
    for (let count = 0; count < 5; count++) client.socket.ping();

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'RATE_LIMITED' });
    expect(pongs).toBe(0);
  });

  it('connections beyond the rate get 429 and Retry-After', async () => {
    const world = await makeWorld({ limits: { connectBurst: 1, connectsPerMinute: 6 } });
    const host = await world.enroll(1);
    await world.dial(host);
    expect(await refusal(world.dial(host))).toMatchObject({ status: 429, code: 'RATE_LIMITED', retryAfter: '10' });

    await world.clock.advance(10_000);
    await world.connect(host);
  });

  it('refused messages cannot fill the ledger', async () => {
    const world = await makeWorld({ limits: { refusalBurst: 3 } });
    const host = await world.enroll(1);
    const client = await world.connect(host);
    for (let sequence = 1; sequence <= 10; sequence++) client.send(durable(RESULTS, sequence, section()));
    const codes: string[] = [];
    for (let frame = await client.next(); ; frame = await client.next()) {
      if (frame.type === 'problem') codes.push(frame.code);
      if (frame.type === 'problem' && frame.fatal) break;
    }

    expect(codes.at(-1)).toBe('RATE_LIMITED');
    expect(await ledger(world)).toHaveLength(4);
  });

  it('while intake works, its socket is not read beyond the window', async () => {
    const running = gate();
    let accepted = 0;
    const world = await makeWorld({
      limits: { inFlight: 4 },
      intake: (_store, real): Intake => ({
        ...real,
        accept: async (host, message) => {
          accepted += 1;
          await running.opened;

          return real.accept(host, message);
        },
      }),
    });
    const host = await world.enroll(1);
    const client = await world.connect(host);
    // Far more than socket buffers of both sides hold: what is not read stays with the sender.
    const big = { ...section(), zstdJson: new Uint8Array(900_000) };
    for (let sequence = 1; sequence <= 30; sequence++) client.send(durable(INVENTORY, sequence, big));
    await world.gateway.connected();
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(accepted).toBe(1);
    expect(client.socket.bufferedAmount).toBeGreaterThan(10_000_000);

    // Silence that we cause ourselves is no reason to close.
    await world.clock.advance(2 * DEFAULT_LIMITS.idleMs);
    running.open();
    for (let count = 0; count < 60; ) {
      const frame = await client.next();
      if (frame.type === 'acknowledgement' && frame.sequence === 20n) break;
      count += 1;
    }
    expect(await world.store.read.streams.position(host.id, INVENTORY)).toBeGreaterThanOrEqual(20n);
  });
});

describe('when a host falls silent', () => {
  it('it is taken for gone after two and a half heartbeats', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.connect(host);
    await world.clock.advance(DEFAULT_LIMITS.idleMs * 0.8);
    client.send({ type: 'ping', nonce: 1n });
    await client.next();
    await world.clock.advance(DEFAULT_LIMITS.idleMs * 0.8);
    expect(world.gateway.connected()).toEqual([host.id]);

    await world.clock.advance(DEFAULT_LIMITS.idleMs * 0.2 + 2000);
    expect(world.gateway.connected()).toEqual([]);
    expect(world.seen.at(-1)).toMatchObject({ type: 'host.disconnected', host: host.id });
    await client.closed;
  });
});
