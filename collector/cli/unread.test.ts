import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import {
  advisorySample,
  hostGroupSample,
  patchPolicySample,
  riskAcceptanceSample,
  windowSample,
} from '@selvage/shared/policy/testing/sample-documents.ts';
import { unreadBy } from '@selvage/shared/policy/understanding.ts';
import { describe, expect, it } from 'vitest';
import { refuseUnread, unreadOf } from './unread.ts';

type Host = Parameters<typeof unreadOf>[2][number];

const FIRST = unreadBy(null, { withGroups: false });
const WITH_GROUPS = unreadBy(null, { withGroups: true });
const host = (name: string, cannotRead: readonly string[], over: Partial<Host> = {}): Host => ({
  ...{ id: name, name, state: 'active', mode: 'managed', os: null, labels: { tier: ['web'] }, cannotRead },
  ...over,
});
const BEFORE: readonly PolicyDocument[] = [
  windowSample(),
  patchPolicySample({ select: { labels: { tier: ['web'] } } }),
];
const unread = (more: readonly PolicyDocument[], hosts: readonly Host[], before = BEFORE) =>
  unreadOf(before, [...before, ...more], hosts);

describe('when a push brings what some agents do not know', () => {
  it('each kind and field is named with its hosts', () => {
    const due = patchPolicySample({ name: 'other', select: 'tier=web', due: { immediate: '3d' } });
    const hosts = [host('old', FIRST), host('new', []), host('middle', WITH_GROUPS)];

    expect(unread([due, riskAcceptanceSample(), hostGroupSample()], hosts)).toEqual({
      hosts: ['middle', 'old'],
      lost: ['middle', 'old'],
      documents: [
        { document: 'PatchPolicy.select-text', hosts: ['old'] },
        { document: 'PatchPolicy.due', hosts: ['middle', 'old'] },
        { document: 'RiskAcceptance', hosts: ['middle', 'old'] },
        { document: 'HostGroup', hosts: ['old'] },
      ],
    });
  });

  it('what every release knows is read by all', () => {
    expect(unread([windowSample({ name: 'other' })], [host('old', FIRST)]).hosts).toEqual([]);
  });

  it('who refuses the policy in force already is shown, and is not lost by this push', () => {
    const before = [...BEFORE, riskAcceptanceSample()];
    const hosts = [host('old', FIRST), host('middle', ['Advisory'])];
    const found = unread([advisorySample()], hosts, before);

    expect(found).toMatchObject({ hosts: ['middle', 'old'], lost: ['middle'] });
    // What takes the last of it away loses nobody.
    expect(unreadOf(before, BEFORE, hosts)).toEqual({ hosts: [], lost: [], documents: [] });
  });
});

describe('when it is asked who stands in the way', () => {
  it.each([
    ['a pending host', { state: 'pending' }],
    ['a revoked one', { state: 'revoked' }],
    ['a retired one', { state: 'retired' }],
    ['one that observes, whom no policy selects', { mode: 'observe', labels: { tier: ['db'] } }],
    ['one that observes, of which it is not known', { mode: 'observe', labels: null }],
  ])('%s does not', (_what, over: Partial<Host>) => {
    expect(unread([riskAcceptanceSample()], [host('old', FIRST, over)])).toEqual({
      hosts: [],
      lost: [],
      documents: [],
    });
  });

  it.each([
    ['one that observes and is selected', { mode: 'observe' }],
    ['one that may install, whom no policy selects yet', { labels: null }],
  ])('%s does', (_what, over: Partial<Host>) => {
    expect(unread([riskAcceptanceSample()], [host('old', FIRST, over)]).lost).toEqual(['old']);
  });

  it('one of a collector that does not say does not', () => {
    const { cannotRead: _, ...silent } = host('old', FIRST);

    expect(unread([riskAcceptanceSample()], [silent]).hosts).toEqual([]);
  });
});

describe('when hosts would be lost', () => {
  const names = Array.from({ length: 30 }, (_, index) => `host-${String(index).padStart(2, '0')}`);
  const found = unread(
    [riskAcceptanceSample()],
    names.map((name) => host(name, FIRST)),
  );

  it('nothing is signed, and some are named with the number of all', () => {
    expect(() => refuseUnread(found, {})).toThrow(
      expect.objectContaining({
        code: 'AGENTS_TOO_OLD',
        message: expect.stringMatching(/30 hosts would .* RiskAcceptance \(30: host-00, .*host-11 and 18 more\)$/),
        details: { hosts: 30, documents: [{ document: 'RiskAcceptance', hosts: 30 }] },
      }),
    );
  });

  it('it is signed where that is said to be meant, and where nobody is lost', () => {
    expect(refuseUnread(found, { acceptUnread: true })).toBeUndefined();
    expect(refuseUnread({ ...found, lost: [] }, {})).toBeUndefined();
  });
});
