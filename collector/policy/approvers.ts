// Whether a risk acceptance that is pushed was signed by the admin whom it names as its approver. Signatures are looked at themselves:
// an entry that merely names a key proves nothing, and more of them than a threshold needs are otherwise never checked.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { RiskAcceptanceDocument } from '@selvage/shared/policy/documents.ts';
import { verifyWith } from '@selvage/shared/policy/keys.ts';
import { decodeMetadata, signedBytes } from '@selvage/shared/policy/metadata.ts';
import type { NamedBytes } from '@selvage/shared/policy/online.ts';
import type { TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import type { AdminRecord } from '../store/ports.ts';

const POLICY_ROLE = /^\d+\.policy\.json$/;

/** Throws DOCUMENT_REFERENCE for the first acceptance, new or changed, whose approver has not signed. `proposal`: the one that is signed. */
export function assertApproved(
  before: TrustedPolicy,
  after: TrustedPolicy,
  pushed: readonly NamedBytes[],
  admins: readonly AdminRecord[],
  proposal: number | null = null,
): void {
  const known = new Map(before.documents.map(({ path, sha256 }) => [path, sha256]));
  const fresh = after.documents.flatMap(({ document, path, sha256 }) =>
    document.kind === 'RiskAcceptance' && known.get(path) !== sha256 ? [document] : [],
  );
  if (fresh.length === 0) return;
  const signers = signersOf(after, pushed);
  for (const acceptance of fresh) assertSigned(acceptance, signers, admins, proposal);
}

function assertSigned(
  { name, approver }: RiskAcceptanceDocument,
  signers: ReadonlySet<string>,
  admins: readonly AdminRecord[],
  proposal: number | null,
): void {
  const admin = admins.find((each) => each.name === approver && each.state === 'active');
  const path = `RiskAcceptance ${name}: approver`;
  if (admin?.keyId == null) {
    throw refused(path, `${approver} is no admin with a signing key`, 'name an admin of selvage admin list');
  }
  if (!signers.has(admin.keyId)) {
    const how = proposal === null ? 'propose FILE' : `sign ${proposal}`;
    throw refused(path, `${approver} has not signed this push`, `let ${approver} sign it: selvage policy ${how}`);
  }
}

/** Ids of the keys whose signatures over the pushed role hold. */
function signersOf({ signed: { roles } }: TrustedPolicy, pushed: readonly NamedBytes[]): ReadonlySet<string> {
  const file = pushed.find(({ name }) => POLICY_ROLE.test(name));
  if (file === undefined) return new Set();
  const { signed, signatures } = decodeMetadata('targets', file.name, file.bytes);
  const keys = roles.targets?.delegations?.keys ?? {};
  const bytes = signedBytes(signed);

  return new Set(
    signatures.flatMap(({ keyid, sig }) => {
      const key = keys[keyid]?.keyval.public;

      return key !== undefined && verifyWith(key, bytes, sig) ? [keyid] : [];
    }),
  );
}

function refused(path: string, message: string, next: string): CodedError {
  return new CodedError('DOCUMENT_REFERENCE', `${path}: ${message}`, {
    next,
    details: { problems: [{ path, message }] },
  });
}
