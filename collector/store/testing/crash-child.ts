// A program for ../crash.test.ts: writes transactions for ever and says each one on stdout once it is acknowledged.
// It never ends by itself; the test kills it in the middle.
import { systemClock } from '@selvage/shared/time/clock.ts';
import { AT } from '../samples.ts';
import { openStore } from '../store.ts';

const FILLER = 'x'.repeat(2000);

const store = await openStore({ file: process.argv[2] ?? '', clock: systemClock });
process.stdout.write(`pid ${process.pid}\n`);

for (let number = 1; ; number++) {
  const entry = { at: AT, actor: 'collector', action: 'crash.test', subject: String(number), details: { FILLER } };
  // Two entries per transaction: after a crash there must be an even number.
  const second = await store.transaction(async (writers) => {
    await writers.audit.append(entry);

    return writers.audit.append(entry);
  });
  process.stdout.write(`ack ${second.sequence}\n`);
}
