// Ten thousand handshakes of strangers while hosts are connected: from elsewhere, and from behind the same address.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { createRun } from '@selvage/shared/exec/run.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { describe, expect, it } from 'vitest';
import { durable, RESULTS, result } from './testing/messages.ts';
import { makeWorld, type World } from './testing/world.ts';

const DEADLINE_MS = 100_000;
const CHILD = fileURLToPath(new URL('./testing/handshakes.mjs', import.meta.url));

/** What a true client says first, caught from one. */
async function clientHello(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const client = tlsConnect({ port, host: '127.0.0.1', minVersion: 'TLSv1.3' });
  client.on('error', () => undefined);
  const [socket] = await once(server, 'connection');
  const [bytes] = await once(socket, 'data');
  client.destroy();
  server.close();

  return (bytes as Buffer).toString('hex');
}

async function flood(world: World, from: string, count: number): Promise<{ answered: number; closed: number }> {
  const args = [CHILD, String(world.gateway.port), from, String(count), await clientHello()];
  const { stdout } = await createRun(process.env)({
    file: process.execPath,
    args,
    deadlineMs: DEADLINE_MS,
    outputLimit: 10_000,
    check: true,
  });

  return JSON.parse(stdout) as { answered: number; closed: number };
}

describe('when ten thousand handshakes come without a certificate', () => {
  it.each([
    ['elsewhere', '127.0.0.7', 10_000],
    ['the same address', '127.0.0.2', 4000],
  ])('from %s, a connected host is served all the time and the rest is shed', async (_where, from, count) => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const client = await world.connect({ ...host, from: '127.0.0.2' });
    let over = false;
    const flooding = flood(world, from, count).finally(() => {
      over = true;
    });
    const waits: number[] = [];
    let number = 0;
    while (!over) {
      number += 1;
      const began = systemClock.monotonic();
      client.send(durable(RESULTS, number, result(host, number)));
      expect(await client.next()).toEqual({ type: 'acknowledgement', stream: RESULTS, sequence: BigInt(number) });
      waits.push(systemClock.monotonic() - began);
      await systemClock.sleep(25);
    }
    const { answered, closed } = await flooding;
    const load = world.gateway.load();
    process.stderr.write(
      `flood from ${from}: ${answered} answered, ${closed} shed; p99 of the loop ${load.eventLoop.p99Ms} ms; ` +
        `${waits.length} acknowledgements, slowest ${Math.round(Math.max(...waits))} ms\n`,
    );

    expect(answered + closed).toBe(count);
    // Burst and rate of the address: a host came from one of them.
    expect(answered).toBeLessThan(from === '127.0.0.2' ? 2700 : 300);
    expect(load.shedding).toBe(closed);
    expect(waits.length).toBeGreaterThan(5);

    // What comes now is let in: from elsewhere at once, from the flooded address when a little time has passed.
    await world.clock.advance(2000);
    const other = await world.enroll(2);
    expect((await world.connect({ ...other, from: '127.0.0.2' })).welcome).toMatchObject({ type: 'welcome' });
  });
});
