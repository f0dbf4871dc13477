// An inventory that found nothing new, on the wire: every byte of TLS of the message and of its acknowledgement.
import { startCounted } from '../agent/counted.ts';
import type { Bench } from '../bench.ts';
import { median } from '../median.ts';

const RUNS = 5;
/** Far more often than a heartbeat, so that none comes between. */
const EVERY = '10s';
const LONGEST_MS = 12_001;

export const unchangedReport: Bench = {
  name: 'unchanged-report',
  describe: 'TLS bytes of an inventory that found nothing new, with its acknowledgement',
  run: async ({ folder }) => {
    const counted = await startCounted(folder, EVERY);

    try {
      const sizes: { readonly sent: number; readonly received: number }[] = [];
      // Heartbeats come between some of them: those are larger, and the median is not.
      for (let run = 0; run < RUNS; run++) {
        const before = counted.bytes();
        await counted.clock.advance(LONGEST_MS);
        await counted.settle();
        const after = counted.bytes();
        sizes.push({ sent: after.sent - before.sent, received: after.received - before.received });
      }

      return [
        {
          name: 'unchanged-report',
          unit: 'bytes',
          ours: median(sizes.map(({ sent, received }) => sent + received)),
          peer: null,
          target: { atMost: 300 },
          notes: [`sent + received: ${sizes.map(({ sent, received }) => `${sent} + ${received}`).join(', ')}`],
        },
      ];
    } finally {
      await counted.stop();
    }
  },
};
