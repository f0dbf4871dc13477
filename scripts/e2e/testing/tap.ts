// A wire between agent and collector that a test can watch and hold: TCP is passed on as it is, TLS stays end to end.
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll } from 'vitest';

export interface Tap {
  readonly url: string;
  /** Bytes towards the collector that its process has read from its socket; null while some are under way. */
  taken(): Promise<number | null>;
  /** From now on nothing reaches the agent. */
  holdAnswers(): void;
  /** Passes answers on again, for connections to come: those that were held are cut. */
  release(): void;
}

const close: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const each of close) await each();
});

export async function tapTo(port: number): Promise<Tap> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let sent = 0;
  let held = false;
  const server = createServer((agent) => {
    const collector = connect(port, '127.0.0.1');
    const pair = [agent, collector] as const;
    pairs.add(pair);
    agent.on('data', (chunk) => {
      sent += chunk.length;
      collector.write(chunk);
    });
    collector.on('data', (chunk) => {
      if (!held) agent.write(chunk);
    });
    const end = () => {
      pairs.delete(pair);
      agent.destroy();
      // What the collector's end looks like is not told while answers are held: the agent must not learn of its death.
      collector.destroy();
    };
    for (const socket of pair) socket.on('close', end).on('error', end);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const pair of pairs) for (const socket of pair) socket.destroy();
      }),
  );

  return {
    url: `wss://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken: async () => {
      const before = sent;
      const buffered = [...pairs].some(([, collector]) => collector.writableLength > 0);
      const unread = await queued(port);

      return buffered || unread ? null : before;
    },
    holdAnswers: () => {
      held = true;
    },
    release: () => {
      held = false;
      for (const pair of pairs) for (const socket of pair) socket.destroy();
    },
  };
}

/** True when the kernel holds bytes on loopback that went to or from `port` and nobody has read (proc(5), net/tcp). */
async function queued(port: number): Promise<boolean> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = (await readFile('/proc/net/tcp', 'utf8')).trim().split('\n').slice(1);

  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local, remote]) => local?.endsWith(`:${hex}`) || remote?.endsWith(`:${hex}`))
    .some(([, , , , queues]) => queues !== '00000000:00000000');
}
