import type { PatchPolicyDocument } from '@selvage/shared/policy/documents.ts';
import type { SelectableHost } from '@selvage/shared/policy/select.ts';
import { selectorOf } from '@selvage/shared/policy/select.ts';
import { approvalSample, patchPolicySample, windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { describe, expect, it } from 'vitest';
import { diffOf, hostsOf, isEmpty, resultOf } from './policy-diff.ts';

const current = [windowSample(), patchPolicySample(), approvalSample()];

describe('when documents are compared with the policy', () => {
  it('the same documents change nothing', () => {
    const diff = diffOf(current, [windowSample(), patchPolicySample()], { prune: true });

    expect(isEmpty(diff)).toBe(true);
    expect(diff.unchanged).toHaveLength(2);
  });

  it('names what is added and each field that changes', () => {
    const changed = windowSample({ for: '4h', freeze: [{ from: '2026-12-18', to: '2027-01-04', reason: 'year end' }] });
    const diff = diffOf(current, [changed, windowSample({ name: 'new' })], { prune: false });

    expect(diff.added.map(({ name }) => name)).toEqual(['new']);
    expect(diff.changed).toMatchObject([
      {
        fields: [
          { path: 'for', before: '3h', after: '4h' },
          { path: 'freeze', before: [] },
        ],
      },
    ]);
    expect(diff.removed).toEqual([]);
    expect(resultOf(current, diff)).toEqual([current[1], current[2], windowSample({ name: 'new' }), changed]);
  });

  it('with prune, windows and policies that are missing go, approvals never', () => {
    const diff = diffOf(current, [patchPolicySample()], { prune: true });

    expect(diff.removed).toEqual([windowSample()]);
  });
});

describe('when hosts are selected', () => {
  const host = (name: string, over: Partial<SelectableHost> = {}): SelectableHost => ({
    ...{
      id: `id-${name}`,
      name,
      os: { id: 'ubuntu', idLike: ['debian'], version: '24.04' },
      labels: { tier: ['web'] },
    },
    ...over,
  });
  const select = (select: PatchPolicyDocument['select'], hosts: SelectableHost[]) =>
    hostsOf(selectorOf([]), patchPolicySample({ select }), hosts);

  it('every property that is given must match', () => {
    const hosts = [host('b'), host('a'), host('db', { labels: { tier: ['db'] } })];

    expect(select({ os: 'debian', labels: { tier: ['web', 'app'] } }, hosts).selected).toEqual(['a', 'b']);
    expect(select({ hosts: ['id-db', 'a'] }, hosts).selected).toEqual(['a', 'db']);
    expect(select({ os: 'fedora' }, hosts).selected).toEqual([]);
    expect(select({}, hosts).selected).toHaveLength(3);
  });

  it('a host whose labels are not known is neither selected nor left out', () => {
    const fresh = host('fresh', { os: null, labels: null });

    expect(select({ labels: { tier: ['web'] } }, [fresh])).toEqual({ selected: [], unknown: ['fresh'] });
    expect(select({ hosts: ['other'], os: 'debian' }, [fresh])).toEqual({ selected: [], unknown: [] });
    expect(select({ os: 'linux' }, [fresh])).toEqual({ selected: ['fresh'], unknown: [] });
  });
});
