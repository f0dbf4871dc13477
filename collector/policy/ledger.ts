// What a push changes, in the words of the audit ledger. Pure.
import type { TrustedDocument, TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import type { AuditWriter } from '../store/ports.ts';

type Entry = Omit<Parameters<AuditWriter['append']>[0], 'at' | 'actor'>;

/** One `policy.pushed` with everything, then one `fix.approved` or `fix.rejected` per decision that is new. */
export function entriesOf(
  before: TrustedPolicy | null,
  after: TrustedPolicy,
  names: readonly string[],
  about: { readonly proposal?: number | null; readonly recovers?: boolean } = {},
): readonly Entry[] {
  const { proposal = null, recovers = false } = about;
  const old = new Map((before?.documents ?? []).map((document) => [document.path, document.sha256]));
  const current = new Set(after.documents.map((document) => document.path));
  const changed = after.documents.filter((document) => old.get(document.path) !== document.sha256);
  const removed = [...old.keys()].filter((path) => !current.has(path));

  return [
    {
      action: 'policy.pushed',
      subject: `timestamp ${after.versions.timestamp}`,
      details: {
        metadata: names,
        documents: changed.map(({ path, sha256, role }) => ({ path, sha256, role })),
        removed,
        signers: signersOf(after),
        threshold: after.signed.root.roles.targets.threshold,
        ...(proposal === null ? {} : { proposal }),
        // Nobody asked here whether approvers have signed: whoever reads the ledger ought to know.
        ...(recovers ? { recovers } : {}),
      },
    },
    ...rootOf(before, after),
    ...changed.flatMap(decisionOf),
  ];
}

/** A new root changes whom hosts believe: who counts, and until when, is an entry of its own. */
function rootOf(before: TrustedPolicy | null, { signed: { root } }: TrustedPolicy): readonly Entry[] {
  if (before === null || before.signed.root.version === root.version) return [];
  const { targets, snapshot, timestamp } = root.roles;

  return [
    {
      action: 'policy.root-changed',
      subject: `root ${root.version}`,
      details: {
        admins: targets.keyids,
        online: [...snapshot.keyids, ...timestamp.keyids],
        before: { admins: before.signed.root.roles.targets.keyids },
        expires: root.expires,
      },
    },
  ];
}

function decisionOf({ document, path, sha256 }: TrustedDocument): readonly Entry[] {
  if (document.kind !== 'Approval') return [];
  const { decision, policy, lane, fix, packages, adds, removes, expires } = document;

  return [
    {
      action: decision === 'approve' ? 'fix.approved' : 'fix.rejected',
      subject: `${fix.source}@${fix.version}`,
      details: { document: path, sha256, policy, lane, fix, packages, adds, removes, expires },
    },
  ];
}

/** Key ids that may sign for the admins, so that the ledger says whose keys counted at the time. */
function signersOf(policy: TrustedPolicy): readonly string[] {
  return policy.signed.root.roles.targets.keyids;
}
