// A program for ../import/crash.test.ts: imports a file into a database, says each batch that was written, and is killed in the middle.
import { systemClock } from '@selvage/shared/time/clock.ts';
import { openStore } from '../../store/store.ts';
import { importFeed } from '../import/importing.ts';

const [database = '', path = ''] = process.argv.slice(2);
const store = await openStore({ file: database, clock: systemClock });
await importFeed({ store, clock: systemClock, events: { publish: () => undefined } }, 'osv-debian', [{ path }], {
  onProgress: ({ rows }) => process.stdout.write(`rows ${rows}\n`),
});
process.stdout.write('done\n');
await store.close();
