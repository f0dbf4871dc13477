import type { ApprovalDocument } from '@selvage/shared/policy/documents.ts';
import { describe, expect, it } from 'vitest';
import { decide } from './decision.ts';

const approval = (over: Partial<ApprovalDocument> = {}): ApprovalDocument => ({
  ...{ kind: 'Approval', name: 'a', decision: 'approve', policy: 'servers', lane: 'scheduled' },
  ...{ fix: { provider: 'apt', source: 's', version: '1' }, packages: [], adds: [], removes: [] },
  ...{ approvedAt: '2026-03-01T00:00:00Z', expires: '2026-04-01T00:00:00Z' },
  ...over,
});
const reject = (over: Partial<ApprovalDocument> = {}) => approval({ decision: 'reject', ...over });
const now = Temporal.Instant.from('2026-03-15T00:00:00Z');
const later = { approvedAt: '2026-03-01T00:00:00.1Z' };

describe('when several decisions were made', () => {
  it.each<[string, readonly ApprovalDocument[], string]>([
    ['none', [], 'open'],
    ['one approval', [approval()], 'approved'],
    ['one rejection', [reject()], 'refused'],
    ['a rejection after an approval of the same policy', [approval(), reject(later)], 'refused'],
    ['an approval after a rejection of the same policy', [approval(later), reject()], 'approved'],
    ['a rejection in another policy', [approval(), reject({ policy: 'laptops', ...later })], 'approved'],
    ['an expired approval', [approval({ expires: '2026-03-15T00:00:00Z' })], 'open'],
    [
      'an expired approval after a rejection',
      [reject(), approval({ ...later, expires: '2026-03-14T00:00:00Z' })],
      'open',
    ],
  ])('%s decides', (_, approvals, verdict) => {
    expect(decide(approvals, now).verdict).toBe(verdict);
    expect(decide(approvals.toReversed(), now).verdict).toBe(verdict);
  });

  it('shows the newest when none counts any more', () => {
    const old = approval({ expires: '2026-03-02T00:00:00Z' });
    const newer = approval({ ...later, policy: 'laptops', expires: '2026-03-03T00:00:00Z' });

    expect(decide([old, newer], now)).toEqual({ verdict: 'open', approval: newer });
  });
});
