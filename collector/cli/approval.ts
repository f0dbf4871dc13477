// Builds the Approval document for a fix: exactly the packages the collector reports, plus what the admin names. Pure.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import type { ApprovalDocument, PatchPolicyDocument, PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { endOfMonthRole } from '@selvage/shared/policy/roles.ts';
import type { z } from 'zod';
import type { fix } from '../api/contract.ts';

type ApiFix = z.output<typeof fix>;

const NAME_LENGTH = 100;
const HASH_LENGTH = 8;
const PACKAGE = /^([a-zA-Z0-9][a-zA-Z0-9+._-]*)(?::([a-zA-Z0-9]+))?=([a-zA-Z0-9.+:~^_-]+)$/;

export interface Decision {
  readonly decision: ApprovalDocument['decision'];
  readonly policy: string;
  readonly lane: ApprovalDocument['lane'];
  /** `name=version` or `name:arch=version`. */
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly lifeMs: number;
  readonly reason?: string;
}

/**
 * Throws NOT_FOUND when the policy has no such PatchPolicy, POLICY_FORBIDS when it does not let such a fix in, USAGE when it has no such lane, when nothing is known to
 * install, or when a package to add has no clear architecture.
 */
export function buildApproval(
  found: ApiFix,
  decision: Decision,
  context: { readonly documents: readonly PolicyDocument[]; readonly now: Temporal.Instant },
): ApprovalDocument {
  const policy = policyOf(context.documents, decision);
  if (decision.decision === 'approve' && found.packages.length === 0) {
    throw new CodedError('USAGE', `no host reports which packages ${found.id} consists of`, {
      next: 'wait until a host that needs it has reported its updates',
    });
  }
  if (decision.decision === 'approve') assertAllowed(policy, found);
  const now = context.now.round({ smallestUnit: 'second', roundingMode: 'floor' });

  const expires = now.add({ milliseconds: decision.lifeMs });
  const end = endOfMonthRole(now.toString().slice(0, 7));
  if (Temporal.Instant.compare(expires, end) > 0) {
    throw new CodedError('USAGE', `an approval of this month ends on ${end} at the latest, not on ${expires}`, {
      next: 'choose a shorter --expires, and approve again when it ends',
    });
  }

  return {
    kind: 'Approval',
    name: approvalName(policy.name, found),
    decision: decision.decision,
    policy: policy.name,
    lane: decision.lane,
    fix: { provider: found.provider, source: found.source, version: found.version },
    packages: found.packages,
    adds: decision.add.map((text) => readPackage(text, found.packages)),
    removes: [...decision.remove],
    approvedAt: now.toString(),
    expires: expires.toString(),
    ...(decision.reason === undefined ? {} : { reason: decision.reason }),
  };
}

/** One name per policy and fix; characters that a name may not have are replaced, and then a hash keeps it apart. */
export function approvalName(policy: string, { source, version }: Pick<ApiFix, 'source' | 'version'>): string {
  const plain = `${policy}.${source}-${version}`;
  const safe = plain.toLowerCase().replace(/[^a-z0-9.+~_-]/g, '_');
  // ":" is in every epoch and becomes "_", which no Debian version has: nothing is lost by that alone.
  if (safe === plain.replaceAll(':', '_') && safe.length <= NAME_LENGTH) return safe;

  return `${safe.slice(0, NAME_LENGTH - HASH_LENGTH - 1)}-${sha256(plain).slice(0, HASH_LENGTH)}`;
}

function policyOf(documents: readonly PolicyDocument[], { policy: name, lane }: Decision): PatchPolicyDocument {
  const policies = documents.filter((document): document is PatchPolicyDocument => document.kind === 'PatchPolicy');
  const policy = policies.find((document) => document.name === name);
  if (!policy) {
    const known = policies.map((document) => document.name).join(', ') || 'none';
    throw new CodedError('NOT_FOUND', `the policy has no PatchPolicy ${name} (it has: ${known})`, {
      next: 'push one first: selvage policy push FILE',
    });
  }
  if (!policy.lanes[lane]) {
    const lanes = Object.keys(policy.lanes).join(', ');
    throw new CodedError('USAGE', `${name} has no lane ${lane} (it has: ${lanes})`, {
      next: 'choose one of its lanes with --lane, or add the lane to the policy',
    });
  }

  return policy;
}

/** `allow.from`: a security fix needs `security`, any other one of the two ordinary sources. Throws POLICY_FORBIDS. */
function assertAllowed({ name, allow }: PatchPolicyDocument, { id, security }: ApiFix): void {
  const wanted = security ? ['security'] : ['updates', 'point-release'];
  if (allow.from.some((source) => wanted.includes(source))) return;

  throw new CodedError(
    'POLICY_FORBIDS',
    `${name} lets in only ${allow.from.join(', ')}; ${id} is ${security ? 'a' : 'no'} security fix`,
  );
}

function readPackage(text: string, packages: readonly PackageVersion[]): PackageVersion {
  const [, name, arch, version] = PACKAGE.exec(text) ?? [];
  if (name === undefined || version === undefined) {
    throw new CodedError('USAGE', `"${text}" is not a package such as libssl3=3.0.22-1 or libssl3:amd64=3.0.22-1`);
  }
  const known = [...new Set(packages.map((each) => each.arch).filter((each) => each !== 'all'))];
  const [only] = known;
  if (arch !== undefined) return { name, version, arch };
  if (only !== undefined && known.length === 1) return { name, version, arch: only };

  throw new CodedError('USAGE', `the architecture of ${name} is not clear`, {
    next: `write it as ${name}:ARCH=${version}`,
  });
}
