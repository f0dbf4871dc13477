// A program for ../crash-power.test.ts: does what intake does, three times over a store that it opens and closes, and says each
// transaction on stdout once it is acknowledged. It ends itself in the middle, without tidying up.
import { systemClock } from '@selvage/shared/time/clock.ts';
import { AT, hostId, hostSample, packed, resultSample } from '../samples.ts';
import { openStore } from '../store.ts';

const ROUNDS = 3;
const TRANSACTIONS = 4;
/** More than a page, so that rows have overflow pages. */
const FILLER = 'x'.repeat(6000);
const file = process.argv[2] ?? '';

for (let round = 0; round < ROUNDS; round++) {
  const store = await openStore({ file, clock: systemClock });
  for (let each = 1; each <= TRANSACTIONS; each++) {
    const number = round * TRANSACTIONS + each;
    const section = packed({ required: false, reasons: [`kernel ${number}`] });
    await store.transaction(async (w) => {
      if (number === 1) await w.hosts.add(hostSample(1));
      await w.inventory.putSection(hostId(1), 'reboot', section.sha256, section.zstdJson);
      await w.inventory.putReport(hostId(1), AT, [{ name: 'reboot', sha256: section.sha256, problem: null }]);
      const payload = Buffer.from(`${number} ${FILLER}`);
      await w.results.put(hostId(1), AT, resultSample(number), { payload, signature: payload.subarray(0, 9) });
      await w.streams.advance(hostId(1), 'results:s', BigInt(number));
      await w.audit.append({ at: AT, actor: 'collector', action: 'power.test', subject: String(number) });
      await w.audit.append({ at: AT, actor: 'collector', action: 'power.test', subject: FILLER });
    });
    process.stdout.write(`ack ${number}\n`);
    // Worked out of it and not synced: whether it is there or not, all that is acknowledged is.
    await store.transaction(({ software }) => software.setMatchedFeed('power', number), { derived: true });
  }
  // A close moves the write-ahead log into the database.
  if (round < ROUNDS - 1) await store.close();
}

process.kill(process.pid, 'SIGKILL');
