import { once } from 'node:events';
import { get } from 'node:https';
import { connect as tlsConnect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { durable, RESULTS, result } from './testing/messages.ts';
import { gate, helloOf, makeAuthority, makeHost, makeWorld, NOW, refusal } from './testing/world.ts';

describe('when somebody connects who may not', () => {
  it.each([
    ['no certificate', () => null, 'UNAUTHENTICATED'],
    ['a certificate of another CA', () => makeHost(makeAuthority('hosts'), 1), 'CERTIFICATE_INVALID'],
  ])('%s gets 401 and nothing is looked up', async (_what, make, code) => {
    const world = await makeWorld();
    await world.enroll(1);

    expect(await refusal(world.dial(make()))).toMatchObject({ status: 401, code });
    expect(world.gateway.connected()).toEqual([]);
  });

  it('a host that was never enrolled here gets 401', async () => {
    const world = await makeWorld();

    expect(await refusal(world.dial(makeHost(world.authority, 5)))).toMatchObject({
      status: 401,
      code: 'CERTIFICATE_INVALID',
    });
  });

  it('a revoked host gets 401 and HOST_REVOKED', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    await world.store.transaction((w) => w.hosts.revoke(host.id, NOW));

    expect(await refusal(world.dial(host))).toMatchObject({ status: 401, code: 'HOST_REVOKED' });
  });

  it('TLS 1.2 is refused in the handshake', async () => {
    const world = await makeWorld();
    const socket = tlsConnect({
      port: world.gateway.port,
      host: '127.0.0.1',
      ca: world.authority.certificate,
      maxVersion: 'TLSv1.2',
    });
    const [error] = await once(socket, 'error');

    expect(String(error.code)).toContain('PROTOCOL_VERSION');
  });

  it('another path is refused, also for an enrolled host', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const socket = new WebSocket(`${world.gateway.url}/v1/other`, {
      ca: world.authority.certificate,
      key: host.key,
      cert: host.cert,
    });
    const [, response] = await once(socket, 'unexpected-response');
    socket.on('error', () => undefined);
    socket.terminate();

    expect(response.statusCode).toBe(404);
  });

  it('plain requests reach the enrollment routes without a certificate, and nothing else', async () => {
    const world = await makeWorld({
      routes: (request, response) => {
        if (request.url !== '/v1/trust') return false;
        response.end('trust');

        return true;
      },
    });
    const status = async (path: string) => {
      const request = get({
        port: world.gateway.port,
        host: '127.0.0.1',
        path,
        ca: world.authority.certificate,
        agent: false,
      });
      const [response] = await once(request, 'response');
      response.resume();

      return response.statusCode;
    };

    expect([await status('/v1/trust'), await status('/v1/hosts')]).toEqual([200, 404]);
  });

  it('strangers that only hold a socket open are limited per address; hosts are not counted among them', async () => {
    const world = await makeWorld({ limits: { unauthenticatedPerAddress: 2 } });
    const hosts = [await world.enroll(1), await world.enroll(2), await world.enroll(3)];
    for (const host of hosts) await world.connect(host);
    expect(world.gateway.connected()).toHaveLength(3);

    const open = () => tlsConnect({ port: world.gateway.port, host: '127.0.0.1', ca: world.authority.certificate });
    const held = [open(), open()];
    await Promise.all(held.map((socket) => once(socket, 'secureConnect')));
    const third = open();
    const [error] = await new Promise<unknown[]>((resolve) => third.once('error', (...all) => resolve(all)));
    expect(error).toMatchObject({ code: 'ECONNRESET' });
    for (const socket of held) socket.destroy();
  });
});

describe('when a host is revoked', () => {
  it('its live connection is closed at once and what is queued is not taken', async () => {
    const running = gate();
    const entered = gate();
    const world = await makeWorld({
      intake: (_store, real) => ({
        ...real,
        accept: async (host, message) => {
          entered.open();
          await running.opened;

          return real.accept(host, message);
        },
      }),
    });
    const host = await world.enroll(1);
    const client = await world.connect(host);
    client.send(durable(RESULTS, 1, result(host, 1)));
    client.send(durable(RESULTS, 2, result(host, 2)));
    await entered.opened;
    await world.store.transaction((w) => w.hosts.revoke(host.id, NOW));
    world.gateway.disconnectHost(host.id, 'HOST_REVOKED');
    running.open();

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'HOST_REVOKED', fatal: true });
    await client.closed;
    expect(world.gateway.connected()).toEqual([]);
    expect(await world.store.read.streams.position(host.id, RESULTS)).toBe(0n);
    expect(await refusal(world.dial(host))).toMatchObject({ code: 'HOST_REVOKED' });
  });

  it('what waits when it is disconnected is not taken, even if the store does not know yet', async () => {
    const running = gate();
    const entered = gate();
    const world = await makeWorld({
      intake: (_store, real) => ({
        ...real,
        accept: async (host, message) => {
          entered.open();
          await running.opened;

          return real.accept(host, message);
        },
      }),
    });
    const host = await world.enroll(1);
    const client = await world.connect(host);
    for (const number of [1, 2, 3]) client.send(durable(RESULTS, number, result(host, number)));
    await entered.opened;
    // All three have arrived when the answer to this one has.
    client.send({ type: 'ping', nonce: 1n });
    await client.next();
    world.gateway.disconnectHost(host.id, 'HOST_REVOKED');
    running.open();
    await client.closed;
    await world.gateway.close();

    expect(await world.store.read.streams.position(host.id, RESULTS)).toBe(1n);
  });

  it('between the upgrade and Hello, it is not welcomed', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.dial(host);
    await world.store.transaction((w) => w.hosts.revoke(host.id, NOW));
    client.send(helloOf(host));

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'HOST_REVOKED', fatal: true });
  });

  it('a connection that has not said hello is closed too', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.dial(host);
    world.gateway.disconnectHost(host.id, 'HOST_REVOKED');

    expect(await client.next()).toMatchObject({ type: 'problem', code: 'HOST_REVOKED' });
    await client.closed;
  });
});

describe('when a host connects twice', () => {
  it('the newest connection wins, the older one is told and closed', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const first = await world.connect(host);
    const second = await world.connect(host);

    expect(await first.next()).toMatchObject({
      type: 'problem',
      code: 'ALREADY_EXISTS',
      fatal: true,
      retryAfterMs: 60_000,
    });
    await first.closed;
    second.send({ type: 'ping', nonce: 1n });
    expect(await second.next()).toEqual({ type: 'pong', nonce: 1n });
    expect(world.gateway.connected()).toEqual([host.id]);
  });

  it('no more than two are open at any time, said hello or not', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const first = await world.dial(host);
    await world.dial(host);
    await world.dial(host);

    expect(await first.next()).toMatchObject({ type: 'problem', code: 'ALREADY_EXISTS' });
    await first.closed;
  });
});
