// What files that wait for signatures would change, told from the bytes that are signed. INVARIANT: they are exactly what our own
// commands make of the change that is told; whatever else they might hold (a wider delegation, another term, a version from
// elsewhere) is refused, so that nobody signs more than was shown. Signs nothing, believes nobody.
import { CodedError } from '../errors/coded-error.ts';
import { sha256 } from '../files/canonical.ts';
import type { PolicyDocument } from './documents.ts';
import { checkRootKeys } from './key-rules.ts';
import type { PolicyKey } from './keys.ts';
import { LIFETIME_MS } from './limits.ts';
import { decodeMetadata, type RootSigned, type Signed, signedBytes } from './metadata.ts';
import type { NamedBytes } from './online.ts';
import { monthOf } from './roles.ts';
import { adminKeysOf, replaceOnlineKeys } from './rotate.ts';
import { changeAdmins, changeDocuments, type OnlineKeys, onlineKeysOf, type Proposal, renewRoles } from './sign.ts';
import { signedRoleOf } from './signatures.ts';
import type { TrustedPolicy } from './trusted-set.ts';

export interface ShownChange {
  /** Roles that get a new term and nothing else. */
  readonly renewed: readonly string[];
  /** Whose signatures count after it; null when that stays. */
  readonly admins: {
    readonly added: readonly PolicyKey[];
    readonly removed: readonly PolicyKey[];
    readonly threshold: { readonly before: number; readonly after: number };
    readonly keys: number;
  } | null;
  /** The collector's keys after it; null when they stay. */
  readonly online: OnlineKeys | null;
  /** Of each file, what is signed: its name and the hash of the signed bytes. */
  readonly files: readonly { readonly name: string; readonly sha256: string }[];
  /** When the first of what is signed ends. */
  readonly ends: string;
  /** When whoever made it says that it was made. */
  readonly made: string;
}

/** How far the clock of whoever made it may be ahead, or behind. */
export const CLOCK_SLACK_MS = 24 * 3_600_000;
const ONLINE: readonly string[] = ['snapshot', 'timestamp'];

/**
 * `documents` and `removed`: what the files are said to change. Throws POLICY_CONFLICT when they are on top of another version than
 * is in force, POLICY_EXPIRED when they or something beside them has ended, POLICY_INVALID when they hold anything else.
 */
export function shownChange(request: {
  readonly current: TrustedPolicy;
  readonly metadata: readonly NamedBytes[];
  readonly documents: readonly PolicyDocument[];
  readonly removed: readonly string[];
  readonly now: Temporal.Instant;
}): ShownChange {
  const { current, metadata, now } = request;
  const files = metadata.map(({ name, bytes }) => {
    const role = signedRoleOf(name);

    return { name, role, signed: decodeMetadata(role === 'root' ? 'root' : 'targets', name, bytes).signed };
  });
  refuseOvertaken(current, files);
  const ends = refuseEnded(current, files, now);
  const root = files.flatMap(({ signed }) => (signed._type === 'root' ? [signed] : []))[0] ?? null;
  if (root) checkRootKeys(root);
  const before = current.signed.root;
  const admins = root && adminChange(before, root);
  const online = root && differs(onlineKeysOf(before), onlineKeysOf(root)) ? onlineKeysOf(root) : null;
  const made = remade(request, { files, root, admins: admins !== null, online });
  refuseOther(files, made.expected);

  return {
    ...{ admins, online, ends },
    renewed: made.renewed,
    made: made.at.toString(),
    files: files.map(({ name, signed }) => ({ name, sha256: sha256(signedBytes(signed)) })),
  };
}

interface File {
  readonly name: string;
  readonly role: string;
  readonly signed: Signed;
}

/** Whoever signs on top of a version that is gone would undo unseen what came between. */
function refuseOvertaken(current: TrustedPolicy, files: readonly File[]): void {
  for (const { name, role, signed } of files) {
    const own = (role === 'root' ? current.signed.root : current.signed.roles[role])?.version ?? 0;
    if (signed.version === own + 1 && name === `${signed.version}.${role}.json`) continue;
    throw new CodedError(
      'POLICY_CONFLICT',
      `it was made on top of version ${signed.version - 1} of ${role}, and version ${own} is in force: it can be signed no more`,
      { details: { role, current: own, proposed: signed.version }, next: 'propose it again, and decline this one' },
    );
  }
}

/** When the first file ends. Beside it nothing may have ended either: hosts take all or nothing. */
function refuseEnded(current: TrustedPolicy, files: readonly File[], now: Temporal.Instant): string {
  const over = (end: string) => Temporal.Instant.compare(Temporal.Instant.from(end), now) <= 0;
  const [first] = files.map(({ signed }) => signed.expires).toSorted();
  if (first === undefined) throw new CodedError('POLICY_INVALID', 'there is nothing to sign');
  if (over(first)) {
    throw new CodedError('POLICY_EXPIRED', `what would be signed has ended at ${first}: it can be signed no more`, {
      next: 'propose it again, and decline this one',
    });
  }
  const roles = new Set(files.map(({ role }) => role));
  const [stale] = Object.entries(current.expires).filter(
    ([role, end]) => !roles.has(role) && !ONLINE.includes(role) && monthOf(role) === null && over(end),
  );
  if (stale) {
    throw new CodedError('POLICY_EXPIRED', `${stale[0]} has ended at ${stale[1]}: nothing else can be signed before`, {
      next: 'sign it anew: selvage policy renew',
    });
  }

  return first;
}

function adminChange(before: RootSigned, after: RootSigned): ShownChange['admins'] {
  const [old, fresh] = [adminKeysOf(before), adminKeysOf(after)];
  const threshold = { before: before.roles.targets.threshold, after: after.roles.targets.threshold };
  if (!differs(old, fresh) && threshold.before === threshold.after) return null;
  const without = (all: readonly PolicyKey[], others: readonly PolicyKey[]) =>
    all.filter(({ publicKey }) => !others.some((other) => other.publicKey === publicKey));

  return { added: without(fresh, old), removed: without(old, fresh), threshold, keys: fresh.length };
}

/** The same change made here, unsigned. When it was made follows from the term of what it signs. */
function remade(
  { current, documents, removed, now }: Parameters<typeof shownChange>[0],
  change: {
    readonly files: readonly File[];
    readonly root: RootSigned | null;
    readonly admins: boolean;
    readonly online: OnlineKeys | null;
  },
): { readonly expected: Proposal; readonly renewed: readonly string[]; readonly at: Temporal.Instant } {
  const { files, root, online } = change;
  const at = madeAt(files, now);
  if (root && (change.admins || online)) {
    if (documents.length + removed.length > 0) throw otherwise('documents beside another set of keys');
    const both = { signers: [], now: at };
    const expected = change.admins
      ? changeAdmins({
          ...{ ...both, current, admins: adminKeysOf(root), online: onlineKeysOf(root) },
          threshold: root.roles.targets.threshold,
        })
      : replaceOnlineKeys({ ...both, root: current.signed.root, online: online ?? onlineKeysOf(root) });

    return { expected, renewed: [], at };
  }
  const changed = changeDocuments({ current, put: documents, remove: removed, signers: [], now: at });
  const names = new Set(changed.metadata.map(({ name }) => name));
  const renewed = files.filter(({ name }) => !names.has(name)).map(({ role }) => role);
  const stranger = renewed.find((role) => role !== 'root' && current.signed.roles[role] === undefined);
  if (stranger !== undefined) throw otherwise(`a role ${stranger}`);
  const again = renewRoles({ current, roles: renewed, signers: [], now: at });

  return { expected: { metadata: [...changed.metadata, ...again.metadata], targets: [] }, renewed, at };
}

function madeAt(files: readonly File[], now: Temporal.Instant): Temporal.Instant {
  // A month of approvals ends with the month, whenever it was signed.
  const file = files.find(({ role }) => monthOf(role) === null);
  if (!file) return now;
  const milliseconds = file.role === 'root' ? LIFETIME_MS.root : LIFETIME_MS.delegated;
  const at = Temporal.Instant.from(file.signed.expires).subtract({ milliseconds });
  if (Temporal.Instant.compare(at, now.add({ milliseconds: CLOCK_SLACK_MS })) > 0) {
    throw otherwise(`a term until ${file.signed.expires}`);
  }

  return at;
}

function refuseOther(files: readonly File[], { metadata }: Proposal): void {
  const expected = new Map(
    metadata.map(({ name, bytes }) => {
      const { signed } = decodeMetadata(name.endsWith('.root.json') ? 'root' : 'targets', name, bytes);

      return [name, sha256(signedBytes(signed))];
    }),
  );
  const other = files.find(({ name, signed }) => expected.get(name) !== sha256(signedBytes(signed)));
  if (other) throw otherwise(other.name);
  if (expected.size !== files.length) throw otherwise('fewer files than that takes');
}

function otherwise(what: string): CodedError {
  return new CodedError('POLICY_INVALID', `what would be signed is not the change that is told: ${what}`, {
    details: { what },
    next: 'do not sign it; look at who made it and who runs the collector (both need this version of selvage)',
  });
}

function differs(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}
