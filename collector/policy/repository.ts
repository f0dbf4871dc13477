// The policy repository of the collector: takes what admins sign, adds snapshot and timestamp, and keeps it. INVARIANTS: what
// is stored has been verified exactly as an agent verifies it; the collector's keys sign nothing but snapshot and timestamp;
// metadata, documents and audit entries are one transaction; the event comes after the commit.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { SigningKey } from '@selvage/shared/policy/keys.ts';
import type { RootSigned } from '@selvage/shared/policy/metadata.ts';
import type { NamedBytes } from '@selvage/shared/policy/online.ts';
import { overdueRoles, verifyOverdue } from '@selvage/shared/policy/overdue.ts';
import type { OnlineKeys, Proposal } from '@selvage/shared/policy/sign.ts';
import type { PolicyFile, TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Events } from '../events.ts';
import type { PolicyFileRecord, Store, Writers } from '../store/ports.ts';
import type { Signing } from '../store/proposal-ports.ts';
import { assertApproved } from './approvers.ts';
import { type Offer, refuseUncounted } from './cosigning.ts';
import { refreshDue } from './freshness.ts';
import { heldKeys, type Keyring } from './keyring.ts';
import { entriesOf } from './ledger.ts';
import { firstRootOf, lastRootOf, nextPolicy, onlineBefore } from './next.ts';
import { type OfferDeps, type Offered, pushOf, takeOffer } from './offers.ts';
import { snapshotOf, timestampAgain } from './online-files.ts';
import { signProposal } from './proposing.ts';
import { clearShelf } from './shelf.ts';
import { readStored, type StoredPolicy, TIMESTAMP } from './stored.ts';

const MONTH_LENGTH = 'YYYY-MM'.length;

export interface PolicyRepositoryDeps {
  readonly store: Store;
  readonly keys: OnlineKeys<SigningKey> | Keyring;
  readonly clock: Clock;
  readonly events: Events;
}

export interface CurrentPolicy {
  readonly timestampVersion: number;
  /** When the timestamp ends. */
  readonly expires: Timestamp;
  readonly versions: TrustedPolicy['versions'];
  readonly documents: TrustedPolicy['documents'];
  readonly policy: TrustedPolicy;
  /** Roles that have expired; admins must sign them again. */
  readonly overdue: readonly string[];
  /** Exactly the files that are in use now, each root among them. */
  readonly files: readonly PolicyFile[];
}

export interface Push extends Proposal {
  /** Actor of the ledger (`admin:NAME`). */
  readonly by: string;
  readonly recovers?: Recovery | null;
  /** Number of the proposal that it signs: waits no longer, in the same transaction. */
  readonly proposal?: number | null;
}

/**
 * For a push that brings back what this collector has lost: versions may be ahead by more than one (agents have seen those),
 * and several roots may come at once.
 */
export interface Recovery {
  /** The timestamp version it was made on top of. */
  readonly onTopOf: number;
  /** Highest version of snapshot or timestamp that was ever seen; believed within MAX_VERSION_LEAD of the time. */
  readonly above: number;
}

export interface PolicyRepository {
  /** Verified, also when some of it has expired. Throws POLICY_NONE before the first policy. */
  current(): Promise<CurrentPolicy>;
  /**
   * Stores what admins signed. Throws POLICY_CONFLICT, POLICY_SIGNATURES, POLICY_EXPIRED, POLICY_INVALID,
   * DOCUMENT_INVALID, DOCUMENT_NOT_SUPPORTED or DOCUMENT_REFERENCE; then nothing is stored.
   * The very same push again (its answer was lost) changes nothing and succeeds.
   */
  push(push: Push): Promise<{ readonly timestampVersion: number }>;
  /**
   * Takes what needs the signatures of several admins, and publishes it as a push once it has them. Throws what takeOffer throws,
   * and what push throws.
   */
  offer(offer: Offer): Promise<Offered>;
  /** New keys for snapshot and timestamp, used as soon as a pushed root names them. Only public halves are told. */
  proposeOnlineKeys(by: string): Promise<OnlineKeys>;
  /**
   * Signs timestamp (and snapshot) again when half of its life is over; true when it did. `restarted`: signs both in any
   * case, because a collector that was restored from a backup must be ahead of what agents have seen of it. Throws
   * KEY_UNUSABLE when the keys that the root names are not here: what is stored then stays as it is.
   */
  refreshTimestamp(options?: { readonly restarted?: boolean }): Promise<boolean>;
}

export function createPolicyRepository(deps: PolicyRepositoryDeps): PolicyRepository {
  const repository = openRepository(deps);
  // One change at a time: new online keys must not be made while a root that names the last ones is on its way to the disk.
  const alone = oneAtATime();

  return {
    current: repository.current,
    push: (push) => alone(() => repository.push(push)),
    offer: (offer) => alone(() => repository.offer(offer)),
    proposeOnlineKeys: (by) => alone(() => repository.proposeOnlineKeys(by)),
    refreshTimestamp: (options) => alone(() => repository.refreshTimestamp(options)),
  };
}

function openRepository(deps: PolicyRepositoryDeps): PolicyRepository {
  const { store, clock, events } = deps;
  const keyring = 'of' in deps.keys ? deps.keys : heldKeys(deps.keys);
  const load = remembering(store);
  const accept = async (push: Push, signers: Signing['signers']): Promise<{ readonly timestampVersion: number }> => {
    const { by, recovers = null, proposal: number = null, ...proposal } = push;
    const now = clock.now();
    const { stored, policy } = await load(now);
    if (alreadyStored(stored, proposal)) return { timestampVersion: stored.timestamp.version };
    refuseOtherBase(stored, recovers);
    const next = nextPolicy(keyring, { stored, policy, proposal, now, recovers });
    // What was lost and comes back was looked at when it was signed; its approver may be no admin any more.
    if (recovers === null) {
      const admins = await store.read.admins.list();
      refuseUncounted(policy, proposal.metadata, { admins, by, signers });
      assertApproved(policy, next.policy, proposal.metadata, admins, number);
    }
    await store.transaction(async (writers) => {
      await writers.policy.put(next.files.map(fileOf).map(recordOf), stored.timestamp.version);
      await clearShelf(writers.policy);
      const asked = number === null ? null : await writers.proposals.byNumber(number);
      await followKey(writers, asked?.proposedBy ?? by, policy.signed.root, next.policy.signed.root);
      const at = now.toString() as Timestamp;
      if (number !== null) await signProposal(writers, number, { documents: next.policy.documents, by, at });
      const about = { proposal: number, recovers: recovers !== null };
      for (const entry of entriesOf(policy, next.policy, namesOf(proposal), about)) {
        await writers.audit.append({ ...entry, at, actor: by });
      }
    });
    await keyring.settle(next.policy.signed.root);
    events.publish({ type: 'policy.changed', timestampVersion: next.timestampVersion });

    return { timestampVersion: next.timestampVersion };
  };

  return {
    current: async () => {
      const now = clock.now();
      const { stored, policy } = await load(now);

      return {
        timestampVersion: stored.timestamp.version,
        expires: stored.timestamp.expires as Timestamp,
        versions: policy.versions,
        documents: policy.documents,
        policy,
        overdue: overdueRoles(policy, now),
        files: [...stored.roots.map(fileOf), ...policy.accepted.files],
      };
    },
    push: (push) => accept(push, []),
    offer: async (offer) => {
      const now = clock.now();
      const { policy } = await load(now);
      const publish: OfferDeps['publish'] = (joined, number) =>
        accept({ ...pushOf(joined), by: offer.by, proposal: number }, joined.signing.signers);

      return takeOffer({ store, policy, now, publish }, offer);
    },
    proposeOnlineKeys: async (by) => {
      await keyring.settle(lastRootOf(await storedPolicy(store)));
      const made = await keyring.propose();
      const details = { snapshot: made.snapshot.keyId, timestamp: made.timestamp.keyId };
      await store.transaction((writers) =>
        writers.audit.append({
          at: clock.now().toString() as Timestamp,
          actor: by,
          action: 'policy.online-keys-made',
          subject: made.timestamp.keyId,
          details,
        }),
      );

      return made;
    },
    refreshTimestamp: async ({ restarted = false } = {}) => {
      const now = clock.now();
      // Not verified: agents judge for themselves, and a signature over what they refuse gains nobody anything.
      const stored = await storedPolicy(store);
      const expires = { snapshot: stored.snapshot.expires, timestamp: stored.timestamp.expires };
      const root = lastRootOf(stored);
      const keys = keyring.of(root);
      if (!keys) {
        throw new CodedError('KEY_UNUSABLE', 'the keys that the root names for snapshot and timestamp are not here', {
          next: 'let an admin run: selvage key rotate-online',
        });
      }
      // A crash between the commit of a root and this is made good here.
      await keyring.settle(root);
      const due = restarted ? 'snapshot and timestamp' : refreshDue(expires, now);
      if (due === 'nothing') return false;
      const before = onlineBefore(stored);
      const { files, timestampVersion } =
        due === 'timestamp' ? timestampAgain(keys, before, now) : snapshotOf(keys, before, stored.roles, now);
      await store.transaction(async (writers) => {
        await writers.policy.put(files.map(fileOf).map(recordOf), stored.timestamp.version);
        if (due !== 'timestamp') await clearShelf(writers.policy);
      });
      events.publish({ type: 'policy.changed', timestampVersion });

      return true;
    },
  };
}

function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();

  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);

    return mine;
  };
}

/**
 * Reads and verifies, or answers from memory while the timestamp is the same. The month is part of the question: months of
 * approvals end with time alone.
 */
function remembering(store: Store) {
  let last: { readonly key: string; readonly stored: StoredPolicy; readonly policy: TrustedPolicy } | null = null;

  return async (now: Temporal.Instant) => {
    const timestamp = await store.read.policy.file(TIMESTAMP);
    const key = timestamp ? `${sha256(timestamp)} ${now.toString().slice(0, MONTH_LENGTH)}` : '';
    if (last?.key === key) return last;

    const stored = await storedPolicy(store);
    const { policy } = verifyOverdue({ root: firstRootOf(stored), files: stored.files, now, previous: null });
    last = { key, stored, policy };

    return last;
  };
}

async function storedPolicy(store: Store): Promise<StoredPolicy> {
  const stored = await readStored(store.read.policy);
  if (!stored)
    throw new CodedError('POLICY_NONE', 'this collector has no policy repository yet', { next: 'run: selvage init' });

  return stored;
}

/** Whoever jumps ahead must have seen what is here: else the push of another admin would be jumped over. */
function refuseOtherBase(stored: StoredPolicy, recovers: Recovery | null): void {
  const current = stored.timestamp.version;
  if (recovers === null || recovers.onTopOf === current) return;

  throw new CodedError(
    'POLICY_CONFLICT',
    `the repository is at timestamp version ${current}, not ${recovers.onTopOf}`,
    {
      details: { current, expected: recovers.onTopOf },
    },
  );
}

/** The admin who has replaced their own key goes on under the new one, in the same commit. `by`: who asked for the change. */
async function followKey(writers: Writers, by: string, before: RootSigned, after: RootSigned): Promise<void> {
  const name = /^admin:(.+)$/.exec(by)?.[1];
  const admin = name === undefined ? null : await writers.admins.byName(name);
  const [old, now] = [before, after].map((root) => root.roles.targets.keyids);
  const added = now?.filter((keyId) => !old?.includes(keyId)) ?? [];
  const gone = old?.filter((keyId) => !now?.includes(keyId)) ?? [];
  if (!admin || gone.length !== 1 || gone[0] !== admin.keyId || added.length !== 1 || !added[0]) return;

  await writers.admins.replaceKey(admin.name, added[0]);
}

/** A push whose answer was lost: every byte of its metadata is what is stored. */
function alreadyStored(stored: StoredPolicy, { metadata }: Proposal): boolean {
  return (
    metadata.length > 0 &&
    metadata.every(({ name, bytes }) => {
      const own = stored.files(name);

      return own !== null && sha256(own) === sha256(bytes);
    })
  );
}

function namesOf(proposal: Proposal): readonly string[] {
  return proposal.metadata.map(({ name }) => name);
}

function fileOf({ name, bytes }: NamedBytes): PolicyFile {
  return { name, sha256: sha256(bytes), bytes };
}

function recordOf({ name, sha256, bytes }: PolicyFile): PolicyFileRecord {
  return { name, sha256, content: bytes };
}
