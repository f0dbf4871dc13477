import { describe, expect, it } from 'vitest';
import { approvalSample, patchPolicySample, windowSample } from './testing/sample-documents.ts';
import { sampleRepository } from './testing/sample-repository.ts';
import { verifyRepository } from './trusted-set.ts';

const NOW = Temporal.Instant.from('2026-11-20T12:00:00Z');
const HOUR = { hours: 1 };

describe('when a repository is whole', () => {
  it('gives its documents with path, hash, role, versions and expiries', () => {
    const repository = sampleRepository({ now: NOW });
    repository.change({ put: [windowSample(), patchPolicySample(), approvalSample()] }, NOW.add(HOUR));
    const policy = repository.verify(NOW.add(HOUR));

    expect(policy.documents.map(({ path, role }) => [role, path])).toEqual([
      ['policy', 'policy/patch-policies/linux-servers.json'],
      ['policy', 'policy/windows/weekday-nights.json'],
      ['approvals-2026-11', 'approvals/2026-11/linux-servers.openssl-3.0.22.json'],
    ]);
    expect(policy.versions).toMatchObject({ root: 1, targets: 1, policy: 2, approvals: 2, 'approvals-2026-11': 1 });
    expect(policy.expires).toMatchObject({ 'approvals-2026-11': '2027-01-01T00:00:00Z', root: '2027-11-20T12:00:00Z' });
  });

  it('can be verified again from what was accepted alone', () => {
    const repository = sampleRepository({ now: NOW });
    repository.change({ put: [windowSample()] }, NOW);
    const { accepted, documents } = repository.verify(NOW);
    const kept = new Map(accepted.files.map((file) => [file.name, file.bytes]));
    const again = verifyRepository({
      root: accepted.root,
      files: (name) => kept.get(name) ?? null,
      now: NOW,
      previous: null,
    });

    expect(again.documents).toEqual(documents);
  });
});
