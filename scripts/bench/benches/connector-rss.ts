// Memory of the resident connector as it is shipped, connected to a real collector, after its first inventory and a minute of
// idling, against a bare `ws` client that holds the same connection. Both also with the flags of the other.
import { setTimeout as wait } from 'node:timers/promises';
import { RESIDENT_ENVIRONMENT, RESIDENT_FLAGS, RESIDENT_VARIABLE } from '../../../agent/become.ts';
import { makeFloors } from '../agent/floors.ts';
import { type Installed, installAgent } from '../agent/installation.ts';
import { type Kept, keep, memoryOf, told } from '../agent/keep.ts';
import type { Bench } from '../bench.ts';

const IDLE_MS = 60_000;
const QUICK_MS = 5000;

export const connectorRss: Bench = {
  name: 'connector-rss',
  describe: 'memory of the resident connector, idle, against a bare ws client',
  run: async ({ folder, say, quick }) => {
    const installed = await installAgent(folder);
    const floors = await makeFloors(folder, installed);
    const running: Kept[] = [];
    const start = async (starting: Promise<Kept>) => {
      const kept = await starting;
      running.push(kept);

      return kept;
    };

    try {
      const ours = await start(installed.connect());
      const bare = await start(floors.start('ws'));
      const flagged = await start(floors.start('ws', RESIDENT_FLAGS, RESIDENT_ENVIRONMENT));
      const tls = await start(floors.start('tls'));
      const empty = await start(floors.start('empty'));
      say(`everything is connected; ${(quick ? QUICK_MS : IDLE_MS) / 1000} s of idling`);
      await wait(quick ? QUICK_MS : IDLE_MS);
      const [our, peer, flaggedPeer, floor, nothing] = await Promise.all(
        [ours, bare, flagged, tls, empty].map(({ pid }) => memoryOf(pid)),
      );
      if (!our || !peer || !flaggedPeer || !floor || !nothing) throw new Error('a process has no memory');

      await ours.stop();
      const plain = await start(withoutFlags(installed));
      await wait(quick ? QUICK_MS : IDLE_MS);
      const plainly = await memoryOf(plain.pid);

      return [
        {
          name: 'connector.rss',
          unit: 'MiB',
          ours: our.rss,
          peer: { name: 'bare ws', value: peer.rss },
          target: { atMost: 1.12 },
          notes: [
            `ours: ${told(our)}; bare ws: ${told(peer)}`,
            `floors: empty Node ${told(nothing)}; one TLS connection ${told(floor)}`,
            `both with our flags (${RESIDENT_FLAGS.join(' ')}): ${(our.rss / flaggedPeer.rss).toFixed(3)} x of ${told(flaggedPeer)}`,
            `both without flags: ${(plainly.rss / peer.rss).toFixed(3)} x, ours ${told(plainly)}`,
            ...(quick ? ['--quick: a few seconds of idling only'] : []),
          ],
        },
      ];
    } finally {
      for (const kept of running) await kept.stop();
      await floors.stop();
      await installed.stop();
    }
  },
};

/** The same program started as bare Node. */
async function withoutFlags({ resident, entry, settings }: Installed): Promise<Kept> {
  const shown = keep({ args: [entry, '--settings', settings, 'settings'] });
  await shown.line(/^\}/);
  const { from: _, ...loaded } = JSON.parse(shown.lines.join('\n')) as { from: unknown };
  const given = {
    entry,
    settings: loaded,
    settingsFile: settings,
    withRunner: false,
    supervised: false,
    supervises: null,
  };
  const kept = keep({ args: [resident], env: { [RESIDENT_VARIABLE]: JSON.stringify(given) } });
  await kept.line(/^connected to collector/);
  return kept;
}
