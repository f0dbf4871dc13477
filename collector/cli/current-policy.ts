// The current signed policy, verified here as a host would verify it, starting from the root that the pin vouched for and
// never behind what was verified before. What an admin signs is built on this and on nothing else.
import { decodeAccepted, encodeAccepted } from '@selvage/shared/policy/accepted.ts';
import { type OverduePolicy, verifyOverdue } from '@selvage/shared/policy/overdue.ts';
import type { AcceptedPolicy, TrustedPolicy } from '@selvage/shared/policy/trusted-set.ts';
import { policyFiles } from '../api/contract.ts';
import type { Cli, Session } from './cli.ts';

const SEEN_FILE = 'policy-seen.json';
/** Enough to notice a repository that went back: the versions that these two files name. */
const KEPT = /^(timestamp|\d+\.snapshot)\.json$/;

/** Throws POLICY_INVALID, POLICY_SIGNATURES or POLICY_ROLLED_BACK, as a host would. */
export async function currentPolicy(cli: Cli, session: Session): Promise<TrustedPolicy> {
  return (await currentOrOverdue(cli, session)).policy;
}

/** The same with the roles that have expired, which only those who sign can make new. */
export async function currentOrOverdue(cli: Cli, { client, identity }: Session): Promise<OverduePolicy> {
  const { files } = await client.get('/v1/policy', policyFiles);
  const contents = new Map<string, Uint8Array>();
  for (const { name, sha256, content } of files) {
    const bytes = new TextEncoder().encode(content);
    contents.set(name, bytes);
    contents.set(`${name}#${sha256}`, bytes);
  }
  const { policy, overdue } = verifyOverdue({
    root: identity.root,
    files: (name, sha256) => contents.get(sha256 === undefined ? name : `${name}#${sha256}`) ?? null,
    now: cli.clock.now(),
    previous: await previouslySeen(cli),
  });
  const { accepted } = policy;
  const kept = { ...accepted, files: accepted.files.filter(({ name }) => KEPT.test(name)) };
  await cli.admin.keep(SEEN_FILE, encodeAccepted(kept));

  return { policy, overdue };
}

async function previouslySeen(cli: Cli): Promise<AcceptedPolicy | null> {
  const bytes = await cli.admin.kept(SEEN_FILE);

  return bytes && decodeAccepted(bytes);
}
