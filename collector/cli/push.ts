// Signs a change with the admin's own key and hands it in: as a push, or where that takes more signatures, as a proposal that waits
// for them. The collector checks it as a host would before it stores it.
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { SigningKey } from '@selvage/shared/policy/keys.ts';
import { endingRoles } from '@selvage/shared/policy/rotate.ts';
import { type Proposal, renewRoles } from '@selvage/shared/policy/sign.ts';
import { requirementsOf, stillNeeded } from '@selvage/shared/policy/signatures.ts';
import type { TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import type { z } from 'zod';
import { offered, offerRequest, type signatures } from '../api/contract/proposals.ts';
import { pushed, pushRequest } from '../api/contract.ts';
import { signaturesText } from '../todo/signatures.ts';
import type { Cli, Session } from './cli.ts';
import { currentOrOverdue, currentPolicy } from './current-policy.ts';
import { hanging } from './paragraph.ts';

/** Of a key id, for people. */
const KEY_DIGITS = 16;
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

  return key;
}

/** The same for what cannot wait for other signatures. Throws NOT_BUILT where more than one is needed. */
export async function onlySignerOf(cli: Cli, current: TrustedPolicy): Promise<SigningKey> {
  const { threshold } = current.signed.root.roles.targets;
  if (threshold === 1) return signerOf(cli, current);

  throw new CodedError('NOT_BUILT', `the policy needs ${threshold} signatures, and this cannot wait for others`, {
    next: 'let the admins who pushed last run "selvage policy recover" on their machines; see the limits in the README',
  });
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
 * of it. The same value when nothing ends soon, and where several must sign: that would wait, and all else behind it.
 */
export async function renewedPolicy(cli: Cli, session: Session, current: TrustedPolicy): Promise<TrustedPolicy> {
  const roles = endingRoles(current, cli.clock.now(), RENEW_AHEAD_MS);
  if (roles.length === 0) return current;
  if (current.signed.root.roles.targets.threshold > 1) {
    cli.screen.note(`${roles.join(', ')} of signed policy ends soon; next: selvage policy renew`);

    return current;
  }
  await renew(cli, session, current, roles);

  return currentPolicy(cli, session);
}

/** Signs the roles anew and hands them in. */
export async function renew(
  cli: Cli,
  session: Session,
  current: TrustedPolicy,
  roles: readonly string[],
): Promise<HandedIn> {
  const signer = await signerOf(cli, current);
  cli.screen.note(`signing anew what has expired or ends soon: ${roles.join(', ')}`);

  return handIn(cli, session, current, renewRoles({ current, roles, signers: [signer], now: cli.clock.now() }));
}

/** What became of a change: published, or waiting for more signatures. */
export interface HandedIn {
  readonly timestampVersion: number | null;
  readonly waits: (z.output<typeof signatures> & { readonly proposal: number }) | null;
}

/** Publishes what is signed by enough, and lets anything else wait. `number`: of the proposal that is signed by it. */
export async function handIn(
  cli: Cli,
  session: Session,
  current: TrustedPolicy,
  proposal: Proposal,
  number?: number,
): Promise<HandedIn> {
  const about = number === undefined ? {} : { proposal: number };
  if (stillNeeded(requirementsOf(current, proposal.metadata)) === null) {
    return { timestampVersion: await upload(cli, session, proposal, about), waits: null };
  }

  return offer(cli, session, proposal, about);
}

/** Lets it wait with its signatures, or adds them to what waits. */
export async function offer(
  cli: Cli,
  session: Session,
  proposal: Proposal,
  about: { readonly proposal?: number },
): Promise<HandedIn> {
  const body = offerRequest.parse({ ...bodyOf(proposal), ...about });
  const answer = await session.client.post('/v1/policy/signatures', body, offered);
  const { number, timestampVersion, signatures } = answer;
  if (timestampVersion !== null) await rememberPushed(cli, session);

  return {
    timestampVersion,
    waits: timestampVersion === null && number !== null ? { ...signatures, proposal: number } : null,
  };
}

/** For people. `keyId`: of the key that has signed. */
export function showHandedIn({ screen }: Cli, { timestampVersion, waits }: HandedIn, keyId: string): void {
  const key = keyId.slice(0, KEY_DIGITS);
  if (waits === null) {
    screen.line(`signed with ${key} and pushed: timestamp version ${timestampVersion}`, 'good');
  } else {
    screen.line(`signed with ${key}; it binds nobody yet`, 'good');
    showWaiting({ screen }, waits);
  }
}

/** For people: whose signatures a change has and needs, and the next command. */
export function showWaiting({ screen }: Pick<Cli, 'screen'>, waits: NonNullable<HandedIn['waits']>): void {
  for (const line of hanging(`proposal ${waits.proposal} waits: ${signaturesText(waits)}`, '', screen.width))
    screen.line(line);
  screen.line(
    waits.from.length === 0
      ? 'next: let the holder of another key that counts log in: selvage admin add NAME'
      : `next: let one of them run: selvage policy sign ${waits.proposal}`,
  );
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
  const body = pushRequest.parse({ ...bodyOf(proposal), ...about });
  const { timestampVersion } = await session.client.post('/v1/policy', body, pushed);
  await rememberPushed(cli, session);

  return timestampVersion;
}

function bodyOf({ metadata, targets }: Proposal) {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('utf8');

  return {
    metadata: metadata.map(({ name, bytes }) => ({ name, content: text(bytes) })),
    targets: targets.map(({ path, bytes }) => ({ path, content: text(bytes) })),
  };
}

async function rememberPushed(cli: Cli, session: Session): Promise<void> {
  try {
    await currentOrOverdue(cli, session);
  } catch (error) {
    // The push is stored whatever becomes of this; it must not look as if it had failed.
    const { code, message } = asCoded(error);
    cli.screen.note(`stored, but not remembered on this machine: ${code}: ${message}`);
  }
}
