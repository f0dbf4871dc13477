// Signs a change with the admin's own key and uploads it. The collector checks it as a host would before it stores it.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { SigningKey } from '@selvage/shared/policy/keys.ts';
import type { Proposal } from '@selvage/shared/policy/sign.ts';
import type { TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import { pushed, pushRequest } from '../api/contract.ts';
import type { Cli, Session } from './cli.ts';

/** The key that signs from here. Throws KEY_UNUSABLE when there is none, or when the policy does not count it. */
export async function signerOf(cli: Cli, current: TrustedPolicy): Promise<SigningKey> {
  const key = await cli.admin.signingKey();
  if (!key) {
    throw new CodedError('KEY_UNUSABLE', `there is no signing key in ${cli.admin.path}`, {
      next: 'make one with: selvage key create',
    });
  }
  const { root } = current.signed;
  if (!root.roles.targets.keyids.includes(key.keyId)) {
    throw new CodedError('KEY_UNUSABLE', `the policy does not count the signing key ${key.keyId.slice(0, 16)}`, {
      next: `let an admin whose key counts run: selvage key trust ${key.publicKey}`,
    });
  }
  if (root.roles.targets.threshold > 1) {
    throw new CodedError('NOT_BUILT', `the policy needs ${root.roles.targets.threshold} signatures`, {
      next: 'proposals that a second admin signs are not built yet; see the limits in the README',
    });
  }

  return key;
}

/** Uploads a proposal; returns the new timestamp version. */
export async function upload({ client }: Session, proposal: Proposal): Promise<number> {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
  const body = pushRequest.parse({
    metadata: proposal.metadata.map(({ name, bytes }) => ({ name, content: text(bytes) })),
    targets: proposal.targets.map(({ path, bytes }) => ({ path, content: text(bytes) })),
  });

  return (await client.post('/v1/policy', body, pushed)).timestampVersion;
}
