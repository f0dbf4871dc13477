import { describe, expect, it } from 'vitest';
import { createSigningKey } from './keys.ts';
import { LIFETIME_MS } from './limits.ts';
import { decodeMetadata, fileNameOf } from './metadata.ts';
import { makeSnapshot, makeTimestamp } from './online.ts';
import { adminKeysOf, endingRoles, replaceAdminKey, replaceOnlineKeys } from './rotate.ts';
import { DOCUMENTS, filled, later, NOW, refused } from './testing/attack.ts';
import { forgedRole, latestRole } from './testing/forge.ts';
import { windowSample } from './testing/sample-documents.ts';
import type { SampleRepository } from './testing/sample-repository.ts';
import { newestRoot, verifyRepository } from './trusted-set.ts';

const DAY_MS = 24 * 3_600_000;
const rootOf = (repository: SampleRepository, version: number) =>
  decodeMetadata('root', `${version}.root.json`, repository.contents.get(`${version}.root.json`) ?? new Uint8Array());

describe('when an admin replaces their key', () => {
  it('the root carries the signatures of both, and everything else that of the new key alone', () => {
    const repository = filled();
    const old = repository.rotateAdmin(later(1));
    const [now] = repository.admins;
    const { signatures } = rootOf(repository, 2);
    expect(signatures.map(({ keyid }) => keyid).toSorted()).toEqual([old.keyId, now?.keyId].toSorted());

    const policy = repository.verify(later(1), repository.verify(later(1)).accepted);
    expect(adminKeysOf(policy.signed.root).map(({ keyId }) => keyId)).toEqual([now?.keyId]);
    for (const [role, signed] of Object.entries(policy.signed.roles)) {
      const name = fileNameOf(role, signed.version);
      const file = decodeMetadata('targets', name, repository.contents.get(name) ?? new Uint8Array());
      expect([role, file.signatures.map(({ keyid }) => keyid)]).toEqual([role, [now?.keyId]]);
    }
  });

  it('hosts keep every document, and nothing that the old key signs counts any more', () => {
    const repository = filled();
    const before = repository.verify(NOW);
    const old = repository.rotateAdmin(later(1));
    const after = repository.verify(later(1), before.accepted);
    expect(after.documents).toEqual(before.documents);
    expect(after.documents).toHaveLength(DOCUMENTS.length);

    repository.publish({ metadata: [forgedRole(repository, 'policy', () => ({}), [old])], targets: [] }, later(2));
    refused(repository, 'POLICY_SIGNATURES', { at: later(2), previous: after.accepted });
    // Also for a host that has never seen anything but the first root.
    refused(repository, 'POLICY_SIGNATURES', { at: later(2) });
  });

  it('a root that only one of the two has signed is refused', () => {
    for (const signedBy of ['old', 'new'] as const) {
      const repository = filled();
      const [from] = repository.admins;
      const to = createSigningKey();
      if (!from) throw new Error('one admin');
      const proposal = replaceAdminKey({ current: repository.verify(NOW), from, to, now: later(1) });
      const kept = signedBy === 'old' ? from.keyId : to.keyId;
      const metadata = proposal.metadata.map((file) => {
        if (!file.name.endsWith('.root.json')) return file;
        const envelope = decodeMetadata('root', file.name, file.bytes);
        const signatures = envelope.signatures.filter(({ keyid }) => keyid === kept);

        return { name: file.name, bytes: new TextEncoder().encode(JSON.stringify({ ...envelope, signatures })) };
      });
      repository.publish({ metadata, targets: [] }, later(1));

      refused(repository, 'POLICY_SIGNATURES');
    }
  });

  it('a key that does not count cannot be replaced', () => {
    const repository = filled();
    const [from, to] = [createSigningKey(), createSigningKey()];

    expect(() => replaceAdminKey({ current: repository.verify(NOW), from, to, now: NOW })).toThrow(
      expect.objectContaining({ code: 'KEY_UNUSABLE' }),
    );
  });
});

describe('when the online keys are replaced', () => {
  it('hosts accept lower versions under the new keys, and nothing under the old ones', () => {
    const repository = filled();
    // The thief has run the numbers up as far as they go.
    const honest = repository.verify(NOW);
    const file = honest.accepted.files.find(({ name }) => name.endsWith('.snapshot.json'));
    const snapshot = { version: honest.versions.snapshot ?? 0, bytes: file?.bytes ?? new Uint8Array() };
    const far = makeTimestamp({
      previousVersion: Number.MAX_SAFE_INTEGER - 2,
      snapshot,
      key: repository.online.timestamp,
      now: NOW,
    });
    repository.contents.set(far.name, far.bytes);
    const { accepted } = repository.verify(NOW, honest.accepted);

    const stolen = repository.rotateOnline(later(1));
    const after = repository.verify(later(1), accepted);
    expect(after.versions).toMatchObject({ root: 2, timestamp: Math.floor(later(1).epochMilliseconds / 1000) });

    const roles = Object.entries(after.signed.roles).map(([role, { version }]) => ({
      ...{ role, version },
      bytes: repository.contents.get(fileNameOf(role, version)) ?? new Uint8Array(),
    }));
    const forged = makeSnapshot({ previousVersion: 0, roles, key: stolen.snapshot, now: later(2) });
    const timestamp = makeTimestamp({ previousVersion: 0, snapshot: forged, key: stolen.timestamp, now: later(2) });
    for (const { name, bytes } of [forged, timestamp]) repository.contents.set(name, bytes);
    refused(repository, 'POLICY_SIGNATURES', { at: later(2), previous: after.accepted });
  });

  it('roles do not go back with the versions of the snapshot: the same admins signed them', () => {
    const repository = filled();
    const old = { name: '2.policy.json', bytes: repository.contents.get('2.policy.json') ?? new Uint8Array() };
    expect(old.bytes.length).toBeGreaterThan(0);
    repository.change({ put: [windowSample({ start: '02:00' })] }, later(1));
    const { accepted } = repository.verify(later(1));
    repository.rotateOnline(later(2));
    repository.publish({ metadata: [old], targets: [] }, later(3));
    // Whoever comes anew cannot know better; who has accepted more does.
    expect(repository.verify(later(3)).versions.policy).toBe(2);

    refused(repository, 'POLICY_ROLLED_BACK', { at: later(3), previous: accepted });
  });

  it('the key of an admin is no online key, whoever names it', () => {
    const repository = filled();
    const [admin] = repository.admins;
    if (!admin) throw new Error('one admin');
    const { root } = repository.verify(NOW).signed;
    const online = { snapshot: admin, timestamp: createSigningKey() };

    expect(() => replaceOnlineKeys({ root, online, signers: [admin], now: NOW })).toThrow(
      expect.objectContaining({ code: 'POLICY_SIGNATURES' }),
    );
  });
});

describe('the newest root', () => {
  it('counts from the moment it was seen, also when everything that came with it was refused', () => {
    const repository = filled();
    const before = repository.copy();
    const { accepted } = repository.verify(NOW);
    const old = repository.rotateAdmin(later(1));
    // What comes with the new root does not verify: it has expired by the time the host sees it.
    const request = { root: repository.root, files: repository.files, now: later(48), previous: accepted };
    expect(() => verifyRepository(request)).toThrow(expect.objectContaining({ code: 'POLICY_EXPIRED' }));
    const trusted = newestRoot(request);
    expect(trusted.version).toBe(2);

    // The collector withholds that root from now on, and serves what the replaced key has signed since.
    repository.restore(before);
    const role = latestRole(repository, 'policy');
    const forged = forgedRole(repository, 'policy', () => ({ version: role.version + 1 }), [old]);
    repository.publish({ metadata: [forged], targets: [] }, later(49));
    const offered = { ...request, now: later(49) };
    expect(verifyRepository(offered).versions.root).toBe(1);
    expect(() => verifyRepository({ ...offered, trusted: trusted.bytes })).toThrow(
      expect.objectContaining({ code: 'POLICY_SIGNATURES' }),
    );
  });

  it('is no newer than the chain proves', () => {
    const repository = filled();
    repository.contents.set('2.root.json', repository.root);
    const request = { root: repository.root, files: repository.files, now: later(1), previous: null };

    expect(() => newestRoot(request)).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }));
  });
});

describe('roles that end soon', () => {
  it('are named in time, months and what the collector renews itself are not', () => {
    const repository = filled();
    const policy = repository.verify(NOW);
    const end = NOW.add({ milliseconds: LIFETIME_MS.root });

    expect(endingRoles(policy, end.subtract({ milliseconds: 30 * DAY_MS + 2000 }), 30 * DAY_MS)).toEqual([]);
    expect(endingRoles(policy, end.subtract({ milliseconds: 30 * DAY_MS }), 30 * DAY_MS).toSorted()).toEqual(
      ['approvals', 'lifts', 'policy', 'root', 'targets', 'urgent'].toSorted(),
    );
    expect(endingRoles(policy, end.add({ hours: 1000 }), 0)).toContain('root');
  });
});
