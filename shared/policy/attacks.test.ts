// The threat list of the TUF specification (section 1.5.2), each attack tried with the keys its attacker would have.
import { describe, expect, it } from 'vitest';
import { canonicalJson, sha256 } from '../files/canonical.ts';
import { createSigningKey, policyKey, toTufKey } from './keys.ts';
import { MAX_POLICY_FILE_BYTES, MAX_POLICY_TOTAL_BYTES } from './limits.ts';
import { decodeMetadata, type RootSigned, type TargetsSigned } from './metadata.ts';
import { makeSnapshot, makeTimestamp } from './online.ts';
import { changeAdmins, changeDocuments, documentBytes } from './sign.ts';
import { forgedRole, latestRole, signedFile } from './testing/forge.ts';
import { approvalSample, patchPolicySample, windowSample } from './testing/sample-documents.ts';
import { type SampleRepository, sampleRepository } from './testing/sample-repository.ts';
import { type AcceptedPolicy, verifyRepository } from './trusted-set.ts';

const NOW = Temporal.Instant.from('2026-11-20T12:00:00Z');
const later = (hours: number) => NOW.add({ hours });
const DOCUMENTS = [windowSample(), patchPolicySample(), approvalSample()];
const utf8 = (text: string) => new TextEncoder().encode(text);

function filled(options: { admins?: number; threshold?: number } = {}): SampleRepository {
  const repository = sampleRepository({ now: NOW, ...options });
  repository.change({ put: DOCUMENTS }, NOW);

  return repository;
}

function refused(
  repository: SampleRepository,
  expected: string,
  { at = later(1), previous = null as AcceptedPolicy | null } = {},
) {
  expect(() => repository.verify(at, previous)).toThrow(expect.objectContaining({ code: expected }));
}

/** Publishes a role whose signed part was changed. */
function forge(repository: SampleRepository, role: string, change: (signed: TargetsSigned) => Partial<TargetsSigned>) {
  repository.publish({ metadata: [forgedRole(repository, role, change)], targets: [] }, later(1));
}

function replaceRoot(repository: SampleRepository, change: (root: RootSigned) => Partial<RootSigned>) {
  const before = decodeMetadata('root', '1.root.json', repository.root).signed;
  const file = signedFile('root', { ...before, version: 2, ...change(before) }, repository.admins);
  repository.contents.set(file.name, file.bytes);
}

describe('rollback', () => {
  it('of the timestamp is refused', () => {
    const repository = filled();
    const old = repository.copy();
    repository.change({ put: [windowSample({ start: '02:00' })] }, later(1));
    const { accepted } = repository.verify(later(1));
    repository.restore(old);

    refused(repository, 'POLICY_ROLLED_BACK', { previous: accepted });
  });

  it('of the snapshot under a newer timestamp is refused', () => {
    const repository = filled();
    const old = repository.verify(NOW);
    repository.change({ put: [windowSample({ start: '02:00' })] }, later(1));
    const { accepted, versions } = repository.verify(later(1));
    const oldSnapshot = old.accepted.files.find(({ name }) => name.endsWith('.snapshot.json'));
    const timestamp = makeTimestamp({
      previousVersion: versions.timestamp ?? 0,
      snapshot: { version: old.versions.snapshot ?? 0, bytes: oldSnapshot?.bytes ?? new Uint8Array() },
      key: repository.online.timestamp,
      now: later(1),
    });
    repository.contents.set(timestamp.name, timestamp.bytes);

    refused(repository, 'POLICY_ROLLED_BACK', { previous: accepted });
  });

  it.each(['policy', 'approvals-2026-11'])('of %s under newer online metadata is refused', (role) => {
    const repository = filled();
    const name = `${latestRole(repository, role).version}.${role}.json`;
    const old = { name, bytes: repository.contents.get(name) ?? new Uint8Array() };
    const put = [windowSample({ start: '02:00' }), approvalSample({ name: 'another' })];
    repository.change({ put }, later(1));
    const { accepted } = repository.verify(later(1));
    repository.publish({ metadata: [old], targets: [] }, later(2));

    refused(repository, 'POLICY_ROLLED_BACK', { at: later(2), previous: accepted });
    expect(repository.verify(later(2)).versions[role]).toBe(latestRole(repository, role).version - 1);
  });

  it('by leaving a role out of the snapshot is refused', () => {
    const repository = filled();
    const { accepted, versions } = repository.verify(NOW);
    const roles = [
      { role: 'targets', version: 1, bytes: repository.contents.get('1.targets.json') ?? new Uint8Array() },
    ];
    const { snapshot: key, timestamp } = repository.online;
    const snapshot = makeSnapshot({ previousVersion: versions.snapshot ?? 0, roles, key, now: later(1) });
    const previousVersion = versions.timestamp ?? 0;
    for (const file of [snapshot, makeTimestamp({ previousVersion, snapshot, key: timestamp, now: later(1) })]) {
      repository.contents.set(file.name, file.bytes);
    }

    refused(repository, 'POLICY_ROLLED_BACK', { previous: accepted });
    refused(repository, 'POLICY_INVALID');
  });

  it('to the pinned root does not undo a root that was reached before', () => {
    const repository = filled({ admins: 2, threshold: 1 });
    const [first, second] = repository.admins;
    if (!first || !second) throw new Error('two admins');
    const before = repository.copy();
    const current = repository.verify(NOW);
    repository.publish(
      changeAdmins({ current, admins: [second], threshold: 1, signers: [first, second], now: NOW }),
      later(1),
    );
    const { accepted, versions } = repository.verify(later(1));
    expect(versions.root).toBe(2);
    // The collector hides the new root and serves, as newer, metadata that the revoked admin signed alone.
    repository.restore(before);
    const metadata = Object.keys(current.signed.roles).map((role) =>
      forgedRole(repository, role, () => ({ version: 9 }), [first]),
    );
    repository.publish({ metadata, targets: [] }, later(2));
    expect(repository.verify(later(2)).versions.policy).toBe(9);

    refused(repository, 'POLICY_SIGNATURES', { at: later(2), previous: accepted });
  });
});

describe('freeze', () => {
  it.each([
    ['timestamp', 24],
    ['snapshot', 7 * 24],
    ['root and roles', 365 * 24],
  ])('by never serving a newer %s ends with its expiry', (what, hours) => {
    const repository = filled();
    const publishAt = what === 'timestamp' ? null : later(hours - 1);
    if (publishAt) {
      const { versions, accepted } = repository.verify(NOW);
      const file = accepted.files.find(({ name }) => name.endsWith('.snapshot.json'));
      const snapshot = { version: versions.snapshot ?? 0, bytes: file?.bytes ?? new Uint8Array() };
      const key = repository.online.timestamp;
      if (what === 'snapshot') {
        const timestamp = makeTimestamp({ previousVersion: 1, snapshot, key, now: publishAt });
        repository.contents.set(timestamp.name, timestamp.bytes);
      } else repository.publish({ metadata: [], targets: [] }, publishAt);
    }

    expect(repository.verify(later(hours).subtract({ seconds: 1 })).versions.root).toBe(1);
    refused(repository, 'POLICY_EXPIRED', { at: later(hours) });
  });

  it('of a single role ends with that role', () => {
    const repository = filled();
    forge(repository, 'lifts', () => ({ expires: '2026-11-20T13:00:00Z' }));

    expect(repository.verify(later(1).subtract({ seconds: 1 })).versions.lifts).toBe(2);
    refused(repository, 'POLICY_EXPIRED');
  });
});

describe('mix-and-match', () => {
  it('of a snapshot, a role or a document of another time is refused', () => {
    for (const pattern of [/\.snapshot\.json$/, /\.policy\.json$/, /^policy\/windows\/.*#/]) {
      const repository = filled();
      const old = repository.verify(NOW).accepted.files;
      const window = old.find(({ name }) => name.includes('windows'))?.bytes;
      const before = old.find(({ name }) => pattern.test(name))?.bytes ?? window ?? new Uint8Array();
      repository.change({ put: [windowSample({ start: '02:00' })] }, later(1));
      const name = [...repository.contents.keys()].filter((key) => pattern.test(key)).at(-1) ?? '';
      repository.contents.set(name, before);

      refused(repository, 'POLICY_INVALID');
    }
  });
});

describe('fast-forward', () => {
  it('of the online metadata is undone by a root with other online keys, and by nothing less', () => {
    const repository = filled();
    const { accepted: honest, versions } = repository.verify(NOW);
    const far = Temporal.Instant.from('2100-01-01T00:00:00Z');
    const file = honest.files.find(({ name }) => name.endsWith('.snapshot.json'));
    const stolen = makeTimestamp({
      previousVersion: far.epochMilliseconds,
      snapshot: { version: versions.snapshot ?? 0, bytes: file?.bytes ?? new Uint8Array() },
      key: repository.online.timestamp,
      now: NOW,
    });
    const before = repository.copy();
    repository.contents.set(stolen.name, stolen.bytes);
    const { accepted } = repository.verify(NOW, honest);
    repository.restore(before);
    refused(repository, 'POLICY_ROLLED_BACK', { previous: accepted });

    const online = { snapshot: createSigningKey(), timestamp: createSigningKey() };
    const { admins } = repository;
    const current = repository.verify(NOW);
    const proposal = changeAdmins({ current, admins, threshold: 1, signers: admins, online, now: later(1) });
    repository.publish(proposal, later(1));
    // The sample publishes with its own keys; sign again with the new ones.
    const roles = Object.entries(current.versions)
      .filter(([role]) => !['root', 'timestamp', 'snapshot'].includes(role))
      .map(([role, version]) => {
        const next = `${version + 1}.${role}.json`;

        return { role, version: version + 1, bytes: repository.contents.get(next) ?? new Uint8Array() };
      });
    const snapshot = makeSnapshot({ previousVersion: 0, roles, key: online.snapshot, now: later(1) });
    const timestamp = makeTimestamp({ previousVersion: 0, snapshot, key: online.timestamp, now: later(1) });
    for (const { name, bytes } of [snapshot, timestamp]) repository.contents.set(name, bytes);

    expect(repository.verify(later(1), accepted).versions).toMatchObject({ root: 2, timestamp: timestamp.version });
  });
});

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

describe('the chain of roots', () => {
  it('needs the keys of the root before', () => {
    const repository = filled();
    const stranger = createSigningKey();
    const before = decodeMetadata('root', '1.root.json', repository.root).signed;
    const role = { keyids: [stranger.keyId], threshold: 1 };
    const keys = { ...before.keys, [stranger.keyId]: toTufKey(stranger) };
    const roles = { ...before.roles, root: role, targets: role };
    const file = signedFile('root', { ...before, version: 2, keys, roles }, [stranger]);
    repository.contents.set(file.name, file.bytes);

    refused(repository, 'POLICY_SIGNATURES');
  });

  it('has no gap: a later root under an earlier name is refused, and one without the step before is not seen', () => {
    const repository = filled();
    const before = decodeMetadata('root', '1.root.json', repository.root).signed;
    const third = signedFile('root', { ...before, version: 3 }, repository.admins);
    repository.contents.set(third.name, third.bytes);
    expect(repository.verify(later(1)).versions.root).toBe(1);
    repository.contents.set('2.root.json', third.bytes);

    refused(repository, 'POLICY_INVALID');
  });
});

describe('endless data', () => {
  it('in one file, nested without end, or in many files is refused', () => {
    const files: [string, Uint8Array][] = [
      ['timestamp.json', new Uint8Array(MAX_POLICY_FILE_BYTES + 1)],
      ['timestamp.json', utf8('['.repeat(MAX_POLICY_FILE_BYTES))],
      ['2.root.json', utf8('{'.repeat(1000))],
      ['timestamp.json', new Uint8Array()],
      ['timestamp.json', Uint8Array.of(0xff, 0xfe)],
    ];
    for (const [name, bytes] of files) {
      const repository = filled();
      repository.contents.set(name, bytes);

      refused(repository, 'POLICY_INVALID');
    }
  });

  it('ends with the total: roots that go on and on are not all read', () => {
    const repository = filled();
    const padded = utf8(new TextDecoder().decode(repository.root).padEnd(MAX_POLICY_FILE_BYTES, ' '));
    let read = 0;
    const verify = () =>
      verifyRepository({
        root: repository.root,
        files: (name) => {
          if (!name.endsWith('.root.json')) return repository.files(name);
          read += padded.length;
          const before = decodeMetadata('root', '1.root.json', repository.root).signed;
          const version = Number.parseInt(name, 10);
          const file = signedFile('root', { ...before, version }, repository.admins);

          return utf8(new TextDecoder().decode(file.bytes).padEnd(MAX_POLICY_FILE_BYTES, ' '));
        },
        now: later(1),
        previous: null,
      });

    expect(verify).toThrow(expect.objectContaining({ code: 'POLICY_INVALID' }));
    expect(read).toBeLessThanOrEqual(MAX_POLICY_TOTAL_BYTES + MAX_POLICY_FILE_BYTES);
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

describe('an equal timestamp', () => {
  it('keeps the one that was accepted, with its time of acceptance', () => {
    const repository = filled();
    const { accepted } = repository.verify(NOW);
    const file = accepted.files.find(({ name }) => name.endsWith('.snapshot.json'));
    const [{ version }] = [
      decodeMetadata('timestamp', 'timestamp.json', repository.contents.get('timestamp.json') ?? new Uint8Array())
        .signed,
    ];
    const other = makeTimestamp({
      previousVersion: version - 1,
      snapshot: { version: repository.verify(NOW).versions.snapshot ?? 0, bytes: file?.bytes ?? new Uint8Array() },
      key: repository.online.timestamp,
      now: Temporal.Instant.fromEpochMilliseconds(version * 1000),
    });
    expect(decodeMetadata('timestamp', other.name, other.bytes).signed.version).toBe(version);
    repository.contents.set(other.name, other.bytes);
    const again = repository.verify(later(5), accepted);

    expect(again.accepted.acceptedAt).toBe(NOW.toString());
    expect(again.accepted.files.find(({ name }) => name === 'timestamp.json')).toEqual(
      accepted.files.find(({ name }) => name === 'timestamp.json'),
    );
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
