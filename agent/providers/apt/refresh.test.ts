import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { describe, expect, it } from 'vitest';
import { serveRepository } from '../../../scripts/lab/serving.ts';
import {
  filesBelow,
  GONE,
  PARTS,
  problemsOf as problems,
  REFRESH,
  refreshBeside,
  STATUS,
  useArchive,
} from './testing/archive.ts';
import { type TestHost, testUser } from './testing/host.ts';

needs(PARTS, 'a host whose servers misbehave', () => {
  const { host, archive, served } = useArchive();

  describe('when the server refuses', () => {
    it.each([
      ['401', 'REPOSITORY_NOT_ENTITLED'],
      ['403', 'REPOSITORY_NOT_ENTITLED'],
      ['404', 'REPOSITORY_GONE'],
      ['500', 'REPOSITORY_UNREACHABLE'],
      ['close', 'REPOSITORY_UNREACHABLE'],
    ] as const)('gives its verdict for %s and keeps that of the other', async (how, code) => {
      const own = await serveRepository(archive());
      own.answer(how, /bookworm-security/);
      const [good, bad] = await host(archive().sources({ uri: own.url }))
        .observer()
        .refresh(REFRESH);
      await own.close();

      expect(good?.problem).toBeNull();
      expect(bad?.problem?.code).toBe(code);
    });

    it('believes the list of before for its time when the server is only away', async () => {
      const own = await serveRepository(archive());
      const made = host(archive().sources({ uri: own.url }));
      await made.observer().refresh(REFRESH);
      await own.close();
      const after = await made.observer().refresh(REFRESH);
      const late = fakeClock(systemClock.now().add({ hours: 25 }).toString());

      expect(after.map(({ problem, lastError }) => [problem, lastError?.code])).toEqual([
        [null, 'REPOSITORY_UNREACHABLE'],
        [null, 'REPOSITORY_UNREACHABLE'],
      ]);
      expect(await problems(made.observer({ clock: late }))).toEqual([
        ['bookworm', 'REPOSITORY_UNREACHABLE'],
        ['bookworm-security', 'REPOSITORY_UNREACHABLE'],
      ]);
    });

    it('tells the one of three that fails, on the same address but a dead port, from the two that work', async () => {
      const made = host(
        `${archive().sources({ uri: served().url })}\n${archive().sources({ uri: 'http://127.0.0.1:1/gone', suites: ['bookworm'] })}`,
      );
      const found = await made.observer().refresh(REFRESH);

      expect(found.map(({ uri, problem }) => [uri, problem?.code ?? null])).toEqual([
        [served().url, null],
        [served().url, null],
        ['http://127.0.0.1:1/gone', 'REPOSITORY_UNREACHABLE'],
      ]);
      expect((await made.observer().pending()).length).toBeGreaterThan(0);
    });

    it('ends a hung refresh at its deadline, keeps what came and leaves no process', async () => {
      const hung = await serveRepository(archive());
      hung.answer('hang', /bookworm-security/);
      const made = host(
        `${archive().sources({ uri: served().url, suites: ['bookworm'] })}\n${archive().sources({ uri: hung.url, suites: ['bookworm-security'] })}`,
      );
      const { repositories } = await refreshBeside(() => made.observer(), served().url);
      const [good, late] = repositories;

      expect(good?.problem).toBeNull();
      expect(late?.problem?.code).toBe('PROCESS_DEADLINE');
      // While the server still hangs: nothing there ends by itself.
      await expect.poll(() => running(made.stateDir), GONE).toEqual([]);
      await hung.close();
    });
  });

  describe('when the agent is killed in a refresh', () => {
    it('leaves no hung apt-get behind, and the next refresh works', async () => {
      const hung = await serveRepository(archive());
      hung.answer('hang');
      const made = host(archive().sources({ uri: hung.url }));
      const child = spawn(process.execPath, ['--input-type=module', '-e', refreshing(made)], { stdio: 'ignore' });
      await expect.poll(() => hung.requests.length).toBeGreaterThan(0);
      expect(running(made.stateDir)).not.toEqual([]);
      child.kill('SIGKILL');
      await once(child, 'exit');

      await expect.poll(() => running(made.stateDir), GONE).toEqual([]);
      hung.answer('ok');
      const found = await made.observer().refresh(REFRESH);
      await hung.close();

      expect(found.map(({ problem }) => problem)).toEqual([null, null]);
    });
  });

  describe('when a refresh runs while updates are asked for', () => {
    it('answers from all sources, not from those that are just being asked', async () => {
      const hung = await serveRepository(archive());
      const made = host(archive().sources({ uri: served().url, suites: ['bookworm'] }));
      made.source('other.sources', archive().sources({ uri: hung.url, suites: ['bookworm-security'] }));
      await made.observer().refresh(REFRESH);
      const before = (await made.observer().pending()).map(({ name }) => name);
      hung.answer('hang');
      made.install(...STATUS);
      // The refresh writes its files at the worst moment: when apt has been configured and is about to be asked.
      let running: Promise<unknown> | undefined;
      made.beforeRun = async (file) => {
        if (file !== 'apt') return;
        const asked = hung.requests.length;
        running = made.observer().refresh(REFRESH);
        await expect.poll(() => hung.requests.length).toBeGreaterThan(asked);
      };
      const during = (await made.observer().pending()).map(({ name }) => name);
      await hung.close();
      await running;

      expect(before).toContain('fixed');
      expect(during).toEqual(before);
      expect(filesBelow(join(made.stateDir, 'apt')).filter((name) => name.startsWith('refresh-'))).toEqual([]);
    });
  });

  describe('when a refresh brings more than it may', () => {
    it('ends it, and says so', async () => {
      const release = readFileSync(join(archive().dists('bookworm'), 'InRelease'));
      // Endless, slow bytes below apt's own bound for an index.
      const server = createServer((_, response) => {
        response.write(release);
        const timer = setInterval(() => response.write(Buffer.alloc(100_000, 'x')), 20);
        response.on('close', () => clearInterval(timer));
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const port = typeof address === 'object' ? address?.port : 0;
      const made = host(archive().sources({ uri: `http://127.0.0.1:${port}`, suites: ['bookworm'] }));
      const [found] = await made.observer().refresh({ deadline: 60_000, byteBudget: 1_000_000 });

      expect(found?.problem?.code).toBe('BYTE_BUDGET');
      await expect.poll(() => running(made.stateDir), GONE).toEqual([]);
      server.closeAllConnections();
      server.close();
    });
  });
});

/** A program that refreshes the lists of the host, to be killed. */
function refreshing({ root, stateDir }: TestHost): string {
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const options = JSON.stringify({ root, stateDir, unprivileged: testUser, maxAge: 1 });

  return `import { createAptObserver } from ${at('./observer.ts')};
import { createRun } from ${at('../../../shared/exec/run.ts')};
import { systemClock as clock } from ${at('../../../shared/time/clock.ts')};
await createAptObserver({ ...${options}, run: createRun({}), clock }).refresh({ deadline: 60_000, byteBudget: 1e6 });`;
}

/** Processes whose environment names the configuration of this host. */
function running(stateDir: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(stateDir);
    } catch {
      // Ended, or of another user: then it is not one of ours.
      return false;
    }
  });
}
