// Which approvals concern this host, by which policy and lane, and in which order. Pure. Policies select by the host's own
// facts and signed groups only: labels that a collector set are never looked at.
import type { ApprovalDocument, PatchPolicyDocument, WindowDocument } from '@selvage/shared/policy/documents.ts';
import { LANES } from '@selvage/shared/policy/documents.ts';
import { selectorOf } from '@selvage/shared/policy/select.ts';
import type { HostName, Lane } from './earliest.ts';
import type { UsableDocument, UsablePolicy } from './policy-intake.ts';

export interface HostFacts extends HostName {
  /** os-release(5) ID, ID_LIKE and VERSION_ID. */
  readonly os: { readonly id: string; readonly idLike: readonly string[]; readonly version: string };
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

export interface Selected {
  readonly approval: ApprovalDocument;
  readonly approvalSha256: string;
  readonly policy: PatchPolicyDocument;
  readonly lane: Lane;
  /** Null: the lane says `any`. */
  readonly window: WindowDocument | null;
  /** Holds of every policy that selects this host: a package that one of them holds back is held. */
  readonly holds: PatchPolicyDocument['hold'];
}

/**
 * The approvals to work on, in this order: lane (urgent, immediate, out-of-cycle, scheduled), then time of approval, then
 * name of policy and approval. Of several decisions about one fix in one policy only the latest counts; on the same
 * instant a rejection does. An approval whose policy, lane or window is not there, or does not select this host, is left out.
 */
export function selectApprovals(usable: UsablePolicy, host: HostFacts): readonly Selected[] {
  const policies = new Map(policiesOf(usable, host).map((policy) => [policy.name, policy] as const));
  const windows = new Map(
    usable.documents.flatMap(({ document }) =>
      document.kind === 'Window' ? [[document.name, document] as const] : [],
    ),
  );
  const holds = [...policies.values()].flatMap((policy) => policy.hold);

  return latestDecisions(usable.documents)
    .filter(({ document }) => document.decision === 'approve')
    .flatMap(({ document: approval, sha256 }) => {
      const policy = policies.get(approval.policy);
      const lane = policy?.lanes[approval.lane];
      if (policy === undefined || lane === undefined) return [];
      const window = lane.window === 'any' ? null : windows.get(lane.window);
      // Unknown means stop: without its window an approval has no time at which it may run.
      if (window === undefined) return [];

      return [{ approval, approvalSha256: sha256, policy, lane, window, holds }];
    })
    .sort(inOrder);
}

/** The policies that select this host. */
export function policiesOf({ documents }: UsablePolicy, host: HostFacts): readonly PatchPolicyDocument[] {
  const { selectionOf } = selectorOf(documents.map(({ document }) => document));

  return documents.flatMap(({ document }) =>
    document.kind === 'PatchPolicy' && selectionOf(document, host) === 'selected' ? [document] : [],
  );
}

function latestDecisions(documents: readonly UsableDocument[]): readonly UsableDocument<ApprovalDocument>[] {
  const latest = new Map<string, UsableDocument<ApprovalDocument>>();

  for (const { document, sha256 } of documents) {
    if (document.kind !== 'Approval') continue;
    const { provider, source, version } = document.fix;
    const key = JSON.stringify([document.policy, provider, source, version]);
    const other = latest.get(key);
    if (other === undefined || supersedes(document, other.document)) latest.set(key, { document, sha256 });
  }

  return [...latest.values()];
}

function supersedes(one: ApprovalDocument, other: ApprovalDocument): boolean {
  const order = Temporal.Instant.compare(one.approvedAt, other.approvedAt);

  return order > 0 || (order === 0 && one.decision === 'reject');
}

function inOrder(one: Selected, other: Selected): number {
  const lane = (item: Selected) => (item.approval.lane === 'urgent' ? -1 : LANES.indexOf(item.approval.lane));

  return (
    lane(one) - lane(other) ||
    Temporal.Instant.compare(one.approval.approvedAt, other.approval.approvedAt) ||
    byText(one.policy.name, other.policy.name) ||
    byText(one.approval.name, other.approval.name)
  );
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
