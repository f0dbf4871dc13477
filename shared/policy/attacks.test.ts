// The threat list of the TUF specification (section 1.5.2) about time and versions, each attack tried with the keys its
// attacker would have. Who may sign what is in ./authority.test.ts.
import { describe, expect, it } from 'vitest';
import { createSigningKey, toTufKey } from './keys.ts';
import { MAX_POLICY_FILE_BYTES, MAX_POLICY_TOTAL_BYTES } from './limits.ts';
import { decodeMetadata } from './metadata.ts';
import { makeSnapshot, makeTimestamp } from './online.ts';
import { changeAdmins } from './sign.ts';
import { filled, forge, later, NOW, refused, utf8 } from './testing/attack.ts';
import { forgedRole, latestRole, signedFile } from './testing/forge.ts';
import { approvalSample, windowSample } from './testing/sample-documents.ts';
import { verifyRepository } from './trusted-set.ts';

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
