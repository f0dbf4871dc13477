// The disk of the collector is full while hosts report: a real collector on a small disk of its own, real links.
import { cpSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '@selvage/shared/testing/needs.ts';
import { SMALL_DISK_PARTS, type SmallDisk, smallDisk } from '@selvage/shared/testing/small-disk.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { beforeAll, expect, it } from 'vitest';
import { verifyChain } from '../../collector/audit/chain.ts';
import { openStore } from '../../collector/store/store.ts';
import { documentOf } from '../lab/commands.ts';
import { waitFor } from '../lab/waiting.ts';
import { makeCollector, type RealCollector } from './testing/collector.ts';
import { type SmallAgent, smallAgent } from './testing/small-agent.ts';

const POLICY = `kind: Window
name: nights
days: [mon]
start: "01:00"
for: 3h
timezone: host
`;
const DISK_BYTES = 4 * 1024 * 1024;
const DEADLINE_MS = 120_000;
const ALL = 100_000;

needs([...SMALL_DISK_PARTS], 'when the disk of the collector is full', () => {
  let disk: SmallDisk;
  /** The disk as the collector sees it. */
  let inside: string;
  let collector: RealCollector;
  let agent: SmallAgent;
  /** Another machine's home of the same admin, on a disk with room. */
  let desk: string;
  let serving: Awaited<ReturnType<RealCollector['serve']>>;
  beforeAll(async () => {
    disk = await smallDisk({ bytes: DISK_BYTES });
    // SQLite follows links itself, and would follow the one of /proc out of the namespace: the collector runs inside it.
    const [, keeper = ''] = /^[/]proc[/](\d+)[/]root/.exec(disk.path) ?? [];
    const user = process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials'];
    inside = disk.path.slice(`/proc/${keeper}/root`.length);
    collector = await makeCollector(
      {},
      {
        home: join(disk.path, 'home'),
        inside: join(inside, 'home'),
        enter: ['nsenter', '-t', keeper, '--mount', ...user],
      },
    );
    serving = await collector.serve();
    agent = await smallAgent(collector, 'web-1', temporaryFolder('full'));
    await agent.inventory();
    await acknowledged();
    desk = temporaryFolder('desk');
    cpSync(collector.home.admin, join(desk, 'admin'), { recursive: true });
    writeFileSync(join(desk, 'policy.yaml'), POLICY);
    disk.fill();
  }, 2 * DEADLINE_MS);

  const acknowledged = () =>
    waitFor(
      'everything to be acknowledged',
      async () => {
        const { messages, results } = await agent.waiting();

        return messages === 0 && results === 0 ? true : null;
      },
      DEADLINE_MS,
      () => agent.events.slice(-4),
    );
  const told = (code: string) =>
    agent.events.some((event) => event.type === 'disconnected' && event.error.code === code);

  it('hosts are told to come back and keep what they have; reading goes on', async () => {
    // More than may still fit into the free end of the write-ahead log.
    for (let more = 0; more < 200 && !told('DISK_FULL'); more++) {
      agent.result();
      await agent.inventory();
      await waitFor(
        'an answer',
        async () => (told('DISK_FULL') || (await agent.waiting()).messages === 0 ? true : null),
        DEADLINE_MS,
        () => agent.events.slice(-4),
      );
    }
    const error = agent.events.flatMap((event) => (event.type === 'disconnected' ? [event.error] : []));
    const full = error.find(({ code }) => code === 'DISK_FULL');
    expect(full).toMatchObject({ code: 'DISK_FULL', rule: 'retry', details: { retryAfterMs: expect.any(Number) } });
    expect(Number(full?.details.retryAfterMs)).toBeGreaterThan(0);
    const { results } = await agent.waiting();
    expect(results).toBeGreaterThan(0);

    expect(documentOf(await collector.selvage(['host', 'show', 'web-1', '--json'], desk))).toMatchObject({
      host: { name: 'web-1' },
    });
    expect(await collector.selvage(['audit', 'verify', '--json'], desk)).toMatchObject({ exitCode: 0 });
  });

  it('a policy push, a token and a backup fail with the reason and change nothing', async () => {
    const before = documentOf<{ documents: unknown[] }>(await collector.selvage(['policy', 'get', '--json'], desk));
    const push = await collector.selvage(['policy', 'push', join(desk, 'policy.yaml')], desk);
    const token = await collector.selvage(['token', 'create', '--host', 'web-2', '--json'], desk);
    const backup = await collector.selvage(['backup', join(inside, 'backup')]);

    for (const refused of [push, token, backup]) {
      expect(refused).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(/^error DISK_FULL: .*\nnext: free space/),
      });
    }
    expect(documentOf(await collector.selvage(['policy', 'get', '--json'], desk))).toEqual(before);
    expect(existsSync(join(disk.path, 'backup'))).toBe(false);
    expect(readdirSync(disk.path).filter((name) => name.endsWith('.partial'))).toEqual([]);
  });

  it('when there is room again everything goes on without a restart, and nothing was half done', async () => {
    disk.free();
    await acknowledged();
    expect(await collector.selvage(['policy', 'push', join(desk, 'policy.yaml')], desk)).toMatchObject({ exitCode: 0 });
    await serving.kill('SIGTERM');
    await agent.stop();

    const copy = join(temporaryFolder('copy'), 'selvage.db');
    cpSync(collector.home.collector.database, copy);
    const store = await openStore({ file: copy, clock: systemClock });
    try {
      const entries = await store.read.audit.after(0, ALL);
      const stored = await store.read.results.ofHost(agent.hostId, ALL);
      expect(verifyChain(entries).checked).toBe(entries.length);
      expect(entries.filter(({ action }) => action === 'stream.skipped' || action === 'message.refused')).toEqual([]);
      expect(stored.map(({ result }) => result.number).sort((a, b) => a - b)).toEqual(
        Array.from({ length: agent.results() }, (_, index) => index + 1),
      );
    } finally {
      await store.close();
    }
  });
});
