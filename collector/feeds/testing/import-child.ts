// A program for ../import/crash.test.ts: imports a file into a database, says each batch that was written, and is killed in the middle:
// with a third argument it stops after the first batch until that comes, so that no machine is too slow to kill it in time.
import { systemClock } from '@selvage/shared/time/clock.ts';
import { openStore } from '../../store/store.ts';
import { importFeed } from '../import/importing.ts';

/** Milliseconds that it waits at most, so that nobody who forgets it leaves it behind. */
const STOPS_MS = 60_000;
const [database = '', path = '', stops] = process.argv.slice(2);
const store = await openStore({ file: database, clock: systemClock });
await importFeed({ store, clock: systemClock, events: { publish: () => undefined } }, 'osv-debian', [{ path }], {
  onProgress: ({ rows }) => {
    process.stdout.write(`rows ${rows}\n`);
    if (stops !== undefined) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STOPS_MS);
  },
});
process.stdout.write('done\n');
await store.close();
