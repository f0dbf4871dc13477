import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainPlan } from './explain.ts';
import { runOnce } from './runner.ts';
import { bench, IN_WINDOW, OPENSSL } from './testing/bench.ts';

describe('when the plan is explained', () => {
  it('says what, when and why not now, and changes nothing', async () => {
    const { deps, runner, clock } = bench();
    const before = await explainPlan(deps());
    expect(before.approvals).toMatchObject([
      { verdict: 'waiting', code: 'NOT_FETCHED', packages: [OPENSSL], window: { name: 'weekday-nights' } },
    ]);
    expect(existsSync(join(runner, 'accepted/policy.json'))).toBe(false);
    await runOnce(deps());

    expect((await explainPlan(deps())).approvals).toMatchObject([
      {
        verdict: 'waiting',
        code: 'WINDOW_CLOSED',
        earliest: '2026-11-23T12:00:00Z',
        window: { next: [expect.stringContaining('2026-11-24T01:00:00'), expect.anything(), expect.anything()] },
      },
    ]);
    clock.setWall(IN_WINDOW);
    expect((await explainPlan(deps())).approvals).toMatchObject([{ verdict: 'go', code: null }]);
    await runOnce(deps());
    expect((await explainPlan(deps())).approvals).toMatchObject([{ verdict: 'done' }]);
  });
});
