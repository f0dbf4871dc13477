// A collector is lost and comes back from a backup that is older than what its hosts know: they go on with it.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { verifyChain } from '../../collector/audit/chain.ts';
import { documentOf } from '../lab/commands.ts';
import { waitFor } from '../lab/waiting.ts';
import { makeCollector, type RealCollector } from './testing/collector.ts';
import type { Daemon } from './testing/daemon.ts';
import { type SmallAgent, smallAgent } from './testing/small-agent.ts';

const DEADLINE_MS = 120_000;
const ALL = 100_000;

describe('when a collector is restored from an older backup', () => {
  const folder = temporaryFolder('restored');
  const backup = join(folder, 'backup');
  let collector: RealCollector;
  let serving: Daemon;
  let known: SmallAgent;
  let late: SmallAgent;
  beforeAll(async () => {
    collector = await makeCollector();
    serving = await collector.serve();
    known = await smallAgent(collector, 'known', folder);
    known.result();
    await known.inventory();
    await acknowledged(known);
    expect(await collector.selvage(['backup', backup])).toMatchObject({ exitCode: 0, stderr: '' });

    late = await smallAgent(collector, 'late', folder);
    known.result();
    for (let more = 0; more < 3; more++) await known.inventory();
    await Promise.all([acknowledged(known), late.inventory().then(() => acknowledged(late))]);
    await serving.kill('SIGKILL');
    rmSync(collector.home.collector.folder, { recursive: true });
    // While there is no collector the host works on.
    known.result();
    await known.inventory();
  }, 2 * DEADLINE_MS);

  const acknowledged = (agent: SmallAgent) =>
    waitFor(
      `everything of ${agent.name} to be acknowledged`,
      async () => {
        const { messages, results } = await agent.waiting();

        return messages === 0 && results === 0 ? true : null;
      },
      DEADLINE_MS,
      () => agent.events.slice(-4),
    );

  it('a lost database is not replaced by an empty one', async () => {
    expect(await collector.selvage(['serve'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^error STORE_CORRUPT: the database is missing .*\nnext: .*selvage restore/),
    });
  });

  it('hosts that it knows go on: what they still have arrives, the state is whole, and the ledger says what is lost', async () => {
    expect(await collector.selvage(['restore', backup])).toMatchObject({ exitCode: 0, stderr: '' });
    serving = await collector.serve();
    await acknowledged(known);
    const reason = await known.inventory();
    const shown = () =>
      collector.withStore(async (store) => {
        const reboot = (await store.read.inventory.latest(known.hostId))?.sections.reboot;

        return reboot?.ok && reboot.data.reasons[0] === reason ? true : null;
      });
    await waitFor('the newest inventory, whole', shown, DEADLINE_MS, () => known.events.slice(-4));

    await collector.withStore(async (store) => {
      const entries = await store.read.audit.after(0, ALL);
      const results = await store.read.results.ofHost(known.hostId, ALL);
      expect(verifyChain(entries).checked).toBe(entries.length);
      // The second is lost with the database; the third was still with the host.
      expect(results.map(({ result }) => result.number)).toEqual(expect.arrayContaining([1, 3]));
      const told = entries.filter(({ action }) => action === 'collector.restored' || action === 'stream.skipped');
      expect(told.map(({ action }) => action)).toEqual(
        expect.arrayContaining(['collector.restored', 'stream.skipped']),
      );
    });
  });

  it('a host that enrolled after the backup is named with the next step, and comes back with a new token', async () => {
    const list = () => collector.selvage(['host', 'list', '--json']);
    const named = await waitFor(
      'the late host to knock',
      async () =>
        documentOf<{ notInDatabase: { id: string; address: string }[] }>(await list()).notInDatabase[0] ?? null,
      DEADLINE_MS,
      () => late.events.slice(-4),
    );
    expect(named).toMatchObject({ id: late.hostId, address: '127.0.0.1' });
    expect((await collector.selvage(['host', 'list'])).stdout).toMatch(/^! host .* not in its database\n +next: /m);
    await collector.withStore(async (store) => {
      const told = (await store.read.audit.after(0, ALL)).filter(({ action }) => action === 'host.unknown');
      expect(told).toMatchObject([{ subject: late.hostId, details: { address: '127.0.0.1' } }]);
    });

    await late.stop();
    const anew = await smallAgent(collector, 'late', join(folder, 'anew'));
    await anew.inventory();
    await acknowledged(anew);
  });
});
