// What an idle agent says in a day: every byte of TLS in both directions while agent and collector, both real, live through
// 24 hours on one clock: heartbeats, an unchanged inventory an hour, the policy’s timestamp. A whole new connection a day is
// added, more than renewals cost.
import { startCounted } from '../agent/counted.ts';
import type { Bench } from '../bench.ts';

const DAY_MS = 24 * 3_600_000;
const QUICK_MS = 2 * 3_600_000;
/** Steps of the clock: fine enough that an answer is never late by it. */
const STEP_MS = 5000;
const BYTES_PER_KB = 1000;

export const connectorBytes: Bench = {
  name: 'connector-bytes',
  describe: 'TLS bytes of an idle agent in a simulated day',
  run: async ({ folder, say, quick }) => {
    const counted = await startCounted(folder, '1h');

    try {
      const opening = counted.bytes();
      const length = quick ? QUICK_MS : DAY_MS;
      say(`connected with ${opening.sent} bytes sent, ${opening.received} received (first inventory and policy)`);
      let before = opening.sent + opening.received;
      for (let passed = 0; passed < length; passed += STEP_MS) {
        await counted.clock.advance(STEP_MS);
        const { sent, received } = counted.bytes();
        if (sent + received !== before) await counted.settle();
        before = counted.bytes().sent + counted.bytes().received;
      }
      await counted.settle();
      const end = counted.bytes();
      const sent = end.sent - opening.sent;
      const received = end.received - opening.received;

      return [
        {
          name: 'connector.bytes',
          unit: 'KB a day',
          ours: ((sent + received) * (DAY_MS / length)) / BYTES_PER_KB,
          peer: null,
          target: { atMost: 150 },
          notes: [
            `${sent} bytes sent, ${received} received in ${length / 3_600_000} h over ${counted.connections()} connection(s)`,
            `the opening of a day is not in it: ${opening.sent + opening.received} bytes with the first whole inventory`,
            ...(quick ? ['--quick: two hours, taken times twelve'] : []),
          ],
        },
      ];
    } finally {
      await counted.stop();
    }
  },
};
