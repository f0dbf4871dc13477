// The hash chain of the audit ledger, recomputed from its first entry.
import { documentOf } from '../commands.ts';
import { expectThat } from '../expectation.ts';
import type { Step } from '../step.ts';

export const ledger: Step = {
  name: 'ledger',
  title: 'The hash chain of the audit ledger verifies from its first entry',
  play: async (stage) => {
    const answer = documentOf<{ ok: boolean; entries: number; head: { hash: string } }>(
      await stage.selvage(['audit', 'verify', '--json']),
    );
    expectThat(answer.ok && answer.entries > 0, 'a ledger that is whole', answer);

    return {
      lines: [`${answer.entries} entries, head ${answer.head.hash}`],
      facts: { entries: answer.entries, head: answer.head.hash },
    };
  },
};
