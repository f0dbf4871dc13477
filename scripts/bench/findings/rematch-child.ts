// Child of the benchmark rematch-fleet: reads and matches a whole fleet, then matches all of it again after a switch of its feed. A
// process of its own, so that its memory is what is measured. Prints one JSON document.
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Events } from '../../../collector/events.ts';
import { FleetIndex } from '../../../collector/findings/index.ts';
import { keepFindings } from '../../../collector/findings/keeper.ts';
import { switchFeed } from '../../../collector/findings/testing/put-feed.ts';
import { openStore } from '../../../collector/store/store.ts';
import { silentLog } from '../../../shared/log/log.ts';
import { systemClock } from '../../../shared/time/clock.ts';
import { AT } from './fleet.ts';

const [folder = '.', generation = ''] = process.argv.slice(2);
const store = await openStore({ file: join(folder, 'selvage.db'), clock: systemClock });
const timed = async (work: () => Promise<unknown>) => {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const from = performance.now();
  await work();
  delay.disable();

  return { ms: performance.now() - from, blockedMs: delay.max / 1e6 };
};
const start = () => {
  const fleet = new FleetIndex();
  const events = new Events();

  return {
    ...{ fleet, events },
    keeper: keepFindings({ store, fleet, clock: systemClock, events, log: silentLog, documents: async () => [] }),
  };
};

let running = start();
const first = await timed(() => running.keeper.idle());
await running.keeper.close();
running = start();
const load = await timed(() => running.keeper.idle());
const { fleet, events, keeper } = running;

const { from, to } = await switchFeed(store, 'osv-ubuntu', Number(generation), AT);
const again = await timed(async () => {
  events.publish({ type: 'feed.changed', feed: 'osv-ubuntu', from, to, records: 1 });
  await keeper.idle();
});
let findings = 0;
let hosts = 0;
const joined = await timed(async () => {
  // Machine by machine, as a list would.
  for (const key of fleet.machines.keys()) {
    hosts += 1;
    for (const { id } of fleet.affected(key)) findings += fleet.matches(id).length;
    if (hosts % 50 === 0) await new Promise(setImmediate);
  }
});
const ids = [...fleet.ids()];
await keeper.close();
await store.close();
process.stdout.write(
  `${JSON.stringify({
    ...{ first, load, again, joined, findings, hosts, distinct: ids.length },
    affected: ids.filter((id) => fleet.matches(id).length > 0).length,
    urgent: ids.flatMap((id) => fleet.matches(id)).filter(({ urgency }) => urgency?.endsWith('!')).length,
    rssMiB: process.resourceUsage().maxRSS / 1024,
  })}\n`,
);
