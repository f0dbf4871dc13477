// The first policy of a collector: what the first admin signed, with the first snapshot and timestamp.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { SigningKey } from '@selvage/shared/policy/keys.ts';
import type { OnlineKeys, Proposal } from '@selvage/shared/policy/sign.ts';
import { verifyRepository } from '@selvage/shared/policy/trusted-set.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Store } from '../store/ports.ts';
import { entriesOf } from './ledger.ts';
import { snapshotOf } from './online-files.ts';
import { checkVersions, pushedRoles } from './proposal.ts';
import { FIRST_ROOT, filesOf, TIMESTAMP } from './stored.ts';

/**
 * Stores the first repository and returns the bytes of its root: what hosts pin. Throws ALREADY_EXISTS, or what is wrong
 * with the proposal; then nothing is stored.
 */
export async function initializePolicy(request: {
  readonly store: Store;
  readonly keys: OnlineKeys<SigningKey>;
  readonly clock: Clock;
  readonly proposal: Proposal;
  /** Actor of the ledger. */
  readonly by?: string;
}): Promise<Uint8Array> {
  const { store, keys, clock, proposal, by = 'collector' } = request;
  if (await store.read.policy.file(TIMESTAMP)) {
    throw new CodedError('ALREADY_EXISTS', 'this collector has a policy repository already', {
      next: 'push to it instead: selvage policy push',
    });
  }

  const now = clock.now();
  const roles = pushedRoles(proposal);
  checkVersions(roles, {});
  const nothing = { timestampVersion: 0, snapshot: { version: 0, bytes: new Uint8Array() } };
  const delegated = roles.filter(({ role }) => role !== 'root');
  const files = [...proposal.metadata, ...snapshotOf(keys, nothing, delegated, now).files];
  const contents = new Map(files.map(({ name, bytes }) => [name, bytes]));
  const root = contents.get(FIRST_ROOT);
  if (!root) throw new CodedError('POLICY_INVALID', `the first policy has no ${FIRST_ROOT}`);
  const policy = verifyRepository({ root, files: filesOf(contents), now, previous: null });

  await store.transaction(async (writers) => {
    await writers.policy.put(
      files.map(({ name, bytes }) => ({ name, sha256: sha256(bytes), content: bytes })),
      0,
    );
    for (const entry of entriesOf(
      null,
      policy,
      proposal.metadata.map(({ name }) => name),
    )) {
      await writers.audit.append({ ...entry, at: now.toString() as Timestamp, actor: by });
    }
  });

  return root;
}
