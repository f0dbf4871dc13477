import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { decodeDocument } from '@selvage/shared/policy/decode.ts';
import { approvalSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { expect, it } from 'vitest';
import { AT, hostId, hostSample, resultSample } from '../store/samples.ts';
import { planOf } from './host-plan.ts';
import { OS_SECTION } from './testing/inventories.ts';

const NOW = Temporal.Instant.from('2026-11-23T12:00:00Z');
const night = decodeDocument({
  ...{ kind: 'Window', name: 'night', days: ['mon', 'tue'], start: '01:00', for: '3h', timezone: 'host' },
});
const policy = decodeDocument({
  kind: 'PatchPolicy',
  name: 'web',
  select: { labels: { tier: ['web'] } },
  allow: { from: ['security'] },
  lanes: { scheduled: { approve: 'manual', delay: '0h', window: 'night', rings: [{ rest: true }] } },
});
const stored = (number: number, over: Partial<RunResult>) => ({
  host: hostId(1),
  receivedAt: AT as Timestamp,
  result: resultSample(number, over),
});
const plan = (over: Partial<Parameters<typeof planOf>[0]> = {}) =>
  planOf({
    host: { ...hostSample(1), ...RECORD },
    os: OS_SECTION,
    labels: { tier: ['web'] },
    documents: [night, policy],
    results: [],
    now: NOW,
    ...over,
  });
const RECORD = {
  ...{ next: null, authorities: [], quarantine: null, readmit: null, settledAt: null, knock: null, lastAddress: null },
  ...{ clockSkewMs: null, key: null, authority: null },
};

it('the next window is that of the policies that select the host, in the zone of the host', () => {
  expect(plan()).toMatchObject({
    policies: ['web'],
    policiesUnknown: [],
    nextWindow: { window: 'night', opens: '2026-11-24T00:00:00Z', closes: '2026-11-24T03:00:00Z' },
    windowProblem: null,
  });
});

it('without an inventory it is not known whether a policy selects it, and that is said', () => {
  expect(plan({ os: null, labels: null })).toMatchObject({ policies: [], policiesUnknown: ['web'], nextWindow: null });
});

it('a zone that nobody here knows makes the window unknown, with its reason, and hides nothing else', () => {
  const { windowProblem, waiting } = plan({
    os: { ...OS_SECTION, timezone: 'Mars/Olympus' },
    labels: { tier: ['web'] },
  });

  expect(windowProblem).toMatch(/^SETTINGS_INVALID: .*Mars/);
  expect(waiting).toEqual([]);
});

it('what waits is the newest signed word of the host about each approval that stands', () => {
  const approvals = ['one', 'two', 'three'].map((name) => approvalSample({ name }));
  const waits = { outcome: 'waiting', problem: { code: 'WINDOW_CLOSED', message: 'it opens at one' } } as const;
  const results = [
    stored(5, { approval: 'two', outcome: 'installed', problem: null }),
    stored(4, { approval: 'one', ...waits }),
    stored(3, { approval: 'two', ...waits }),
    stored(2, { approval: 'one', outcome: 'refused', problem: { code: 'HELD', message: 'a hold' } }),
    stored(1, { approval: 'withdrawn', ...waits }),
  ];

  expect(plan({ documents: [night, policy, ...approvals], results }).waiting).toEqual([
    expect.objectContaining({ approval: 'one', outcome: 'waiting', code: 'WINDOW_CLOSED', why: 'it opens at one' }),
  ]);
});
