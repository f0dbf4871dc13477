// An update agent of another make hung for 15 days in `apt-get update`, behind a server that took the connection and never answered.
// Here: the real apt-get against such servers. It is ended at its deadline with all it started, it is said which repository it was and
// that the number of updates is unknown, the lock is free again, and the next refresh works.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { needs } from '@selvage/shared/testing/needs.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { GONE, PARTS, REFRESH, refreshBeside, useArchive } from './testing/archive.ts';

/** Two seconds to end orderly, and a busy machine. */
const LATE_MS = 30_000;
const BYTE_EVERY_MS = 1000;

needs(PARTS, 'a server that never comes to an end', () => {
  const { host, archive, served } = useArchive();
  const servers: (() => void)[] = [];
  afterEach(() => {
    for (const close of servers.splice(0)) close();
  });

  const urlOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  /** Takes connections and says nothing. */
  async function silent(): Promise<string> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });

    return urlOf(server);
  }

  /** Answers a byte a second: no time-out for silence ever ends it. */
  async function dripping(): Promise<string> {
    const server = createHttp((_, response) => {
      response.writeHead(200, { 'content-length': '100000' });
      const timer = setInterval(() => response.write('x'), BYTE_EVERY_MS);
      response.on('close', () => clearInterval(timer));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(() => {
      server.closeAllConnections();
      server.close();
    });

    return urlOf(server);
  }

  describe.each([
    ['that takes the connection and never answers', silent],
    ['that drips a byte a second', dripping],
  ] as const)('one %s', (_, start) => {
    it('is ended at the deadline, named, and leaves nothing behind', async () => {
      const url = await start();
      const made = host(archive().sources({ uri: served().url, suites: ['bookworm'] }));
      made.source('hung.sources', archive().sources({ uri: url, suites: ['bookworm-security'] }));
      const { repositories, deadline, tookMs } = await refreshBeside(() => made.observer(), served().url);
      const good = repositories.find(({ uri }) => uri === served().url);
      const hung = repositories.find(({ uri }) => uri === url);

      expect(tookMs).toBeLessThan(deadline + LATE_MS);
      expect(good?.problem).toBeNull();
      expect(hung?.problem).toMatchObject({
        code: 'PROCESS_DEADLINE',
        reason: expect.stringContaining('did not end within'),
      });
      await expect.poll(() => processesOf(made.stateDir), GONE).toEqual([]);
      // Unknown, with its reason; not "0 updates".
      const known = await made.observer().repositories();
      expect(known.find((repository) => repository.uri === url)?.problem?.code).toBe('PROCESS_DEADLINE');

      made.source('hung.sources', '');
      const again = await made.observer().refresh(REFRESH);
      expect(again.filter(({ uri }) => uri === served().url).map(({ problem }) => problem)).toEqual([null]);
    });
  });
});

/** Command lines of processes that work on the lists of this host. */
function processesOf(stateDir: string): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const isOurs = readFileSync(`/proc/${pid}/environ`, 'utf8').includes(stateDir);

      return isOurs ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8')] : [];
    } catch {
      // Ended, or of another user: then it is not one of ours.
      return [];
    }
  });
}
