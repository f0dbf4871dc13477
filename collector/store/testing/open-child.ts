// A program for ../migrate-faults.test.ts: opens a database, which brings it up to date, says how that went, and ends itself
// without tidying up.
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { openStore } from '../store.ts';

try {
  await openStore({ file: process.argv[2] ?? '', clock: systemClock });
  process.stdout.write('open\n');
} catch (error) {
  process.stdout.write(`${hasCode(error) ? error.code : String(error)}\n`);
}

process.kill(process.pid, 'SIGKILL');
