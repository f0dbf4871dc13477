// A change that several admins sign: whose signatures it has, whose it still needs, and whether another one may be added. INVARIANTS:
// what is signed is the bytes that wait, and nothing takes their place; a key, and an admin, counts once; an admin who was revoked does
// not count. Nothing is stored or published here, and hosts count again.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { decodeDocuments } from '@selvage/shared/policy/decode.ts';
import { type PolicyDocument, pathOf } from '@selvage/shared/policy/documents.ts';
import { decodeMetadata, parseJson } from '@selvage/shared/policy/metadata.ts';
import type { NamedBytes } from '@selvage/shared/policy/online.ts';
import { CLOCK_SLACK_MS, type ShownChange, shownChange } from '@selvage/shared/policy/shown-change.ts';
import { documentBytes, type Proposal } from '@selvage/shared/policy/sign.ts';
import {
  type Requirement,
  requirementsOf,
  signedRoleOf,
  stillNeeded,
  withCounted,
  withSignaturesOf,
} from '@selvage/shared/policy/signatures.ts';
import type { TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import type { AdminRecord } from '../store/ports.ts';
import type { ProposalRecord, Signing, SigningFiles } from '../store/proposal-ports.ts';
import type { Signatures } from '../todo/signatures.ts';

export interface Offer extends Proposal {
  readonly note: string;
  /** Actor of the ledger (`admin:NAME`). */
  readonly by: string;
  /** Number of the one that is signed; null for a new one. */
  readonly proposal: number | null;
}

export interface Known {
  readonly record: ProposalRecord;
  readonly files: SigningFiles;
}

export interface Joined {
  readonly documents: readonly PolicyDocument[];
  readonly removed: readonly string[];
  readonly signing: Signing;
  readonly files: readonly NamedBytes[];
  readonly state: Signatures;
  /** Enough have signed. */
  readonly complete: boolean;
}

export interface JoinRequest {
  readonly policy: TrustedPolicy;
  readonly offer: Offer;
  /** What waits under the number of the offer. */
  readonly known: Known | null;
  readonly admins: readonly AdminRecord[];
  readonly now: Temporal.Instant;
}

/**
 * The change with the signatures that the offer adds. Throws POLICY_CONFLICT when it is not what waits or is on top of what is no
 * longer in force, POLICY_EXPIRED, POLICY_INVALID when it holds more than it says, POLICY_SIGNATURES when it adds no signature that
 * counts, FORBIDDEN when it adds that of somebody else, or a second one of the same admin.
 */
export function join({ policy, offer, known, admins, now }: JoinRequest): Joined {
  const { record, files: waiting } = known ?? { record: null, files: [] };
  const before = record?.signing?.signers ?? [];
  const files = waiting.length === 0 ? offer.metadata : added(offer, waiting);
  const { documents, removed } = record ? askedIn(record, policy) : offeredIn(offer, policy);
  const change = shownChange({ current: policy, metadata: files, documents, removed, now });
  if (waiting.length === 0) refuseOld(change, now);
  const requirements = requirementsOf(policy, files, counting(admins, before));
  const signers = signersOf(requirements, { before, by: offer.by, at: now.toString() as Timestamp });
  assertOwn(requirements, signers, { before, by: offer.by, admins });
  const signing: Signing = {
    signers,
    requirements: requirements.map(({ keys, ...rest }) => ({ ...rest, keys: keys.map(({ keyId }) => keyId) })),
    ends: change.ends as Timestamp,
  };
  const state = signaturesOf({ signing, documents, admins });

  return {
    ...{ documents, removed, signing, state },
    files: withCounted(files, requirements),
    complete: state.have >= state.needed && state.from.length === 0,
  };
}

/** As it stands now, from what was worked out when the last one signed: admins may have been revoked since. */
export function signaturesOf(request: {
  readonly signing: Signing;
  readonly documents: readonly unknown[];
  readonly admins: readonly AdminRecord[];
}): Signatures {
  const { signing, documents, admins } = request;
  const counts = counting(admins, signing.signers);
  const nameOf = (keyId: string) => admins.find((each) => each.keyId === keyId)?.name ?? keyId.slice(0, KEY_DIGITS);
  const counted = signing.requirements.map((each) => ({ ...each, signed: each.signed.filter(counts) }));
  const [worst] = counted.toSorted((one, other) => missing(other) - missing(one));
  const needed = worst?.threshold ?? 1;
  const { keys = [], signed = [] } = worst ?? {};
  const left = keys.filter((keyId) => !signed.includes(keyId) && counts(keyId)).map(nameOf);
  const policySigners = counted.filter(({ file }) => signedRoleOf(file) === 'policy').flatMap((each) => each.signed);
  const approvers = approversOf(documents).filter(
    (name) => !admins.some((each) => each.name === name && policySigners.includes(each.keyId ?? '')),
  );

  return {
    ...{ needed, have: signed.length, problem: null },
    from: signed.length < needed ? left : approvers,
  };
}

/** Why what waits can be signed no more, as far as that is seen without reading it; null while it can. */
export function staleness(
  signing: Signing,
  versions: Readonly<Record<string, number>>,
  now: Temporal.Instant,
): string | null {
  if (Temporal.Instant.compare(Temporal.Instant.from(signing.ends), now) <= 0) return `ended at ${signing.ends}`;
  const overtaken = signing.requirements
    .map(({ file }) => ({ role: signedRoleOf(file), version: Number.parseInt(file, 10) }))
    .find(({ role, version }) => version !== (versions[role] ?? 0) + 1);

  return overtaken ? `overtaken by version ${versions[overtaken.role] ?? 0} of ${overtaken.role}` : null;
}

/** Admins whom risk acceptances among the documents name as their approvers. */
export function approversOf(documents: readonly unknown[]): readonly string[] {
  const named = documents.flatMap((document) => {
    const { kind, approver } = document as { readonly kind?: unknown; readonly approver?: unknown };

    return kind === 'RiskAcceptance' && typeof approver === 'string' ? [approver] : [];
  });

  return [...new Set(named)];
}

/** Documents that the files name and that go with them to be published. */
export function targetsOf({ files, documents }: Pick<Joined, 'files' | 'documents'>): Proposal['targets'] {
  const named = new Set(
    files.flatMap(({ name, bytes }) => {
      if (signedRoleOf(name) === 'root') return [];
      const { targets } = decodeMetadata('targets', name, bytes).signed;

      return Object.entries(targets).map(([path, { hashes }]) => `${path} ${hashes.sha256}`);
    }),
  );

  return documents
    .map((document) => ({ path: pathOf(document), bytes: documentBytes(document) }))
    .filter(({ path, bytes }) => named.has(`${path} ${sha256(bytes)}`));
}

const KEY_DIGITS = 16;

function missing({ threshold, signed }: Pick<Signing['requirements'][number], 'threshold' | 'signed'>): number {
  return threshold - signed.length;
}

/** Only the signatures of the offer are taken; what they are over is what waits. */
function added({ metadata, proposal }: Offer, waiting: SigningFiles): readonly NamedBytes[] {
  const names = (files: readonly { readonly name: string }[]) =>
    files
      .map(({ name }) => name)
      .toSorted()
      .join();
  const next = `look at it again: selvage policy sign ${proposal}`;
  if (names(metadata) !== names(waiting)) {
    throw new CodedError('POLICY_CONFLICT', `what was signed are other files than wait as proposal ${proposal}`, {
      next,
    });
  }

  return waiting.map(({ name, content }) => {
    const file = { name, bytes: new TextEncoder().encode(content) };

    return withSignaturesOf(file, metadata.find((each) => each.name === name) ?? file);
  });
}

/** A term counts from when it was made: made long ago, it would end soon, and all policy with it. */
function refuseOld({ made, ends }: ShownChange, now: Temporal.Instant): void {
  const oldest = now.subtract({ milliseconds: CLOCK_SLACK_MS });
  if (Temporal.Instant.compare(Temporal.Instant.from(made), oldest) >= 0) return;

  throw new CodedError('POLICY_INVALID', `it was made at ${made}, and what is signed would end at ${ends}`, {
    next: 'look at the clock of the machine that signed it, and push again',
  });
}

function askedIn({ documents, removed }: ProposalRecord, policy: TrustedPolicy) {
  const paths = new Set(policy.documents.map(({ path }) => path));

  // What is gone already need not be removed.
  return { documents: decodeDocuments(documents), removed: removed.filter((path) => paths.has(path)) };
}

function offeredIn({ metadata, targets }: Offer, policy: TrustedPolicy) {
  const removed = metadata.flatMap(({ name, bytes }) => {
    const role = signedRoleOf(name);
    if (role === 'root') return [];
    const after = decodeMetadata('targets', name, bytes).signed.targets;

    return Object.keys(policy.signed.roles[role]?.targets ?? {}).filter((path) => !Object.hasOwn(after, path));
  });

  return { documents: decodeDocuments(targets.map(({ path, bytes }) => parseJson(path, bytes))), removed };
}

/**
 * Throws POLICY_SIGNATURES when a push has enough signatures only with those of admins who were revoked, with several of one admin, or
 * with those of others who did not bring them; where one is enough, it matters to nobody who brings it. `signers`: who brought which,
 * empty where all came with `by`.
 */
export function refuseUncounted(
  policy: TrustedPolicy,
  pushed: readonly NamedBytes[],
  {
    admins,
    by,
    signers,
  }: { readonly admins: readonly AdminRecord[]; readonly by: string; readonly signers: Signing['signers'] },
): void {
  const foreign = foreignTo(by, admins);
  const bringerOf = (keyId: string) => signers.find((each) => each.keyId === keyId)?.by ?? by;
  const brought = (keyIds: readonly string[]) =>
    keyIds.filter((id) => bringerOf(id) !== by || foreign(id) === undefined);
  const oneEach = (keyIds: readonly string[]) => [...new Map(keyIds.map((id) => [bringerOf(id), id])).values()];
  const needed = stillNeeded(
    requirementsOf(policy, pushed, counting(admins, signers)).map((each) =>
      each.threshold === 1 ? each : { ...each, signed: oneEach(brought(each.signed)) },
    ),
  );
  if (needed === null) return;

  throw new CodedError(
    'POLICY_SIGNATURES',
    `${needed.file} has ${needed.signed.length} of ${needed.threshold} signatures that count: one of each admin, brought by themselves`,
    {
      next: 'let another admin sign what waits (selvage policy proposals); drop the key of one who was revoked: selvage key distrust',
    },
  );
}

/** The active admin whose key it is, when it is not one of `by`: whoever enrolls names a key, and two may name the same. */
function foreignTo(by: string, admins: readonly AdminRecord[]): (keyId: string) => AdminRecord | undefined {
  const active = admins.filter(({ state }) => state === 'active');
  const own = active.filter(({ name }) => actorOf(name) === by).map(({ keyId }) => keyId);

  return (keyId) => (own.includes(keyId) ? undefined : active.find((each) => each.keyId === keyId));
}

/** Not the key of an admin who was revoked, nor one that such an admin brought: hosts count it until a root drops it. */
function counting(admins: readonly AdminRecord[], signers: Signing['signers']): (keyId: string) => boolean {
  const revoked = admins.filter(({ state }) => state === 'revoked');
  const gone = new Set([
    ...revoked.flatMap(({ keyId }) => keyId ?? []),
    ...signers.filter(({ by }) => revoked.some(({ name }) => by === actorOf(name))).map(({ keyId }) => keyId),
  ]);
  for (const { state, keyId } of admins) if (state === 'active' && keyId !== null) gone.delete(keyId);

  return (keyId) => !gone.has(keyId);
}

function signersOf(
  requirements: readonly Requirement[],
  { before, by, at }: { readonly before: Signing['signers']; readonly by: string; readonly at: Timestamp },
): Signing['signers'] {
  const holding = [...new Set(requirements.flatMap(({ signed }) => signed))];

  return holding.map((keyId) => before.find((one) => one.keyId === keyId) ?? { keyId, by, at });
}

/** Everybody signs for themselves, and once. Throws POLICY_SIGNATURES when nothing was signed, FORBIDDEN. */
function assertOwn(
  requirements: readonly Requirement[],
  signers: Signing['signers'],
  {
    before,
    by,
    admins,
  }: { readonly before: Signing['signers']; readonly by: string; readonly admins: readonly AdminRecord[] },
): void {
  const own = signers.filter((one) => one.by === by).map(({ keyId }) => keyId);
  if (own.length === 0) {
    const there = signers.length > 0 && signers.length === before.length;
    throw new CodedError('POLICY_SIGNATURES', `${by} brought no signature that counts${there ? ' more' : ''}`, {
      next: 'see whose keys count: selvage key list',
    });
  }
  const foreign = own.map(foreignTo(by, admins)).find((admin) => admin !== undefined);
  if (foreign) {
    throw new CodedError('FORBIDDEN', `${by} brought the signature of ${foreign.name}: everybody signs for themselves`);
  }
  if (requirements.some(({ signed }) => signed.filter((keyId) => own.includes(keyId)).length > 1)) {
    throw new CodedError('FORBIDDEN', `${by} has signed already, with another key: another admin has to`, {
      next: 'let another admin sign it: selvage policy proposals',
    });
  }
}

function actorOf(name: string): string {
  return `admin:${name}`;
}
