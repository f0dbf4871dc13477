// The collector is killed between receiving a result and acknowledging it: real processes on both sides, real TLS, SIGKILL.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { documentOf } from '../lab/commands.ts';
import { waitFor } from '../lab/waiting.ts';
import { makeCollector, type RealCollector } from './testing/collector.ts';
import type { Daemon } from './testing/daemon.ts';
import { enroll, makeHost, type RealHost } from './testing/host.ts';
import { idOf, prepareResults, report } from './testing/report.ts';
import { type Tap, tapTo } from './testing/tap.ts';

/** Bytes; a signed result is larger, a heartbeat much smaller. */
const RESULT_BYTES = 600;
const DEADLINE_MS = 120_000;

describe('when the collector is killed between receiving a result and acknowledging it', () => {
  let collector: RealCollector;
  let host: RealHost;
  let tap: Tap;
  let serving: Daemon;
  beforeAll(async () => {
    collector = await makeCollector();
    tap = await tapTo(collector.gatewayPort);
    serving = await collector.serve();
    host = await makeHost({ name: 'web-1' });
    await enroll(collector, host, tap.url);
    await prepareResults(host);
    const agent = host.start(['connect']);
    await agent.line(/^connected to collector/);
    await waitFor('the first inventory', async () => (await page()).host.inventoryAt, DEADLINE_MS);
  });

  const page = async () =>
    documentOf<{
      host: { inventoryAt: string | null };
      results: { result: RunResult }[];
    }>(await collector.selvage(['host', 'show', 'web-1', '--json']));
  const numbers = async () => (await page()).results.map(({ result }) => result.number).sort();
  const received = () =>
    collector.withStore(async (store) =>
      (await store.read.audit.after(0, 1000)).flatMap(({ action, details }) =>
        action === 'result.received' ? [details.number] : [],
      ),
    );
  const acknowledged = () => {
    const path = join(host.stateDir, 'outbox/acknowledged.json');

    return existsSync(path) ? Number(JSON.parse(readFileSync(path, 'utf8')).results) : 0;
  };
  const untilAcknowledged = (number: number) =>
    waitFor(`result ${number} to be acknowledged`, async () => (acknowledged() === number ? true : null), DEADLINE_MS);

  it('before it was committed: the agent still has it, and it arrives once', async () => {
    await collector.withStore(async (store) => {
      const { promise: unlocked, resolve: unlock } = Promise.withResolvers<void>();
      const { promise: locked, resolve: lock } = Promise.withResolvers<void>();
      const holding = store.transaction(async () => {
        lock();
        await unlocked;
      });
      await locked;
      const before = await waitFor('a quiet wire', tap.taken, DEADLINE_MS);
      await report(host);
      await waitFor(
        'the collector to take the result from its socket',
        async () => (((await tap.taken()) ?? 0) - before > RESULT_BYTES ? true : null),
        DEADLINE_MS,
      );
      await serving.kill('SIGKILL');
      unlock();
      await holding;
      expect(await store.read.results.ofHost(idOf(host), 10)).toEqual([]);
    });
    expect(acknowledged()).toBe(0);

    serving = await collector.serve();
    await untilAcknowledged(1);
    expect(await numbers()).toEqual([1]);
    expect(await received()).toEqual([1]);
  });

  it('after it was committed: it is known, and not taken twice', async () => {
    tap.holdAnswers();
    await report(host);
    await collector.withStore(async (store) => {
      const id = idOf(host);
      const stored = async () => ((await store.read.results.ofHost(id, 10)).length === 2 ? true : null);
      await waitFor('the result to be committed', stored, DEADLINE_MS);
    });
    await serving.kill('SIGKILL');
    tap.release();
    expect(acknowledged()).toBe(1);
    expect(existsSync(join(host.stateDir, 'runner/results/2.json'))).toBe(true);

    serving = await collector.serve();
    await untilAcknowledged(2);
    expect(await numbers()).toEqual([1, 2]);
    expect(await received()).toEqual([1, 2]);
    expect(documentOf(await collector.selvage(['audit', 'verify', '--json']))).toMatchObject({ ok: true });
  });
});
