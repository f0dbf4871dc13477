import { describe, expect, it } from 'vitest';
import { canonicalJson, sha256 } from '../files/canonical.ts';
import { KINDS, type Kind, NOT_SUPPORTED_YET, pathOf } from './documents.ts';
import { isForCollector } from './roles.ts';
import { schemaOf } from './schema.ts';
import {
  advisorySample,
  approvalSample,
  hostGroupSample,
  patchPolicySample,
  riskAcceptanceSample,
  windowSample,
} from './testing/sample-documents.ts';
import { MAX_UNDERSTOOD, UNDERSTOOD, unreadBy, wordingsOf } from './understanding.ts';

const GROUP = hostGroupSample();
const ACCEPTANCE = riskAcceptanceSample();
const ADVISORY = advisorySample();

/** SHA-256 of the JSON Schemas of what hosts read, and of the fields that are refused. */
const READ_BY_HOSTS = '573a00b77f278d37160de6653c6a22c418e9fa4a26575d886736bc7f52a7f41a';

describe('when an agent says what it can read', () => {
  it('one of this release can read every kind, and every field of it', () => {
    expect(unreadBy(UNDERSTOOD, { withGroups: false })).toEqual([]);
    expect(UNDERSTOOD.length).toBeLessThan(MAX_UNDERSTOOD);
  });

  it('words that are not known here are no harm, and those that are missing are said by what they stand for', () => {
    const older = [...UNDERSTOOD.filter((word) => word !== 'collector-*' && word !== 'PatchPolicy.due'), 'Rollout'];

    expect(unreadBy(older, { withGroups: true })).toEqual(['RiskAcceptance', 'Advisory', 'PatchPolicy.due']);
    expect(unreadBy([], { withGroups: true })).toEqual(expect.arrayContaining(['Window', 'Approval', 'HostGroup']));
  });

  it('one that never said can read what its release could', () => {
    expect(unreadBy(null, { withGroups: true })).toEqual(['RiskAcceptance', 'Advisory', 'PatchPolicy.due']);
    expect(unreadBy(null, { withGroups: false })).toEqual([
      ...['RiskAcceptance', 'Advisory', 'HostGroup'],
      ...['PatchPolicy.select-text', 'PatchPolicy.fallback', 'PatchPolicy.due'],
    ]);
  });
});

describe('when it is asked what a document needs', () => {
  it.each([
    ['a window', windowSample(), ['Window']],
    ['an approval', approvalSample(), ['Approval']],
    ['a policy as the first release knew it', patchPolicySample({ select: { os: 'debian' } }), ['PatchPolicy']],
    [
      'a policy with everything since',
      patchPolicySample({
        ...{ select: 'tier=web', due: { immediate: '3d' }, fallback: { after: '14d', action: 'release' as const } },
      }),
      ['PatchPolicy', 'PatchPolicy.select-text', 'PatchPolicy.fallback', 'PatchPolicy.due'],
    ],
    ['a group', GROUP, ['HostGroup']],
    ['an acceptance', ACCEPTANCE, ['RiskAcceptance']],
    ['an advisory', ADVISORY, ['Advisory']],
  ])('%s', (_what, document, expected) => {
    expect(wordingsOf(document)).toEqual(expected);
  });

  it('every kind has its word, and what no host reads needs one word for all', () => {
    const samples = [windowSample(), patchPolicySample(), approvalSample(), GROUP, ACCEPTANCE, ADVISORY];

    expect(new Set(samples.map(({ kind }) => kind))).toEqual(new Set(Object.keys(KINDS)));
    for (const sample of samples) {
      const without = UNDERSTOOD.filter(
        (word) => word !== (isForCollector(pathOf(sample)) ? 'collector-*' : sample.kind),
      );

      expect(unreadBy(without, { withGroups: true })).toContain(sample.kind);
    }
  });
});

it('when the shape of a document that hosts read is another, older agents must be thought of: a word here, then pin it anew', () => {
  const kinds: Kind[] = ['Window', 'PatchPolicy', 'HostGroup', 'Approval'];

  expect(sha256(canonicalJson([kinds.map(schemaOf), NOT_SUPPORTED_YET]))).toBe(READ_BY_HOSTS);
});
