// The current signed policy, verified here as a host would verify it, starting from the root that the pin vouched for and
// never behind what was verified before. What an admin signs is built on this and on nothing else.
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { decodeAccepted, encodeAccepted, MAX_ACCEPTED_BYTES } from '@selvage/shared/policy/accepted.ts';
import { type OverduePolicy, verifyOverdue } from '@selvage/shared/policy/overdue.ts';
import type { AcceptedPolicy, PolicyFiles, TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import { policyFiles } from '../api/contract.ts';
import type { Cli, Session } from './cli.ts';

const SEEN_FILE = 'policy-seen.json';
const ROOT = /^\d+\.root\.json$/;
const RECOVER = 'was the collector restored from a backup? then: selvage policy recover; else look at who runs it';

/** Throws POLICY_INVALID, POLICY_SIGNATURES or POLICY_ROLLED_BACK, as a host would. */
export async function currentPolicy(cli: Cli, session: Session): Promise<TrustedPolicy> {
  return (await currentOrOverdue(cli, session)).policy;
}

/** The same with the roles that have expired, which only those who sign can make new. */
export async function currentOrOverdue(cli: Cli, session: Session): Promise<OverduePolicy> {
  const offered = await fetchPolicy(session);
  const seen = await seenPolicy(cli);
  const overdue = verifySeen(cli, session, offered, seen);
  await remember(cli, offered, overdue.policy);

  return overdue;
}

export interface OfferedPolicy {
  readonly timestampVersion: number;
  readonly files: PolicyFiles;
  readonly roots: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

/** The files of the collector, of which nothing is known yet. */
export async function fetchPolicy({ client }: Session): Promise<OfferedPolicy> {
  const { timestampVersion, files } = await client.get('/v1/policy', policyFiles);
  const contents = new Map<string, Uint8Array>();
  for (const { name, sha256: hash, content } of files) {
    const bytes = new TextEncoder().encode(content);
    contents.set(name, bytes);
    contents.set(`${name}#${hash}`, bytes);
  }

  return {
    timestampVersion,
    files: (name, hash) => contents.get(hash === undefined ? name : `${name}#${hash}`) ?? null,
    roots: [...contents].filter(([name]) => ROOT.test(name)).map(([name, bytes]) => ({ name, bytes })),
  };
}

/**
 * All that was verified here the last time, roots and documents too: enough to notice a repository that went back, and to
 * bring back what a collector has lost. Null before the first time.
 */
export async function seenPolicy(cli: Cli): Promise<AcceptedPolicy | null> {
  const bytes = await cli.admin.kept(SEEN_FILE, MAX_ACCEPTED_BYTES);

  return bytes && decodeAccepted(bytes);
}

function verifySeen(cli: Cli, { identity }: Session, offered: OfferedPolicy, seen: AcceptedPolicy | null) {
  try {
    return verifyOverdue({ root: identity.root, files: offered.files, now: cli.clock.now(), previous: seen });
  } catch (error) {
    // What is older than what was seen, or does not fit the newer root that was seen: both are how a restored collector looks.
    if (!hasCode(error, 'POLICY_ROLLED_BACK') && !hasCode(error, 'POLICY_SIGNATURES')) throw error;
    throw new CodedError(error.code, error.message, { cause: error, details: error.details, next: RECOVER });
  }
}

async function remember(cli: Cli, { roots }: OfferedPolicy, { accepted }: TrustedPolicy): Promise<void> {
  const chain = roots.map(({ name, bytes }) => ({ name, bytes, sha256: sha256(bytes) }));
  await cli.admin.keep(SEEN_FILE, encodeAccepted({ ...accepted, files: [...chain, ...accepted.files] }));
}
