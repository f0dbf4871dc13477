// What waits for signatures is exactly the change that is told, on top of what is in force, or it is refused.
import { describe, expect, it } from 'vitest';
import { type PolicyDocument, pathOf } from './documents.ts';
import { createSigningKey } from './keys.ts';
import { decodeMetadata, signMetadata, type TargetsSigned } from './metadata.ts';
import type { NamedBytes } from './online.ts';
import { replaceAdminKey, replaceOnlineKeys } from './rotate.ts';
import { type ShownChange, shownChange } from './shown-change.ts';
import { changeAdmins, changeDocuments, type Proposal, renewRoles } from './sign.ts';
import { approvalSample, patchPolicySample, windowSample } from './testing/sample-documents.ts';
import { type SampleRepository, sampleRepository } from './testing/sample-repository.ts';

const NOW = Temporal.Instant.from('2026-11-20T12:00:00Z');
const later = (hours: number) => NOW.add({ hours });
const code = (expected: string, message = '') =>
  expect.objectContaining({ code: expected, message: expect.stringContaining(message) });
const two = () => sampleRepository({ now: NOW, admins: 2, threshold: 2 });
const signers = ({ admins }: SampleRepository) => admins.slice(0, 1);
const made = (repository: SampleRepository, put: readonly PolicyDocument[], remove: readonly string[] = []) =>
  changeDocuments({ current: repository.verify(NOW), put, remove, signers: signers(repository), now: NOW });
const shown = (
  repository: SampleRepository,
  { metadata }: Pick<Proposal, 'metadata'>,
  {
    documents = [],
    removed = [],
    at = later(1),
  }: {
    readonly documents?: readonly PolicyDocument[];
    readonly removed?: readonly string[];
    readonly at?: Temporal.Instant;
  } = {},
): ShownChange => shownChange({ current: repository.verify(NOW), metadata, documents, removed, now: at });

/** The one role file of a change, with its signed part altered and signed again. */
function altered(repository: SampleRepository, { metadata }: Proposal, to: (signed: TargetsSigned) => TargetsSigned) {
  return {
    metadata: metadata.map(({ name, bytes }): NamedBytes => {
      const { signed } = decodeMetadata('targets', name, bytes);

      return { name, bytes: signMetadata(to(signed), signers(repository)) };
    }),
  };
}

describe('when documents wait for signatures', () => {
  it('what is told is what is there: put, removed, a month opened, at any time later', () => {
    const repository = two();
    repository.change({ put: [windowSample({ name: 'old' })] }, NOW);
    const documents = [windowSample(), patchPolicySample(), approvalSample()];
    const removed = [pathOf(windowSample({ name: 'old' }))];
    const proposal = made(repository, documents, removed);
    const change = shown(repository, proposal, { documents, removed, at: later(24 * 20) });

    expect(change).toMatchObject({ renewed: [], admins: null, online: null });
    expect(change.files.map(({ name }) => name).toSorted()).toEqual(
      proposal.metadata.map(({ name }) => name).toSorted(),
    );
    // Only the month: nothing in it says when it was made.
    repository.change({ put: [approvalSample()] }, NOW);
    const other = approvalSample({ name: 'other' });
    expect(shown(repository, made(repository, [other]), { documents: [other], at: later(24) })).toMatchObject({
      ends: '2027-01-01T00:00:00Z',
    });
  });

  it.each<[string, (repository: SampleRepository, proposal: Proposal) => Pick<Proposal, 'metadata'>]>([
    ['another document under the same name', (repository) => made(repository, [windowSample({ start: '05:00' })])],
    ['one document more', (repository) => made(repository, [windowSample(), patchPolicySample()])],
    ['one file more', (repository) => made(repository, [windowSample(), approvalSample()])],
    ['no file', () => ({ metadata: [] })],
    [
      'a term of ten years',
      (repository, proposal) =>
        altered(repository, proposal, (signed) => ({ ...signed, expires: '2036-11-20T12:00:00Z' })),
    ],
    [
      'a delegation',
      (repository, proposal) =>
        altered(repository, proposal, (signed) => ({ ...signed, delegations: { keys: {}, roles: [] } })),
    ],
    [
      'another version of the specification',
      (repository, proposal) => altered(repository, proposal, (signed) => ({ ...signed, spec_version: '1.0.1' })),
    ],
  ])('%s is refused', (_, to) => {
    const repository = two();
    const documents = [windowSample()];
    const proposal = made(repository, documents);
    expect(shown(repository, proposal, { documents }).renewed).toEqual([]);

    expect(() => shown(repository, to(repository, proposal), { documents })).toThrow(code('POLICY_INVALID'));
  });

  it('a change that is told and is not there is refused', () => {
    const repository = two();
    repository.change({ put: [windowSample({ name: 'old' })] }, NOW);
    const documents = [windowSample()];
    const proposal = made(repository, documents);
    const refused = code('POLICY_INVALID');

    expect(() => shown(repository, proposal, { documents: [...documents, patchPolicySample()] })).toThrow(refused);
    expect(() => shown(repository, proposal, { documents: [] })).toThrow(refused);
    expect(() => shown(repository, proposal, { documents, removed: [pathOf(windowSample({ name: 'old' }))] })).toThrow(
      refused,
    );
  });
});

describe('when time has gone on', () => {
  it('what was made on top of an older version is refused in one line', () => {
    const repository = two();
    const documents = [windowSample()];
    const proposal = made(repository, documents);
    repository.change({ put: [patchPolicySample()] }, NOW);

    expect(() => shown(repository, proposal, { documents })).toThrow(
      code('POLICY_CONFLICT', 'on top of version 1 of policy, and version 2 is in force'),
    );
    expect(() => shown(repository, proposal, { documents })).toThrow(
      expect.objectContaining({ next: expect.stringContaining('propose it again') }),
    );
  });

  it('what has ended is refused, also when something beside it has', () => {
    const repository = two();
    const documents = [approvalSample()];
    const proposal = made(repository, documents);

    expect(() => shown(repository, proposal, { documents, at: Temporal.Instant.from('2027-01-01T00:00:00Z') })).toThrow(
      code('POLICY_EXPIRED', 'has ended at 2027-01-01T00:00:00Z'),
    );
    const window = [windowSample()];
    const fresh = changeDocuments({
      ...{ current: repository.verify(NOW), put: window, signers: signers(repository), now: later(24 * 300) },
    });
    expect(() => shown(repository, fresh, { documents: window, at: later(24 * 366) })).toThrow(
      code('POLICY_EXPIRED', 'nothing else can be signed before'),
    );
  });

  it('a clock that is somewhat ahead is no reason', () => {
    const repository = two();
    const documents = [windowSample()];
    const ahead = (hours: number) =>
      changeDocuments({ current: repository.verify(NOW), put: documents, signers: [], now: later(hours) });

    expect(shown(repository, ahead(20), { documents, at: NOW }).ends).toBe('2027-11-21T08:00:00Z');
    expect(() => shown(repository, ahead(25), { documents, at: NOW })).toThrow(code('POLICY_INVALID', 'a term'));
  });
});

describe('when terms or keys wait for signatures', () => {
  it('a renewal says which', () => {
    const repository = two();
    const roles = ['root', 'targets', 'policy'];
    const current = repository.verify(NOW);

    expect(shown(repository, renewRoles({ current, roles, signers: [], now: NOW }))).toMatchObject({
      ...{ renewed: roles, admins: null, online: null },
    });
    const above = renewRoles({ current, roles: ['policy'], signers: [], now: NOW, above: { policy: 7 } });
    expect(() => shown(repository, above)).toThrow(code('POLICY_CONFLICT'));
  });

  it('whose keys count after it, and how many must sign', () => {
    const repository = two();
    repository.change({ put: [windowSample(), approvalSample()] }, NOW);
    const [one, other] = repository.admins;
    const added = createSigningKey();
    if (!one || !other) throw new Error('two admins');
    const change = { current: repository.verify(NOW), signers: [one], now: NOW };
    const more = changeAdmins({ ...change, admins: [one, other, added], threshold: 2 });

    expect(shown(repository, more, { at: later(24 * 30) }).admins).toMatchObject({
      ...{ added: [{ publicKey: added.publicKey }], removed: [], threshold: { before: 2, after: 2 }, keys: 3 },
    });
    expect(shown(repository, changeAdmins({ ...change, admins: [one, other], threshold: 1 })).admins).toMatchObject({
      ...{ added: [], removed: [], threshold: { before: 2, after: 1 } },
    });
    const rotated = replaceAdminKey({ current: change.current, from: one, to: added, now: NOW });
    expect(shown(repository, rotated).admins).toMatchObject({
      ...{ added: [{ keyId: added.keyId }], removed: [{ keyId: one.keyId }] },
    });
    // A root alone would leave roles that the old keys signed.
    const [root] = more.metadata;
    expect(() => shown(repository, { metadata: root ? [root] : [] })).toThrow(code('POLICY_INVALID', 'fewer files'));
    expect(() => shown(repository, more, { documents: [patchPolicySample()] })).toThrow(code('POLICY_INVALID'));
  });

  it('other keys of the collector, which may never be one of an admin', () => {
    const repository = two();
    const online = { snapshot: createSigningKey(), timestamp: createSigningKey() };
    const { root } = repository.verify(NOW).signed;
    const proposal = replaceOnlineKeys({ root, online, signers: [], now: NOW });

    expect(shown(repository, proposal).online).toMatchObject({ snapshot: { keyId: online.snapshot.keyId } });
    const [own] = repository.admins;
    const [file] = proposal.metadata;
    if (!own || !file) throw new Error('an admin');
    const { signed } = decodeMetadata('root', file.name, file.bytes);
    const roles = { ...signed.roles, timestamp: { keyids: [own.keyId], threshold: 1 } };
    const evil = [{ name: file.name, bytes: signMetadata({ ...signed, roles }, []) }];
    expect(() => shown(repository, { metadata: evil })).toThrow(code('POLICY_SIGNATURES'));
  });
});
