// Who may sign what: the threat list of the TUF specification (section 1.5.2) about keys, roles and documents.
import { describe, expect, it } from 'vitest';
import { canonicalJson, sha256 } from '../files/canonical.ts';
import { createSigningKey, policyKey, toTufKey } from './keys.ts';
import { decodeMetadata, type TargetsSigned } from './metadata.ts';
import { changeDocuments, documentBytes } from './sign.ts';
import { DOCUMENTS, filled, forge, later, NOW, refused, replaceRoot, utf8 } from './testing/attack.ts';
import { forgedRole, latestRole, signedFile } from './testing/forge.ts';
import { approvalSample, patchPolicySample, windowSample } from './testing/sample-documents.ts';
import { verifyRepository } from './trusted-set.ts';

describe('arbitrary policy', () => {
  it('of another root is refused', () => {
    const repository = filled();
    const other = filled();

    expect(() =>
      verifyRepository({ root: other.root, files: repository.files, now: later(1), previous: null }),
    ).toThrow(expect.objectContaining({ code: 'POLICY_SIGNATURES' }));
  });

  it.each(['targets', 'policy', 'approvals', 'approvals-2026-11', 'urgent', 'lifts'])(
    "of the collector's own keys for %s is refused",
    (role) => {
      const repository = filled();
      const { snapshot, timestamp } = repository.online;
      const file = forgedRole(repository, role, () => ({}), [snapshot, timestamp]);
      repository.publish({ metadata: [file], targets: [] }, later(1));

      refused(repository, 'POLICY_SIGNATURES');
    },
  );

  it('under a threshold of two is refused with one key, however often it signs', () => {
    const repository = filled({ admins: 2, threshold: 2 });
    const [one] = repository.admins;
    if (!one) throw new Error('an admin');
    const file = forgedRole(repository, 'policy', () => ({}), [one, one]);
    repository.publish({ metadata: [file], targets: [] }, later(1));
    refused(repository, 'POLICY_SIGNATURES');

    const envelope = decodeMetadata('targets', file.name, file.bytes);
    const twice = { ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] };
    repository.publish({ metadata: [{ ...file, bytes: utf8(canonicalJson(twice)) }], targets: [] }, later(1));
    refused(repository, 'POLICY_INVALID');
  });

  it('with a second id for the same public key is refused', () => {
    const repository = filled({ admins: 1 });
    const [one] = repository.admins;
    if (!one) throw new Error('an admin');
    const alias = { ...one, keyId: sha256('another name') };
    forge(repository, 'targets', ({ delegations }) => ({
      delegations: {
        keys: { ...delegations?.keys, [alias.keyId]: toTufKey(alias) },
        roles: (delegations?.roles ?? []).map((role) =>
          role.name === 'policy' ? { ...role, keyids: [one.keyId, alias.keyId], threshold: 2 } : role,
        ),
      },
    }));
    const metadata = [forgedRole(repository, 'policy', () => ({}), [one, alias])];
    repository.publish({ metadata, targets: [] }, later(1));

    refused(repository, 'POLICY_SIGNATURES');
  });

  it('with a second id for the same public key in the root is refused', () => {
    const repository = filled();
    const [one] = repository.admins;
    if (!one) throw new Error('an admin');
    const alias = { ...one, keyId: sha256('another name') };
    replaceRoot(repository, ({ keys, roles }) => ({
      keys: { ...keys, [alias.keyId]: toTufKey(alias) },
      roles: { ...roles, targets: { keyids: [one.keyId, alias.keyId], threshold: 2 } },
    }));
    const metadata = [forgedRole(repository, 'targets', () => ({}), [one, alias])];
    repository.publish({ metadata, targets: [] }, later(1));

    refused(repository, 'POLICY_SIGNATURES');
  });

  it('with a key under an id that is not its hash is refused', () => {
    const repository = filled();
    const renamed = { ...createSigningKey(), keyId: sha256('another name') };
    replaceRoot(repository, ({ keys }) => ({ keys: { ...keys, [renamed.keyId]: toTufKey(renamed) } }));

    refused(repository, 'POLICY_SIGNATURES');
  });

  it('by a root that lets an online key sign targets is refused', () => {
    const repository = filled();
    const { timestamp } = repository.online;
    replaceRoot(repository, ({ roles }) => ({
      roles: { ...roles, targets: { keyids: [...roles.targets.keyids, timestamp.keyId], threshold: 1 } },
    }));

    refused(repository, 'POLICY_SIGNATURES');
  });

  it('by a role that fewer keys exist for than must sign is refused', () => {
    const repository = filled();
    forge(repository, 'targets', ({ delegations }) => ({
      delegations: {
        keys: delegations?.keys ?? {},
        roles: (delegations?.roles ?? []).map((role) => ({ ...role, threshold: 2 })),
      },
    }));

    refused(repository, 'POLICY_SIGNATURES');
  });

  it('by a delegation to an online key is refused, even when admins signed that', () => {
    const repository = filled();
    const { timestamp } = repository.online;
    forge(repository, 'targets', ({ delegations }) => ({
      delegations: {
        keys: { ...delegations?.keys, [timestamp.keyId]: toTufKey(timestamp) },
        roles: (delegations?.roles ?? []).map((role) => ({ ...role, keyids: [...role.keyids, timestamp.keyId] })),
      },
    }));

    refused(repository, 'POLICY_SIGNATURES');
  });

  it('by a month that is easier to sign than approvals is refused', () => {
    const stranger = createSigningKey();
    for (const change of [{ keyids: [stranger.keyId] }, { threshold: 1 }]) {
      const repository = filled({ admins: 2, threshold: 2 });
      forge(repository, 'approvals', ({ delegations }) => ({
        delegations: {
          keys: { ...delegations?.keys, [stranger.keyId]: toTufKey(stranger) },
          roles: (delegations?.roles ?? []).map((role) => ({ ...role, threshold: 1, ...change })),
        },
      }));

      refused(repository, 'POLICY_SIGNATURES');
    }
  });
});

describe('a role outside its folder', () => {
  const window = documentBytes(windowSample({ name: 'elsewhere' }));
  const target = { length: window.length, hashes: { sha256: sha256(window) } };

  it.each([
    ['urgent', 'policy/windows/elsewhere.json'],
    ['approvals-2026-11', 'policy/windows/elsewhere.json'],
    ['approvals-2026-11', 'approvals/2026-12/elsewhere.json'],
    ['approvals', 'approvals/2026-11/elsewhere.json'],
    ['targets', 'policy/windows/elsewhere.json'],
    ['policy', 'policy/elsewhere.json'],
    ['policy', 'policy/windows/deep/elsewhere.json'],
  ])('%s may not sign %s', (role, path) => {
    const repository = filled();
    forge(repository, role, ({ targets }) => ({ targets: { ...targets, [path]: target } }));
    repository.contents.set(`${path}#${sha256(window)}`, window);

    expect(() => repository.verify(later(1))).toThrow(
      expect.objectContaining({ code: 'POLICY_INVALID', details: { role, path } }),
    );
  });

  it.each([
    ['another role', { name: 'extra', paths: ['policy/*/*'] }],
    ['a wider pattern', { name: 'lifts', paths: ['*/*'] }],
    ['two patterns', { name: 'lifts', paths: ['lifts/*', 'policy/*/*'] }],
    ['a month without approvals', { name: 'approvals-2026-12', paths: ['approvals/2026-12/*'] }],
    ['a role twice', { name: 'policy', paths: ['policy/*/*'] }],
  ])('targets may not delegate to %s', (_what, change) => {
    const repository = filled();
    forge(repository, 'targets', ({ delegations }) => ({
      delegations: {
        keys: delegations?.keys ?? {},
        roles: (delegations?.roles ?? []).map((role) => (role.name === 'lifts' ? { ...role, ...change } : role)),
      },
    }));

    refused(repository, 'POLICY_INVALID');
  });

  it('targets may not give a month to keys of its own choice, past approvals', () => {
    const repository = filled();
    const stranger = createSigningKey();
    const month = { keyids: [stranger.keyId], threshold: 1, terminating: true as const };
    forge(repository, 'targets', ({ delegations }) => ({
      delegations: {
        keys: { ...delegations?.keys, [stranger.keyId]: toTufKey(stranger) },
        roles: [...(delegations?.roles ?? []), { ...month, name: 'approvals-2026-12', paths: ['approvals/2026-12/*'] }],
      },
    }));
    const signed = { ...latestRole(repository, 'lifts'), version: 1 };
    repository.publish({ metadata: [signedFile('approvals-2026-12', signed, [stranger])], targets: [] }, later(1));

    refused(repository, 'POLICY_INVALID');
  });

  it.each(['policy', 'approvals-2026-11'])('%s may not delegate', (role) => {
    const repository = filled();
    forge(repository, role, () => ({ delegations: { keys: {}, roles: [] } }));

    refused(repository, 'POLICY_INVALID');
  });
});

describe('documents', () => {
  const withDocument = (path: string, value: unknown, tamper: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes) => {
    const repository = filled();
    const bytes = utf8(canonicalJson(value));
    const target = { length: bytes.length, hashes: { sha256: sha256(bytes) } };
    forge(repository, 'policy', ({ targets }) => ({ targets: { ...targets, [path]: target } }));
    repository.contents.set(`${path}#${target.hashes.sha256}`, tamper(bytes));

    return repository;
  };

  it('are the bytes whose length and hash were signed', () => {
    const path = 'policy/windows/other.json';
    const window = windowSample({ name: 'other' });
    expect(withDocument(path, window).verify(later(1)).documents).toHaveLength(4);

    refused(
      withDocument(path, window, (bytes) => bytes.slice(1)),
      'POLICY_INVALID',
    );
    refused(
      withDocument(path, window, (bytes) => bytes.with(0, 0x20)),
      'POLICY_INVALID',
    );
    refused(
      withDocument(path, window, (bytes) => Uint8Array.of(...bytes, 0x20)),
      'POLICY_INVALID',
    );
  });

  it.each([
    ['of an unknown kind', 'policy/windows/x.json', { kind: 'Script', name: 'x' }],
    ['with an unknown field', 'policy/windows/x.json', { ...windowSample({ name: 'x' }), force: true }],
    ['that asks for what is not built', 'policy/patch-policies/x.json', patchPolicySample({ name: 'x', reboot: {} })],
    ['under another name', 'policy/windows/x.json', windowSample({ name: 'y' })],
    ['of another kind than its folder', 'policy/windows/x.json', patchPolicySample({ name: 'x' })],
    ['that is an approval in the folder of policies', 'policy/windows/x.json', approvalSample({ name: 'x' })],
    ['that is no object', 'policy/windows/x.json', 'x'],
  ])('%s refuse the whole policy', (_what, path, value) => {
    refused(withDocument(path, value), 'POLICY_INVALID');
  });

  it('that are missing refuse the whole policy', () => {
    const repository = filled();
    for (const name of [...repository.contents.keys()]) if (name.includes('#')) repository.contents.delete(name);

    refused(repository, 'POLICY_INVALID');
  });
});

describe('metadata', () => {
  it.each([
    ['a field that is not known', { custom: true }],
    ['a version that is no whole number', { version: 2.5 }],
    ['an expiry that is no instant', { expires: 'never' }],
    ['another specification', { spec_version: '2.0.0' }],
  ])('with %s is refused', (_what, change) => {
    const repository = filled();
    const name = '3.policy.json';
    const file = forgedRole(repository, 'policy', () => change as Partial<TargetsSigned>);
    repository.publish({ metadata: [{ name, bytes: file.bytes }], targets: [] }, later(1));

    refused(repository, 'POLICY_INVALID');
  });

  it('of a delegated role that is missing refuses the whole policy', () => {
    const repository = filled();
    repository.contents.delete('1.lifts.json');

    refused(repository, 'POLICY_INVALID');
  });
});

describe('a public key', () => {
  it('is written in one way only', () => {
    const key = createSigningKey();

    expect(() => policyKey(key.publicKey.toUpperCase())).toThrow(expect.objectContaining({ code: 'KEY_UNUSABLE' }));
    const repository = filled();
    const upper = { ...toTufKey(key), keyval: { public: key.publicKey.toUpperCase() } };
    replaceRoot(repository, ({ keys }) => ({ keys: { ...keys, [sha256(canonicalJson(upper))]: upper } }));
    refused(repository, 'POLICY_INVALID');
  });
});

describe('changing documents', () => {
  it('signs only what changes', () => {
    const repository = filled();
    const request = { current: repository.verify(NOW), signers: repository.admins, now: later(1) };
    const names = ({ metadata }: ReturnType<typeof changeDocuments>) => metadata.map(({ name }) => name);

    expect(names(changeDocuments({ ...request, put: DOCUMENTS }))).toEqual([]);
    expect(names(changeDocuments({ ...request, put: [windowSample({ start: '05:00' })] }))).toEqual(['3.policy.json']);
    expect(names(changeDocuments({ ...request, put: [approvalSample({ name: 'b' })] }))).toEqual([
      '2.approvals-2026-11.json',
    ]);
  });
});
