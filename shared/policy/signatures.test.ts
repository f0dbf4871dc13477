// Counting signatures before anything is published: as hosts count.
import { describe, expect, it } from 'vitest';
import { createSigningKey, type SigningKey } from './keys.ts';
import { decodeMetadata, encodeMetadata } from './metadata.ts';
import type { NamedBytes } from './online.ts';
import { replaceAdminKey } from './rotate.ts';
import { addSignature, changeAdmins, changeDocuments } from './sign.ts';
import { requirementsOf, stillNeeded, withCounted } from './signatures.ts';
import { approvalSample, windowSample } from './testing/sample-documents.ts';
import { type SampleRepository, sampleRepository } from './testing/sample-repository.ts';

const NOW = Temporal.Instant.from('2026-11-20T12:00:00Z');
const repositoryOf = (admins: number, threshold: number) => sampleRepository({ now: NOW, admins, threshold });
const adminsOf = ({ admins }: SampleRepository) => {
  const [one, two, three = createSigningKey()] = admins;
  if (!one || !two) throw new Error('two admins');

  return { one, two, three };
};
const changed = (repository: SampleRepository, signers: readonly SigningKey[]) =>
  changeDocuments({ current: repository.verify(NOW), put: [windowSample(), approvalSample()], signers, now: NOW });
const neededOf = (repository: SampleRepository, metadata: readonly NamedBytes[], counts?: (id: string) => boolean) =>
  stillNeeded(requirementsOf(repository.verify(NOW), metadata, counts));
const again = (metadata: readonly NamedBytes[], signatures: (own: { keyid: string; sig: string }[]) => unknown[]) =>
  metadata.map(({ name, bytes }) => {
    const envelope = decodeMetadata('targets', name, bytes);

    return { name, bytes: encodeMetadata({ ...envelope, signatures: signatures(envelope.signatures) } as never) };
  });

describe('when two of three keys must sign', () => {
  it('one is one, however often its signature is there; two are enough', () => {
    const repository = repositoryOf(3, 2);
    const { one, three } = adminsOf(repository);
    const { metadata } = changed(repository, [one]);
    const twice = again(metadata, (own) => [...own, ...own]);

    for (const files of [metadata, twice]) {
      expect(neededOf(repository, files)).toMatchObject({ threshold: 2, signed: [one.keyId] });
    }
    expect(
      neededOf(
        repository,
        metadata.map((file) => addSignature(file, three)),
      ),
    ).toBeNull();
  });

  it('no file of the change may have fewer', () => {
    const repository = repositoryOf(3, 2);
    const { one, two } = adminsOf(repository);
    const { metadata } = changed(repository, [one]);
    const some = metadata.map((file, at) => (at === 0 ? file : addSignature(file, two)));

    expect(metadata.length).toBeGreaterThan(1);
    expect(neededOf(repository, some)).toMatchObject({ file: some[0]?.name, signed: [one.keyId] });
  });

  it('strangers, false signatures and those that are not to count are none, and are left out', () => {
    const repository = repositoryOf(3, 2);
    const { one, two, three } = adminsOf(repository);
    const current = repository.verify(NOW);
    const { metadata } = changed(repository, [one, createSigningKey()]);
    const forged = again(metadata, (own) => [
      { keyid: one.keyId, sig: '0'.repeat(128) },
      ...own,
      { keyid: two.keyId, sig: '0'.repeat(128) },
    ]);
    const files = forged.map((file) => addSignature(file, three));
    const counts = (keyId: string) => keyId !== three.keyId;
    const requirements = requirementsOf(current, forged.concat(), counts);

    expect(stillNeeded(requirements)).toMatchObject({ signed: [one.keyId] });
    expect(neededOf(repository, files, counts)).toMatchObject({ signed: [one.keyId] });
    const [file = { name: '', bytes: new Uint8Array() }] = withCounted(files, requirementsOf(current, files, counts));
    const left = decodeMetadata('targets', file.name, file.bytes).signatures;
    expect(left.map(({ keyid }) => keyid)).toEqual([one.keyId]);
    expect(left[0]?.sig).not.toBe('0'.repeat(128));
  });

  it('a signature over other bytes is none', () => {
    const repository = repositoryOf(2, 2);
    const { one, two } = adminsOf(repository);
    const { metadata } = changed(repository, [one]);
    const other = changeDocuments({
      ...{ current: repository.verify(NOW), signers: [two], now: NOW },
      put: [windowSample({ start: '05:00' }), approvalSample()],
    }).metadata;
    const moved = metadata.map((file) => {
      const envelope = decodeMetadata('targets', file.name, file.bytes);
      const theirs = other.filter(({ name }) => name === file.name && name.includes('policy'));
      const more = theirs.flatMap((each) => decodeMetadata('targets', each.name, each.bytes).signatures);

      return { ...file, bytes: encodeMetadata({ ...envelope, signatures: [...envelope.signatures, ...more] }) };
    });

    expect(moved).not.toEqual(metadata);
    expect(neededOf(repository, moved)).toMatchObject({ signed: [one.keyId] });
  });
});

describe('when the keys themselves change', () => {
  it('a higher threshold needs the new number of its own keys at once', () => {
    const repository = repositoryOf(2, 1);
    const { one, two } = adminsOf(repository);
    const current = repository.verify(NOW);
    const { metadata } = changeAdmins({ current, admins: [one, two], threshold: 2, signers: [one], now: NOW });

    expect(neededOf(repository, metadata)).toMatchObject({ threshold: 2, signed: [one.keyId] });
    const both = metadata.map((file) => addSignature(file, two));
    expect(neededOf(repository, both)).toBeNull();
    repository.publish({ metadata: both, targets: [] }, NOW);
    expect(repository.verify(NOW).signed.root.roles.targets.threshold).toBe(2);
  });

  it('a lower one needs the old number', () => {
    const repository = repositoryOf(2, 2);
    const { one, two } = adminsOf(repository);
    const current = repository.verify(NOW);
    const { metadata } = changeAdmins({ current, admins: [one, two], threshold: 1, signers: [one], now: NOW });

    expect(neededOf(repository, metadata)).toMatchObject({ file: '2.root.json', threshold: 2, signed: [one.keyId] });
  });

  it('a key in the place of another is asked for in both', () => {
    const repository = repositoryOf(2, 2);
    const { one, two } = adminsOf(repository);
    const to = createSigningKey();
    const { metadata } = replaceAdminKey({ current: repository.verify(NOW), from: one, to, now: NOW });

    expect(requirementsOf(repository.verify(NOW), metadata).slice(0, 2)).toMatchObject([
      { file: '2.root.json', threshold: 2, signed: [one.keyId] },
      { file: '2.root.json', threshold: 2, signed: [to.keyId] },
    ]);
    expect(
      neededOf(
        repository,
        metadata.map((file) => addSignature(file, two)),
      ),
    ).toBeNull();
  });
});

it('what no admin signs is refused', () => {
  const repository = repositoryOf(2, 2);
  for (const name of ['timestamp.json', '4.snapshot.json', '1.evil.json', 'policy.json']) {
    expect(() => requirementsOf(repository.verify(NOW), [{ name, bytes: new Uint8Array() }])).toThrow(
      expect.objectContaining({ code: 'POLICY_INVALID' }),
    );
  }
});
