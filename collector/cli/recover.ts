// selvage policy recover: brings back to a collector that was restored from a backup what admins signed after it. First what
// this machine remembers, byte for byte as it was signed. Where hosts have seen still more, the roles are signed anew above it,
// only when the admin says so: a stolen collector could pretend a restore to have old documents signed again.
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { policyKey } from '@selvage/shared/policy/keys.ts';
import { MAX_VERSION_LEAD } from '@selvage/shared/policy/limits.ts';
import { verifyOverdue } from '@selvage/shared/policy/overdue.ts';
import { replaceOnlineKeys } from '@selvage/shared/policy/rotate.ts';
import { type OnlineKeys, type Proposal, renewRoles } from '@selvage/shared/policy/sign.ts';
import { alarms, onlineKeys } from '../api/contract.ts';
import { type Cli, openSession, type Session } from './cli.ts';
import { fetchPolicy, type OfferedPolicy, seenPolicy } from './current-policy.ts';
import { onlySignerOf, upload } from './push.ts';
import { aboveHeld, type Lost, lostOf, onlineDiffers } from './recovery.ts';

export interface RecoverOptions {
  /** Sign what is here above what hosts have seen: what was in between is given up. */
  readonly signAbove?: boolean;
  /** Sign a root that names the online keys of this collector, where a lost root named others. */
  readonly newOnlineKeys?: boolean;
  readonly json?: boolean;
}

interface RoleVersion {
  readonly role: string;
  readonly version: number;
}

/** What was done, for people or programs. */
export async function recover(cli: Cli, options: RecoverOptions): Promise<void> {
  const session = await openSession(cli);
  const lost = await bringBack(cli, session, options.newOnlineKeys === true);
  const { signed, left } = await raise(cli, session, options.signAbove === true);
  const done = {
    broughtBack: lost?.names ?? [],
    differs: lost?.differs ?? [],
    signedAbove: signed,
    hostsHoldMore: left,
  };
  if (options.json === true) return cli.screen.json(done);

  for (const name of done.broughtBack) cli.screen.line(`brought back ${name}`, 'good');
  for (const role of done.differs) {
    cli.screen.line(`${role}: this version was signed twice; the collector's stays, push what is missing again`, 'bad');
  }
  for (const { role, version } of signed) cli.screen.line(`signed ${role} anew as version ${version}`, 'good');
  for (const { role, version } of left) {
    cli.screen.line(`hosts hold version ${version} of ${role}; neither the collector nor this machine has it`, 'bad');
  }
  if (left.length > 0) {
    cli.screen.line('  next: let the admins who pushed last run "selvage policy recover" on their machines');
    cli.screen.line('  if nobody has it: look at "selvage policy get", then: selvage policy recover --sign-above');
  }
  if (done.broughtBack.length + signed.length + left.length === 0) {
    cli.screen.line('the collector has lost nothing known here', 'good');
  }
}

/** New keys of the collector, public halves. */
export async function newOnlineKeys({ client }: Session): Promise<OnlineKeys> {
  const { snapshot, timestamp } = await client.post('/v1/policy/online-keys', {}, onlineKeys);

  return { snapshot: policyKey(snapshot), timestamp: policyKey(timestamp) };
}

/** Uploads what this machine remembers and the collector has no more; null when that is nothing. */
async function bringBack(cli: Cli, session: Session, newKeys: boolean): Promise<Lost | null> {
  const seen = await seenPolicy(cli);
  const offered = await fetchPolicy(session);
  const theirs = verified(cli, session, offered);
  const lost = seen === null ? null : lostOf(seen, theirs);
  if (lost === null || lost.names.length === 0) return lost;

  const proposal = await withUsableOnlineKeys(cli, session, { lost, theirs, newKeys });
  await upload(cli, session, proposal, { recovers: { onTopOf: offered.timestampVersion, above: lost.online } });

  return lost;
}

/**
 * The keys that a lost root names for snapshot and timestamp are as lost as the root: one more root names new ones. Only when
 * the admin says so: a collector that was stolen, and replaced with new keys since, would get its power back by pretending.
 */
async function withUsableOnlineKeys(
  cli: Cli,
  session: Session,
  how: { readonly lost: Lost; readonly theirs: ReturnType<typeof verified>; readonly newKeys: boolean },
): Promise<Proposal> {
  const { lost, theirs, newKeys } = how;
  const { proposal, root } = lost;
  if (root === null || !onlineDiffers(root, theirs.signed.root)) return proposal;
  if (!newKeys) {
    throw new CodedError(
      'POLICY_SIGNATURES',
      `root ${root.version} names online keys that this collector does not have`,
      {
        next: 'if you restored this very collector yourself: selvage policy recover --new-online-keys; else look at who runs it',
      },
    );
  }
  const signer = await onlySignerOf(cli, { ...theirs, signed: { ...theirs.signed, root } });
  const online = await newOnlineKeys(session);
  const more = replaceOnlineKeys({ root, online, signers: [signer], now: cli.clock.now() });

  return { ...proposal, metadata: [...proposal.metadata, ...more.metadata] };
}

/** Roles that hosts have seen in a later version than is here: signed anew above it, or left as they are. */
async function raise(
  cli: Cli,
  session: Session,
  signAbove: boolean,
): Promise<{ readonly signed: readonly RoleVersion[]; readonly left: readonly RoleVersion[] }> {
  const offered = await fetchPolicy(session);
  const current = verified(cli, session, offered);
  const { held } = await session.client.get('/v1/alarms', alarms);
  const { above, beyond, missing } = aboveHeld(held, current.versions);
  for (const { role, version, hosts } of beyond) {
    cli.screen.note(
      role === 'root'
        ? `${hosts.join(', ')} trust root ${version}: run this on the machine of the admin who made it`
        : `${hosts.join(', ')} claim ${role} ${version}, more than ${MAX_VERSION_LEAD} ahead: not believed`,
    );
  }
  const roles = Object.keys(above);
  if (roles.length === 0 && missing.length === 0) return { signed: [], left: [] };
  if (!signAbove) {
    const wanted = [...roles, ...missing];

    return {
      signed: [],
      left: held.filter(({ role }) => wanted.includes(role)).map(({ role, version }) => ({ role, version })),
    };
  }

  const signer = await onlySignerOf(cli, current);
  const now = cli.clock.now();
  const proposal = renewRoles({ current, roles, signers: [signer], now, above });
  const { root } = current.signed;
  // Hosts take a role for rolled back when a snapshot under the same keys names it no more; under new keys it may be gone.
  const more =
    missing.length === 0
      ? []
      : replaceOnlineKeys({ root, online: await newOnlineKeys(session), signers: [signer], now }).metadata;
  await upload(cli, session, { ...proposal, metadata: [...more, ...proposal.metadata] }, { recovers: onTop(offered) });
  for (const role of missing) cli.screen.note(`${role} is lost; new online keys let hosts go on without it`);

  return { signed: roles.map((role) => ({ role, version: (above[role] ?? 0) + 1 })), left: [] };
}

/** What hosts say of snapshot and timestamp is not asked: the time in their versions is ahead of all that was honest. */
function onTop({ timestampVersion }: OfferedPolicy) {
  return { onTopOf: timestampVersion, above: 0 };
}

/** Without what was seen before: that it is behind is the very thing to be mended. */
function verified(cli: Cli, { identity }: Session, { files }: OfferedPolicy) {
  try {
    return verifyOverdue({ root: identity.root, files, now: cli.clock.now(), previous: null }).policy;
  } catch (error) {
    if (!hasCode(error)) throw error;
    throw new CodedError(error.code, `the collector's own policy does not verify: ${error.message}`, { cause: error });
  }
}
