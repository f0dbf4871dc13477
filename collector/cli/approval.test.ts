import { decodeDocuments } from '@selvage/shared/policy/decode.ts';
import type { PatchPolicyDocument } from '@selvage/shared/policy/documents.ts';
import { patchPolicySample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { approvalName, buildApproval, type Decision } from './approval.ts';

const now = Temporal.Instant.from('2026-11-23T10:00:00.5Z');
const fix = {
  ...{ id: 'openssl@3.0.22-1', provider: 'apt' as const, source: 'openssl', version: '3.0.22-1', security: true },
  packages: [
    { name: 'libssl3', version: '3.0.22-1', arch: 'amd64' },
    { name: 'openssl-doc', version: '3.0.22-1', arch: 'all' },
  ],
  hosts: [],
  approval: null,
};
const decision: Decision = {
  ...{ decision: 'approve', policy: 'linux-servers', lane: 'scheduled', add: [], remove: [], lifeMs: 86_400_000 },
};
const documents = [patchPolicySample()];
const build = (over: Partial<Decision> = {}, of: Partial<typeof fix> = {}) =>
  buildApproval({ ...fix, ...of }, { ...decision, ...over }, { documents, now });

describe('when a fix is approved', () => {
  it('names exactly the packages that hosts report, and ends when it was told to', () => {
    const approval = build();

    expect(approval).toMatchObject({
      ...{ name: 'linux-servers.openssl-3.0.22-1', packages: fix.packages, adds: [], removes: [] },
      ...{ approvedAt: '2026-11-23T10:00:00Z', expires: '2026-11-24T10:00:00Z' },
    });
    expect(decodeDocuments([approval])).toEqual([approval]);
  });

  it('adds what is named besides, with the architecture of the fix where it is clear', () => {
    const { adds, removes } = build({ add: ['libnew=1:2.0-1', 'other:arm64=3'], remove: ['old'] });

    expect(adds).toEqual([
      { name: 'libnew', version: '1:2.0-1', arch: 'amd64' },
      { name: 'other', version: '3', arch: 'arm64' },
    ]);
    expect(removes).toEqual(['old']);
  });

  it.each([
    ['a policy that is not there', { policy: 'none' }, {}, 'NOT_FOUND'],
    ['a lane that the policy does not have', { lane: 'immediate' as const }, {}, 'USAGE'],
    ['a package without a version', { add: ['libnew'] }, {}, 'USAGE'],
    ['an end after the role of the month', { lifeMs: 70 * 86_400_000 }, {}, 'USAGE'],
    ['a fix nobody reports packages of', {}, { packages: [] }, 'USAGE'],
    [
      'a package whose architecture is not clear',
      { add: ['libnew=1'] },
      { packages: [...fix.packages, { name: 'x', version: '1', arch: 'arm64' }] },
      'USAGE',
    ],
  ])('refuses %s', (_name, over, of, code) => {
    expect(() => build(over, of)).toThrow(expect.objectContaining({ code }));
  });
});

describe('when the policy does not let such a fix in', () => {
  const decide = (security: boolean, from: PatchPolicyDocument['allow']['from'], verdict: Decision['decision']) =>
    buildApproval(
      { ...fix, security },
      { ...decision, decision: verdict },
      { documents: [patchPolicySample({ allow: { from } })], now },
    );

  it.each<[boolean, PatchPolicyDocument['allow']['from']]>([
    [false, ['security']],
    [true, ['updates', 'point-release']],
  ])('security %s is not approved where only %s is allowed', (security, from) => {
    expect(() => decide(security, from, 'approve')).toThrow(expect.objectContaining({ code: 'POLICY_FORBIDS' }));
    expect(decide(security, from, 'reject').decision).toBe('reject');
  });

  it.each<[boolean, PatchPolicyDocument['allow']['from']]>([
    [false, ['point-release']],
    [true, ['security']],
  ])('security %s is approved where %s is allowed', (security, from) => {
    expect(decide(security, from, 'approve').decision).toBe('approve');
  });
});

describe('when an approval is named', () => {
  const part = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9+._-]{0,80}$/);
  const version = fc.stringMatching(/^[0-9][a-zA-Z0-9+.:~-]{0,80}$/);

  it('every fix gets a name that documents may have', () => {
    fc.assert(
      fc.property(part, version, (source, version) => {
        expect(approvalName('p', { source, version })).toMatch(/^[a-z0-9][a-z0-9.+~_-]{0,99}$/);
      }),
    );
  });

  it('versions that differ only in what is replaced get different names', () => {
    const names = ['1.0a', '1.0A', '1:0', `1${'0'.repeat(120)}`, `1${'0'.repeat(121)}`].map((version) =>
      approvalName('p', { source: 's', version }),
    );

    expect(new Set(names).size).toBe(names.length);
  });
});
