import { describe, expect, it } from 'vitest';
import { decodeAccepted, encodeAccepted, policyInForce, verifyAccepted } from './accepted.ts';
import { overdueRoles, verifyOverdue } from './overdue.ts';
import { patchPolicySample, windowSample } from './testing/sample-documents.ts';
import { sampleRepository } from './testing/sample-repository.ts';

const NOW = Temporal.Instant.from('2026-11-20T12:00:00Z');
const later = (hours: number) => NOW.add({ hours });
const coded = (code: string) => expect.objectContaining({ code });

function filled() {
  const repository = sampleRepository({ now: NOW });
  repository.change({ put: [windowSample()] }, NOW);

  return repository;
}

describe('when a host takes in policy', () => {
  it('accepts what verifies, with the time of acceptance', () => {
    const { root, files } = filled();
    const result = policyInForce({ root, files, now: later(1), previous: null });

    expect(result.problem).toBeNull();
    expect(result.accepted.acceptedAt).toBe('2026-11-20T13:00:00Z');
    expect(result.policy.documents).toHaveLength(1);
  });

  it('goes on with what was accepted once when the timestamp has expired, and accepts nothing newer', () => {
    const repository = filled();
    const { root, files } = repository;
    const { accepted } = repository.verify(NOW);
    repository.change({ put: [patchPolicySample()] }, later(1));
    const result = policyInForce({ root, files, now: later(26), previous: accepted });

    expect(result.problem).toEqual(coded('POLICY_EXPIRED'));
    expect(result.accepted).toBe(accepted);
    expect(result.policy.documents.map(({ document }) => document.kind)).toEqual(['Window']);
  });

  it('goes on with what was accepted once when older policy is served', () => {
    const repository = filled();
    const old = repository.copy();
    repository.change({ put: [patchPolicySample()] }, later(1));
    const { accepted } = repository.verify(later(1));
    repository.restore(old);
    const result = policyInForce({ ...repository, now: later(2), previous: accepted });

    expect(result.problem).toEqual(coded('POLICY_ROLLED_BACK'));
    expect(result.policy.documents).toHaveLength(2);
  });

  it('has nothing to go by when nothing was ever accepted', () => {
    const repository = filled();

    expect(() => policyInForce({ ...repository, now: later(26), previous: null })).toThrow(coded('POLICY_EXPIRED'));
  });
});

describe('when what was accepted is kept', () => {
  it('comes back the same from its one file, and verifies long after', () => {
    const { accepted, documents } = filled().verify(NOW);
    const back = decodeAccepted(encodeAccepted(accepted));

    expect(back).toEqual(accepted);
    expect(verifyAccepted(back).documents).toEqual(documents);
  });

  it('refuses a file that was cut or is something else', () => {
    const bytes = encodeAccepted(filled().verify(NOW).accepted);

    for (const bad of [bytes.slice(0, -1), new Uint8Array(), new TextEncoder().encode('{"format":2}')]) {
      expect(() => decodeAccepted(bad)).toThrow(coded('FILE_CORRUPT'));
    }
  });

  it('refuses kept files that were changed', () => {
    const { accepted } = filled().verify(NOW);
    const files = accepted.files.map((file) =>
      file.name.startsWith('policy/') ? { ...file, bytes: new TextEncoder().encode('{}') } : file,
    );

    expect(() => verifyAccepted({ ...accepted, files })).toThrow(coded('POLICY_INVALID'));
  });
});

describe('when policy is overdue', () => {
  it('is verified as of when it was not, and says what has expired', () => {
    const repository = filled();
    const { root, files } = repository;
    const request = { root, files, now: later(24 * 8), previous: null };
    const { policy, overdue } = verifyOverdue(request);

    expect(overdue).toEqual(['timestamp', 'snapshot']);
    expect(policy.documents).toHaveLength(1);
    expect(overdueRoles(policy, NOW)).toEqual([]);
  });

  it('is still refused for anything but its time', () => {
    const repository = filled();
    const { root, files } = repository;
    repository.contents.set('2.policy.json', repository.contents.get('1.policy.json') ?? new Uint8Array());

    expect(() => verifyOverdue({ root, files, now: later(24 * 8), previous: null })).toThrow(coded('POLICY_INVALID'));
  });
});
