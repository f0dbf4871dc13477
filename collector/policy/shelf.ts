// What of the policy repository a client can still need: the last snapshots, and what those name. Everything else goes, or
// a collector that refreshes for years would keep every snapshot it ever made. Roots are never dropped: they are the chain.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { decodeMetadata, fileNameOf } from '@selvage/shared/policy/metadata.ts';
import type { PolicyReader, PolicyWriter } from '../store/ports.ts';
import { TIMESTAMP } from './stored.ts';

/** Snapshots that are served: the current one, and those of hosts that are in the middle of mirroring. */
export const SNAPSHOTS_KEPT = 4;

const SNAPSHOT = /^\d+\.snapshot\.json$/;
const ROOT = /^\d+\.root\.json$/;

/** Drops what is needed no more. Runs in the transaction that made the newest snapshot. */
export async function clearShelf(policy: PolicyReader & PolicyWriter): Promise<void> {
  const names = (await policy.names()).map(({ name }) => name);
  const metadata = new Set(names.filter((name) => name === TIMESTAMP || ROOT.test(name)));
  const targets = new Map<string, { readonly name: string; readonly sha256: Sha256 }>();

  // In the order in which they came, and a name is replaced as a whole: the last are the newest, whatever their numbers say.
  for (const snapshot of names.filter((name) => SNAPSHOT.test(name)).slice(-SNAPSHOTS_KEPT)) {
    metadata.add(snapshot);
    const bytes = await required(policy, snapshot);
    for (const [file, { version }] of Object.entries(decodeMetadata('snapshot', snapshot, bytes).signed.meta)) {
      const role = fileNameOf(file.slice(0, -'.json'.length), version);
      if (metadata.has(role)) continue;
      metadata.add(role);
      const signed = decodeMetadata('targets', role, await required(policy, role)).signed;
      for (const [name, { hashes }] of Object.entries(signed.targets)) {
        targets.set(`${name} ${hashes.sha256}`, { name, sha256: hashes.sha256 as Sha256 });
      }
    }
  }

  await policy.prune([...targets.values()], [...metadata]);
}

async function required(policy: PolicyReader, name: string): Promise<Uint8Array> {
  const bytes = await policy.file(name);
  if (bytes === null) throw new CodedError('STORE_FAILED', `the policy repository in the store has lost ${name}`);

  return bytes;
}
