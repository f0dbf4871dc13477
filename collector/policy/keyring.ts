// The collector's online keys: those that the newest root names, and new ones that wait for a root to name them. INVARIANT: a
// key is on the disk before anybody signs a root that names it, so a crash at any point leaves the key that the root means.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded, removeDurable, writeDurable } from '@selvage/shared/files/durable.ts';
import { createSigningKey, readSigningKey, type SigningKey } from '@selvage/shared/policy/keys.ts';
import type { RootSigned } from '@selvage/shared/policy/metadata.ts';
import type { OnlineKeys } from '@selvage/shared/policy/sign.ts';
import { z } from 'zod';

export interface Keyring {
  /** The keys that a root names for snapshot and timestamp; null when this collector does not have them. */
  of(root: RootSigned): OnlineKeys<SigningKey> | null;
  /** New keys, kept beside the present ones in the place of those that waited before. Only the public halves leave. */
  propose(): Promise<OnlineKeys>;
  /** After a root was stored: the keys that it names are the present ones, everything else is removed. */
  settle(root: RootSigned): Promise<void>;
}

const MAX_BYTES = 64 * 1024;
const WAITING = '.next';
const schema = z.strictObject({ snapshot: z.string(), timestamp: z.string() });

/** `file` is read if it is there; a lost file is no reason not to start: new keys are proposed and signed into the root. */
export async function openKeyring(file: string): Promise<Keyring> {
  let present = await readKeys(file);
  let waiting = await readKeys(file + WAITING);
  const held = () => [present, waiting].filter((keys) => keys !== null);

  return {
    of: (root) => held().find((keys) => areNamedBy(root, keys)) ?? null,
    propose: async () => {
      const made = madeKeys();
      await writeKeys(file + WAITING, made);
      waiting = made;

      return publicHalves(made);
    },
    settle: async (root) => {
      if (waiting === null || !areNamedBy(root, waiting)) return;
      await writeKeys(file, waiting);
      present = waiting;
      waiting = null;
      await removeDurable(file + WAITING);
    },
  };
}

/** Keys in memory, for a collector that is just being made and for tests. */
export function heldKeys(first: OnlineKeys<SigningKey>): Keyring {
  let keys: readonly OnlineKeys<SigningKey>[] = [first];

  return {
    of: (root) => keys.find((each) => areNamedBy(root, each)) ?? null,
    propose: async () => {
      const made = madeKeys();
      keys = [...keys.slice(0, 1), made];

      return publicHalves(made);
    },
    settle: async (root) => {
      keys = keys.filter((each) => areNamedBy(root, each));
    },
  };
}

function areNamedBy(root: RootSigned, keys: OnlineKeys): boolean {
  return (['snapshot', 'timestamp'] as const).every((role) => root.roles[role].keyids.includes(keys[role].keyId));
}

function madeKeys(): OnlineKeys<SigningKey> {
  return { snapshot: createSigningKey(), timestamp: createSigningKey() };
}

function publicHalves({ snapshot, timestamp }: OnlineKeys): OnlineKeys {
  return {
    snapshot: { keyId: snapshot.keyId, publicKey: snapshot.publicKey },
    timestamp: { keyId: timestamp.keyId, publicKey: timestamp.publicKey },
  };
}

/** Throws FILE_CORRUPT or KEY_UNUSABLE. */
async function readKeys(file: string): Promise<OnlineKeys<SigningKey> | null> {
  const bytes = await readBounded(file, MAX_BYTES);
  if (bytes === null) return null;

  try {
    const { snapshot, timestamp } = schema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));

    return { snapshot: readSigningKey(snapshot), timestamp: readSigningKey(timestamp) };
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('FILE_CORRUPT', `${file} cannot be read`, { cause: error });
  }
}

async function writeKeys(file: string, { snapshot, timestamp }: OnlineKeys<SigningKey>): Promise<void> {
  await writeDurable(file, `${JSON.stringify({ snapshot: snapshot.privateKey, timestamp: timestamp.privateKey })}\n`);
}
