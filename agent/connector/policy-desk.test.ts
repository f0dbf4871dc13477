import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import type { AgentFrame } from '@selvage/shared/wire/wire.ts';
import { describe, expect, it } from 'vitest';
import { PolicyDesk, type PolicyDeskParts } from './policy-desk.ts';

const HELD = { roles: [{ role: 'policy', version: 7n }], problem: 'POLICY_ROLLED_BACK' } as const;

function desk(held: PolicyDeskParts['held']) {
  const sent: AgentFrame[] = [];
  const problems: string[] = [];
  const stop = new AbortController();
  const made = new PolicyDesk({
    send: (frame) => {
      sent.push(frame);
      if (frame.type === 'policyRequest') {
        made.answer({ type: 'policyFile', name: frame.name, found: false, content: new Uint8Array() });
      }
    },
    clock: fakeClock('2026-11-23T12:00:00Z'),
    ...(held ? { held } : {}),
    onPolicy: async (request) => {
      await request('timestamp.json');
      stop.abort();
    },
    onProblem: ({ code }) => problems.push(code),
  });
  made.announce();

  return { sent, problems, made, run: () => made.run(stop.signal) };
}

describe('when there may be newer policy', () => {
  it('what the host holds is told before anything is asked', async () => {
    const { sent, run } = desk(async () => HELD);
    await run().catch(() => undefined);

    expect(sent).toEqual([
      { type: 'policyHeld', ...HELD },
      { type: 'policyRequest', name: 'timestamp.json', sha256: null },
    ]);
  });

  it('what cannot be read is said, and newer policy is looked for all the same', async () => {
    const { sent, problems, run } = desk(async () => {
      throw new CodedError('FILE_CORRUPT', 'next.json is not what the runner wrote');
    });
    await run().catch(() => undefined);

    expect(problems).toEqual(['FILE_CORRUPT']);
    expect(sent.map(({ type }) => type)).toEqual(['policyRequest']);
  });

  it('a host that has accepted nothing tells nothing', async () => {
    const { sent, run } = desk(async () => null);
    await run().catch(() => undefined);

    expect(sent.map(({ type }) => type)).toEqual(['policyRequest']);
  });
});
