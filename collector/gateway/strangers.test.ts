import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { fc } from '@selvage/shared/testing/properties.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { AT } from '../store/samples.ts';
import { networkOf } from './strangers.ts';
import { makeWorld, type World } from './testing/world.ts';

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** True when the gateway lets the socket begin a handshake, false when it closes it at once. */
async function isLetIn(world: World, from: string, hold = false): Promise<boolean> {
  const { accepted, shedding } = world.gateway.load();
  const socket = connect({ port: world.gateway.port, host: '127.0.0.1', localAddress: from });
  open.push(socket);
  socket.on('error', () => undefined);
  await expect
    .poll(() => world.gateway.load().accepted + world.gateway.load().shedding, { interval: 1 })
    .toBeGreaterThan(accepted + shedding);
  const letIn = world.gateway.load().accepted > accepted;
  if (letIn && !hold) {
    socket.destroy();
    await expect.poll(() => world.gateway.load().strangers, { interval: 1 }).toBe(0);
  }

  return letIn;
}

async function howMany(world: World, from: string, tries: number): Promise<number> {
  let letIn = 0;
  for (let turn = 0; turn < tries; turn++) if (await isLetIn(world, from)) letIn += 1;

  return letIn;
}

const limits = {
  strangersPerAddressPerSecond: 1,
  strangerBurstPerAddress: 4,
  strangersPerSecond: 5,
  strangerBurst: 10,
};

describe('when strangers come without end', () => {
  it('an address gets its burst, then its rate; another address does not notice', async () => {
    const world = await makeWorld({ limits });

    expect(await howMany(world, '127.0.0.2', 8)).toBe(4);
    expect(await howMany(world, '127.0.0.3', 2)).toBe(2);
    await world.clock.advance(2000);
    expect(await howMany(world, '127.0.0.2', 4)).toBe(2);
    expect(world.gateway.load()).toMatchObject({ accepted: 8, shedding: 6 });
  });

  it('all addresses together get the rate of all: a thousand of them are not a thousand times as much', async () => {
    const world = await makeWorld({ limits });
    let letIn = 0;
    for (let last = 2; last < 22; last++) letIn += await howMany(world, `127.0.0.${last}`, 1);

    expect(letIn).toBe(10);
  });

  it('hosts come in from elsewhere and from the same address, and give back what they took', async () => {
    const world = await makeWorld({ limits: { ...limits, connectBurst: 100 } });
    const far = await world.enroll(1);
    // More reconnections of a host than its address may have strangers, at once, cost nothing: each proves itself.
    for (let turn = 0; turn < 50; turn++) {
      const client = await world.connect({ ...far, from: '127.0.0.8' });
      client.socket.close();
      await client.closed;
    }
    for (let last = 30; last < 50; last++) await isLetIn(world, `127.0.0.${last}`);
    expect(await isLetIn(world, '127.0.0.60')).toBe(false);

    // The rate of all is used up, but hosts have come from there before.
    const client = await world.connect({ ...far, from: '127.0.0.8' });
    expect(client.welcome).toMatchObject({ type: 'welcome' });
    // Strangers behind the same address have ten times as much there, so they cannot lock the host out with a few.
    expect(await howMany(world, '127.0.0.8', 30)).toBe(30);
    const again = await world.connect({ ...far, from: '127.0.0.8' });
    expect(again.welcome).toMatchObject({ type: 'welcome' });
  });

  it('who redeems a token is a host: it gives back what it took, and the others behind its address come sooner', async () => {
    let status = 200;
    const routes = (request: IncomingMessage, response: ServerResponse) => {
      request.resume();
      response.writeHead(status, { connection: 'close' }).end();

      return true;
    };
    const world = await makeWorld({ limits, routes });
    const ask = async (method: string, path: string) => {
      const tls = { rejectUnauthorized: false, localAddress: '127.0.0.2' };
      const sent = request({ host: '127.0.0.1', port: world.gateway.port, agent: false, method, path, ...tls });
      sent.end();
      const [response] = await once(sent, 'response');
      response.resume();
      await once(response, 'close');
      await expect.poll(() => world.gateway.load().strangers, { interval: 1 }).toBe(0);
    };

    // First contact and a refusal welcome nobody.
    await ask('GET', '/v1/trust');
    status = 403;
    await ask('POST', '/v1/enroll');
    expect(await howMany(world, '127.0.0.2', 3)).toBe(2);
    await world.clock.advance(1000);
    status = 200;
    await ask('POST', '/v1/enroll');

    expect(await howMany(world, '127.0.0.2', 41)).toBe(40);
  });

  it('after a restart the addresses that hosts last came from are still known', async () => {
    const world = await makeWorld({ limits });
    const host = await world.enroll(1);
    await world.connect({ ...host, from: '127.0.0.9' });
    const restarted = { ...world, gateway: await world.restart() };
    for (let last = 30; last < 50; last++) await isLetIn(restarted, `127.0.0.${last}`);
    expect(await isLetIn(restarted, '127.0.0.61')).toBe(false);

    const client = await world.connect({ ...host, from: '127.0.0.9' }, [], restarted.gateway);
    expect(client.welcome).toMatchObject({ type: 'welcome' });
  });

  it('after a restart the address of a revoked host is one of strangers', async () => {
    const world = await makeWorld({ limits });
    const host = await world.enroll(1);
    await world.connect({ ...host, from: '127.0.0.9' });
    await world.store.transaction(({ hosts }) => hosts.revoke(host.id, AT));
    const restarted = { ...world, gateway: await world.restart() };
    for (let last = 30; last < 50; last++) await isLetIn(restarted, `127.0.0.${last}`);

    expect(await isLetIn(restarted, '127.0.0.9')).toBe(false);
  });

  it('sockets that are held open count until they close', async () => {
    const world = await makeWorld({ limits: { ...limits, unauthenticatedPerAddress: 2 } });
    expect([await isLetIn(world, '127.0.0.2', true), await isLetIn(world, '127.0.0.2', true)]).toEqual([true, true]);
    expect(await isLetIn(world, '127.0.0.2')).toBe(false);
    const [first] = open;
    first?.destroy();
    if (first) await once(first, 'close');
    await expect.poll(() => world.gateway.load().strangers).toBe(1);

    expect(await isLetIn(world, '127.0.0.2', true)).toBe(true);
  });
});

describe('when there are more addresses than are remembered', () => {
  const few = {
    ...limits,
    addresses: 1,
    unauthenticatedPerAddress: 2,
    strangerBurst: 1000,
    strangerBurstPerAddress: 100,
  };

  it('what came meanwhile is forgotten when it goes: the addresses after it are not locked out', async () => {
    const world = await makeWorld({ limits: { ...few, addresses: 2 } });
    for (let turn = 1; turn <= 3; turn++) {
      for (const network of [1, 2, 3]) expect(await isLetIn(world, `127.0.${network}.${turn}`, true)).toBe(true);
      const [first, second, third] = open.splice(-3);
      first?.destroy();
      second?.destroy();
      await expect.poll(() => world.gateway.load().strangers, { interval: 1 }).toBe(1);
      // The first two addresses are forgotten, so that there is room when the third one goes.
      await world.clock.advance(4000);
      third?.destroy();
      await expect.poll(() => world.gateway.load().strangers, { interval: 1 }).toBe(0);
      await world.clock.advance(4000);
    }
  });

  it('a host that comes in nevertheless has its own address from then on, with nothing on it of the others', async () => {
    const world = await makeWorld({ limits: few });
    const host = await world.enroll(1);
    expect([await isLetIn(world, '127.0.1.1', true), await isLetIn(world, '127.0.1.2', true)]).toEqual([true, true]);
    await world.connect({ ...host, from: '127.0.0.9' });
    expect(await isLetIn(world, '127.0.0.9', true)).toBe(true);

    expect(await isLetIn(world, '127.0.0.9', true)).toBe(true);
  });
});

describe('when addresses are told apart', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::1%eth0', 'fe80:0:0:0'],
    ['', ''],
  ])('%s is %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('every address of one /64 is one', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        if (address.includes('.')) return;
        expect(networkOf(address).split(':')).toHaveLength(4);
      }),
    );
  });
});
