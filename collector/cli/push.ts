// Signs a change with the admin's own key and uploads it. The collector checks it as a host would before it stores it.
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { SigningKey } from '@selvage/shared/policy/keys.ts';
import { endingRoles } from '@selvage/shared/policy/rotate.ts';
import { type Proposal, renewRoles } from '@selvage/shared/policy/sign.ts';
import type { TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import type { z } from 'zod';
import { pushed, pushRequest } from '../api/contract.ts';
import type { Cli, Session } from './cli.ts';
import { currentOrOverdue, currentPolicy } from './current-policy.ts';

const DAY_MS = 24 * 3_600_000;
/** Whoever signs anything renews on the way what ends within this: longer than alarms look ahead. */
export const RENEW_AHEAD_MS = 60 * DAY_MS;

type Recovers = NonNullable<z.input<typeof pushRequest>['recovers']>;

/** The key that signs from here. Throws KEY_UNUSABLE when there is none, or when the policy does not count it. */
export async function signerOf(cli: Cli, current: TrustedPolicy): Promise<SigningKey> {
  await finishRotation(cli, current);
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
      next: 'a push that several keys sign together is not built yet; see the limits in the README',
    });
  }

  return key;
}

/**
 * A rotation whose answer was lost: when the policy counts the key that waits, that key signs from now on. Returns it, null
 * when there was nothing to finish.
 */
export async function finishRotation(cli: Cli, { signed }: TrustedPolicy): Promise<SigningKey | null> {
  const next = await cli.admin.nextSigningKey();
  if (!next || !signed.root.roles.targets.keyids.includes(next.keyId)) return null;
  await cli.admin.promoteSigningKey();

  return next;
}

/**
 * The policy to sign on top of: what ends soon is signed anew first, so that whoever works with policy never has to think
 * of it. The same value when nothing ends soon.
 */
export async function renewedPolicy(cli: Cli, session: Session, current: TrustedPolicy): Promise<TrustedPolicy> {
  const roles = endingRoles(current, cli.clock.now(), RENEW_AHEAD_MS);
  if (roles.length === 0) return current;
  await renew(cli, session, current, roles);

  return currentPolicy(cli, session);
}

/** Signs the roles anew and uploads them. */
export async function renew(
  cli: Cli,
  session: Session,
  current: TrustedPolicy,
  roles: readonly string[],
): Promise<number> {
  const signer = await signerOf(cli, current);
  cli.screen.note(`signing anew what has expired or ends soon: ${roles.join(', ')}`);

  return upload(cli, session, renewRoles({ current, roles, signers: [signer], now: cli.clock.now() }));
}

/**
 * Uploads a proposal; returns the new timestamp version. What is then current is remembered here, so that this machine can
 * bring it back should the collector lose it. `about.recovers`: see `selvage policy recover`;
 * `about.proposal`: the number of the one that is signed by it.
 */
export async function upload(
  cli: Cli,
  session: Session,
  proposal: Proposal,
  about: { readonly recovers?: Recovers; readonly proposal?: number } = {},
): Promise<number> {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');
  const body = pushRequest.parse({
    metadata: proposal.metadata.map(({ name, bytes }) => ({ name, content: text(bytes) })),
    targets: proposal.targets.map(({ path, bytes }) => ({ path, content: text(bytes) })),
    ...about,
  });
  const { timestampVersion } = await session.client.post('/v1/policy', body, pushed);

  try {
    await currentOrOverdue(cli, session);
  } catch (error) {
    // The push is stored whatever becomes of this; it must not look as if it had failed.
    const { code, message } = asCoded(error);
    cli.screen.note(`stored, but not remembered on this machine: ${code}: ${message}`);
  }

  return timestampVersion;
}
