// Matching all software of 45,000 hosts anew, as after a switch of a feed in which every package says something else.
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { putFeed, writeFeed } from '../../../collector/findings/testing/put-feed.ts';
import { openStore } from '../../../collector/store/store.ts';
import { systemClock } from '../../../shared/time/clock.ts';
import type { Bench } from '../bench.ts';
import { AT, putFleet, ubuntuRules } from '../findings/fleet.ts';

const HOSTS = 45_000;
const QUICK_HOSTS = 2000;
const SECONDS = 60;
const MEMORY_MIB = 1024;
const LOOP_MS = 50;
const DEADLINE_MS = 15 * 60_000;
const run = promisify(execFile);

interface Timed {
  readonly ms: number;
  /** Longest delay of the event loop. */
  readonly blockedMs: number;
}

/** What the child prints. */
interface Measured {
  readonly first: Timed;
  readonly load: Timed;
  readonly again: Timed;
  readonly joined: Timed;
  readonly findings: number;
  readonly hosts: number;
  readonly distinct: number;
  readonly affected: number;
  readonly urgent: number;
  readonly rssMiB: number;
}

export const rematchFleet: Bench = {
  name: 'rematch-fleet',
  describe: 're-match of 45,000 simulated Ubuntu hosts after a feed in which every package is another',
  run: async ({ folder, say, quick }) => {
    const hosts = quick ? QUICK_HOSTS : HOSTS;
    say(`putting ${hosts} hosts into a store`);
    const store = await openStore({ file: join(folder, 'selvage.db'), clock: systemClock });
    const rules = await ubuntuRules();
    await putFeed(store, 'osv-ubuntu', rules, AT);
    const { packages } = await putFleet(store, hosts);
    // Every package says something else: all of it is matched again, whatever could have been spared.
    const other = rules.map((rule) => ({ ...rule, urgency: `${rule.urgency ?? ''}!` }));
    const next = await writeFeed(store, 'osv-ubuntu', other, AT);
    await store.close();
    say('starting a collector on it, and switching its feed');
    const child = join(import.meta.dirname, '../findings/rematch-child.ts');
    const { stdout } = await run(process.execPath, [child, folder, String(next)], { timeout: DEADLINE_MS });
    const found = JSON.parse(stdout) as Measured;
    const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

    return [
      {
        name: 'rematch-fleet.time',
        unit: 's',
        ours: found.again.ms / 1000,
        peer: null,
        target: { atMost: SECONDS },
        notes: [
          `${found.hosts} hosts with ${packages} source packages (610 binary ones) each: ${found.distinct} distinct rows, ${found.affected} with something open, ${found.findings} findings`,
          `all of them matched anew (${found.urgent} matches carry the new data); the answer for every host joined in ${seconds(found.joined.ms)}`,
          `first start with nothing matched ${seconds(found.first.ms)}, a later start ${seconds(found.load.ms)}`,
          'Ubuntu data: the shipped snapshot; versions of three lists of one image, mixed by chance, and some that no list has',
          ...(quick ? ['--quick: fewer hosts'] : []),
        ],
      },
      {
        name: 'rematch-fleet.memory',
        unit: 'MiB',
        ours: found.rssMiB,
        peer: null,
        target: { atMost: MEMORY_MIB },
        notes: ['peak RSS of the process, from its start to the joined answer'],
      },
      {
        name: 'rematch-fleet.event-loop',
        unit: 'ms',
        ours: Math.max(found.again.blockedMs, found.load.blockedMs),
        peer: null,
        target: { atMost: LOOP_MS },
        notes: [
          `longest delay: at a start ${found.load.blockedMs.toFixed(0)} ms, while matching ${found.again.blockedMs.toFixed(0)} ms`,
        ],
      },
    ];
  },
};
