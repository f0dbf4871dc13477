import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSigningKey, readSigningKey } from './keys.ts';
import { nextOnlineVersion } from './online.ts';
import {
  addSignature,
  changeAdmins,
  changeDocuments,
  combineSignatures,
  createRepository,
  renewRoles,
} from './sign.ts';
import { approvalSample, patchPolicySample, windowSample } from './testing/sample-documents.ts';
import { sampleRepository } from './testing/sample-repository.ts';

const NOW = Temporal.Instant.from('2026-11-20T12:00:00Z');
const later = (hours: number) => NOW.add({ hours });
const coded = (code: string) => expect.objectContaining({ code });

describe('when a key is made', () => {
  it('comes back from its PEM', () => {
    const key = createSigningKey();

    expect(readSigningKey(key.privateKey)).toEqual(key);
    expect(key.keyId).toMatch(/^[0-9a-f]{64}$/);
  });

  it('is refused when it is something else', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

    expect(() => readSigningKey(pem)).toThrow(coded('KEY_UNUSABLE'));
    expect(() => readSigningKey('not a key')).toThrow(coded('KEY_UNUSABLE'));
  });
});

describe('when a repository is created', () => {
  it.each([0, 3])('refuses a threshold of %d for two admins', (threshold) => {
    const admins = [createSigningKey(), createSigningKey()];
    const online = { snapshot: createSigningKey(), timestamp: createSigningKey() };

    expect(() => createRepository({ admins, threshold, signers: admins, online, now: NOW })).toThrow(
      coded('POLICY_SIGNATURES'),
    );
  });

  it('refuses the same admin twice', () => {
    const admin = createSigningKey();
    const online = { snapshot: createSigningKey(), timestamp: createSigningKey() };
    const request = { admins: [admin, admin], threshold: 1, signers: [admin], online, now: NOW };

    expect(() => createRepository(request)).toThrow(coded('POLICY_SIGNATURES'));
  });
});

describe('when documents change', () => {
  it('opens a month of approvals once, and removes what is named', () => {
    const repository = sampleRepository({ now: NOW });
    const december = approvalSample({ approvedAt: '2026-12-01T00:00:00Z', expires: '2026-12-24T00:00:00Z' });
    repository.change({ put: [windowSample(), approvalSample(), december] }, NOW);
    expect(repository.verify(NOW).versions).toMatchObject({
      approvals: 2,
      'approvals-2026-11': 1,
      'approvals-2026-12': 1,
    });
    repository.change(
      { remove: ['policy/windows/weekday-nights.json'], put: [approvalSample({ name: 'b' })] },
      later(1),
    );
    const { versions, documents } = repository.verify(later(1));

    expect(versions).toMatchObject({ approvals: 2, policy: 3, 'approvals-2026-11': 2, 'approvals-2026-12': 1 });
    expect(documents.map(({ document }) => document.kind)).toEqual(['Approval', 'Approval', 'Approval']);
  });

  it('does not remove what is not there, nor approve in a month that is over', () => {
    const repository = sampleRepository({ now: NOW });
    const request = { current: repository.verify(NOW), signers: repository.admins, now: NOW };

    expect(() => changeDocuments({ ...request, remove: ['policy/windows/x.json'] })).toThrow(coded('NOT_FOUND'));
    expect(() =>
      changeDocuments({ ...request, put: [approvalSample({ approvedAt: '2026-09-30T00:00:00Z' })] }),
    ).toThrow(coded('DOCUMENT_INVALID'));
  });

  it('renews a role without changing it', () => {
    const repository = sampleRepository({ now: NOW });
    repository.change({ put: [windowSample()] }, NOW);
    const current = repository.verify(NOW);
    const roles = ['root', 'policy'];
    repository.publish(renewRoles({ current, roles, signers: repository.admins, now: later(1) }), later(1));
    const after = repository.verify(later(1));

    expect(after.versions).toMatchObject({ root: 2, policy: 3, targets: 1 });
    expect(after.expires.policy).toBe('2027-11-20T13:00:00Z');
    expect(after.documents).toEqual(current.documents);
  });
});

describe('when several admins must sign', () => {
  it('counts signatures that were added or combined, in any order', () => {
    const repository = sampleRepository({ now: NOW, admins: 3, threshold: 2 });
    const [one, two, three] = repository.admins;
    if (!one || !two || !three) throw new Error('three admins');
    const current = repository.verify(NOW);
    const proposal = changeDocuments({ current, put: [windowSample()], signers: [one], now: NOW });
    const [file] = proposal.metadata;
    if (!file) throw new Error('a file');
    repository.publish({ ...proposal, metadata: [addSignature(file, one)] }, later(1));
    expect(() => repository.verify(later(1))).toThrow(coded('POLICY_SIGNATURES'));

    repository.publish({ ...proposal, metadata: [addSignature(file, two)] }, later(1));
    expect(repository.verify(later(1)).versions.policy).toBe(2);
    repository.publish({ ...proposal, metadata: [combineSignatures([file, addSignature(file, three)])] }, later(1));
    expect(repository.verify(later(1)).documents).toHaveLength(1);
  });

  it('does not combine signatures of different texts', () => {
    const repository = sampleRepository({ now: NOW });
    const request = { current: repository.verify(NOW), signers: repository.admins, now: NOW };
    const [one] = changeDocuments({ ...request, put: [windowSample()] }).metadata;
    const [other] = changeDocuments({ ...request, put: [patchPolicySample()] }).metadata;
    if (!one || !other) throw new Error('two files');

    expect(() => combineSignatures([one, other])).toThrow(coded('POLICY_CONFLICT'));
    expect(() => combineSignatures([])).toThrow(coded('USAGE'));
  });
});

describe('when admins change', () => {
  it('lets the new one sign and the revoked one no longer', () => {
    const repository = sampleRepository({ now: NOW, admins: 1 });
    const [old] = repository.admins;
    const added = createSigningKey();
    if (!old) throw new Error('an admin');
    repository.change({ put: [windowSample(), patchPolicySample(), approvalSample()] }, NOW);
    const both = { admins: [old, added], threshold: 1, signers: [old], now: NOW };
    repository.publish(changeAdmins({ ...both, current: repository.verify(NOW) }), NOW);
    repository.change({ put: [windowSample({ start: '02:00' })], signers: [added] }, NOW);
    const only = { admins: [added], threshold: 1, signers: [old, added], now: NOW };
    repository.publish(changeAdmins({ ...only, current: repository.verify(NOW) }), NOW);
    expect(repository.verify(NOW).documents).toHaveLength(3);
    const before = repository.copy();

    for (const put of [windowSample({ start: '03:00' }), approvalSample({ name: 'late' })]) {
      repository.change({ put: [put], signers: [old] }, later(1));
      expect(() => repository.verify(later(1))).toThrow(coded('POLICY_SIGNATURES'));
      repository.restore(before);
    }
  });

  it('needs the old keys for a new root', () => {
    const repository = sampleRepository({ now: NOW });
    const added = createSigningKey();
    const request = { admins: [added], threshold: 1, signers: [added], now: NOW };
    repository.publish(changeAdmins({ ...request, current: repository.verify(NOW) }), NOW);

    expect(() => repository.verify(NOW)).toThrow(coded('POLICY_SIGNATURES'));
  });
});

describe('when online metadata gets its version', () => {
  it.each([
    [0, 1_795_176_000],
    [1_795_175_999, 1_795_176_000],
    [1_795_176_000, 1_795_176_001],
    [9_000_000_000, 9_000_000_001],
  ])('after %d it is %d', (previous, next) => {
    expect(nextOnlineVersion(previous, NOW)).toBe(next);
  });
});
