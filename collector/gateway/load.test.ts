import { describe, expect, it } from 'vitest';
import { durable, INVENTORY, RESULTS, result, section } from './testing/messages.ts';
import { makeAuthority, makeHost, makeWorld, refusal } from './testing/world.ts';

describe('when the gateway is asked for its load', () => {
  it('it has counted what came, what it answered and whom it refused, by code', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    await refusal(world.dial(null));
    await refusal(world.dial(makeHost(makeAuthority(), 1)));
    const client = await world.connect(host);
    client.send(durable(RESULTS, 1, result(host, 1)));
    client.send(durable(INVENTORY, 1, { ...section(), zstdJson: new Uint8Array([1]) }));
    client.send({ type: 'ping', nonce: 1n });
    for (let frame = await client.next(); frame.type !== 'pong'; ) frame = await client.next();
    // Frames are handled in order: the answer to this one comes after the acknowledgements.
    client.send({ type: 'policyRequest', name: 'none', sha256: null });
    for (let frame = await client.next(); frame.type !== 'policyFile'; ) frame = await client.next();

    const load = world.gateway.load();
    expect(load).toMatchObject({
      ...{ connections: 1, strangers: 0, accepted: 3, shedding: 0, handshakes: 3, handshakesFailed: 0 },
      // Hello, result, section, ping, request; Welcome, two acknowledgements, a problem, pong, file.
      ...{ framesIn: 5, framesOut: 6, commits: 2, waiting: expect.any(Number) },
      refused: { UNAUTHENTICATED: 1, CERTIFICATE_INVALID: 1, FRAME_INVALID: 1 },
    });
    expect(load.bytesIn).toBeGreaterThan(300);
    expect(load.residentBytes).toBeGreaterThan(20_000_000);
    expect(load.eventLoop.maxMs).toBeGreaterThanOrEqual(load.eventLoop.p50Ms);

    client.socket.close();
    await client.closed;
    await expect.poll(() => world.gateway.load()).toMatchObject({ connections: 0, waiting: 0 });
  });
});
