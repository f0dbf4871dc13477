// A program for ../benches/feed-import.ts: imports files into a new database as a collector does, while it writes as intake does, and
// says on standard output what that cost. A process of its own, so that its memory is nobody else's.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { importFeed } from '../../../collector/feeds/import/importing.ts';
import { AT, hostId, hostSample } from '../../../collector/store/samples.ts';
import { openStore } from '../../../collector/store/store.ts';
import { systemClock } from '../../../shared/time/clock.ts';

/** Milliseconds between two writes of intake: what some thousand hosts send. */
const WRITE_EVERY_MS = 5;
const NS_PER_MS = 1e6;

const [database = '', ...files] = process.argv.slice(2);
const store = await openStore({ file: database, clock: systemClock });
const events = { publish: () => undefined };
await store.transaction((w) => w.hosts.add(hostSample(1)));
const atRest = process.memoryUsage().rss;
const loop = monitorEventLoopDelay({ resolution: 1 });
let running = true;
let sequence = 0n;
const writes: number[] = [];
const intake = (async () => {
  while (running) {
    const began = performance.now();
    sequence += 1n;
    await store.transaction(async (w) => {
      await w.streams.advance(hostId(1), 'inventory:bench', sequence);
      await w.audit.append({ at: AT, actor: 'collector', action: 'bench', subject: String(sequence) });
    });
    writes.push(performance.now() - began);
    await wait(WRITE_EVERY_MS);
  }
})();

loop.enable();
const took: Record<string, number> = {};
const records: Record<string, number> = {};
for (const path of files) {
  const began = performance.now();
  const { feed, state } = await importFeed({ store, clock: systemClock, events }, null, [{ path }]);
  took[feed] = performance.now() - began;
  records[feed] = state.records;
}
loop.disable();
running = false;
await intake;
await store.close();
process.stdout.write(
  `${JSON.stringify({
    ...{ took, records, atRest, peak: process.resourceUsage().maxRSS * 1024 },
    ...{ loopMs: loop.max / NS_PER_MS, loopP99Ms: loop.percentile(99) / NS_PER_MS },
    ...{ writes: writes.length, longestWriteMs: Math.max(...writes) },
  })}\n`,
);
