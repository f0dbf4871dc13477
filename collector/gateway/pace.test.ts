import { once } from 'node:events';
import { createServer } from 'node:https';
import { connect, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { paceHandshakes } from './pace.ts';
import { makeWorld } from './testing/world.ts';

const PER_TURN = 4;

/** A server whose handshakes are only noted. */
function paced() {
  const server = createServer();
  const begun: Socket[] = [];
  server.removeAllListeners('connection');
  server.on('connection', (socket) => begun.push(socket));
  paceHandshakes(server, PER_TURN);

  return { begun, come: (socket: Socket) => void server.emit('connection', socket) };
}

describe('when many connections come in one turn of the event loop', () => {
  it('a few begin in each turn, in the order in which they came, and none is forgotten', async () => {
    const { begun, come } = paced();
    const sockets = Array.from({ length: 10 }, () => new Socket());
    for (const socket of sockets) come(socket);
    const counts = [begun.length];
    for (let turns = 0; turns < 4; turns++) {
      await turn();
      counts.push(begun.length);
    }

    expect(counts).toEqual([0, 4, 8, 10, 10]);
    expect(begun).toEqual(sockets);
    come(new Socket());
    await turn();
    expect(begun).toHaveLength(11);
  });

  it('those that have gone, or were shed, take nobody’s turn', async () => {
    const { begun, come } = paced();
    const sockets = Array.from({ length: 9 }, () => new Socket());
    for (const socket of sockets) come(socket);
    // As the system says that the other side has reset it: nobody else listens yet.
    for (const socket of sockets.slice(0, 6)) socket.destroy(new Error('read ECONNRESET'));
    await turn();

    expect(begun).toEqual(sockets.slice(6));
  });
});

describe('when connections are reset before their handshake', () => {
  it('the gateway goes on', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    for (let count = 0; count < 50; count++) {
      const socket = connect({ port: world.gateway.port, host: '127.0.0.1' });
      socket.once('connect', () => socket.resetAndDestroy());
      await once(socket, 'close');
    }
    const client = await world.connect(host);

    expect(client.welcome).toMatchObject({ type: 'welcome' });
    await expect.poll(() => world.gateway.load().strangers).toBe(0);
  });
});
