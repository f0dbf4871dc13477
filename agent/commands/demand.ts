// How the connector gets an inventory where a service manager's own unit takes it: it touches a file that the unit waits for, and reads what
// the unit leaves in a folder of root. It can cause an inventory, and nothing else.
import { readdir, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, makeFolder, readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import { decodeParcel, type Parcel } from '../connector/parcel.ts';
import type { DurableStream } from '../connector/stream.ts';
import type { Settings } from '../settings.ts';
import type { Context } from './context.ts';
import { agentFolders } from './folders.ts';
import { changedAt } from './touches.ts';

/** All sections at their largest in base64. */
const MAX_PARCEL_BYTES = 32 * 1024 * 1024;
/** For root and the group of the connector: who listens on which port is nobody else's business. */
const PARCEL_MODE = 0o640;
const READABLE_FOLDER = 0o755;
/** Lists have ten minutes, an inventory eight. */
const DEADLINE_MS = 20 * 60_000;
/** A path unit does not see what is touched while its service runs, and we may be quicker than its end. */
const ASK_AGAIN_MS = 3000;
const LOOK_MS = 500;

/** The unit's part. Its group decides who may read it. */
export async function leaveParcel(settings: Settings, parcel: Parcel): Promise<void> {
  const { deposit } = agentFolders(settings);
  await makeFolder(dirname(deposit), READABLE_FOLDER);
  await writeDurable(deposit, `${JSON.stringify(parcel)}\n`, { mode: PARCEL_MODE });
}

/** The connector's part: an inventory that came after the question. Throws PROCESS_DEADLINE when none comes, and PARSE. */
export async function demandInventory(
  { clock }: Pick<Context, 'clock'>,
  settings: Settings,
  signal: AbortSignal,
): Promise<Parcel> {
  const { deposit, inventoryWanted } = agentFolders(settings);
  const before = await changedAt(deposit);
  const asked = clock.monotonic();
  let next = asked;

  for (;;) {
    if (clock.monotonic() >= next) {
      await touch(inventoryWanted, clock.now());
      next = clock.monotonic() + ASK_AGAIN_MS;
    }
    if ((await changedAt(deposit)) !== before) {
      const bytes = await readBounded(deposit, MAX_PARCEL_BYTES);
      if (bytes !== null) return decodeParcel(Buffer.from(bytes).toString('utf8'));
    }
    if (clock.monotonic() - asked > DEADLINE_MS) {
      throw new CodedError('PROCESS_DEADLINE', `no inventory came within ${DEADLINE_MS} ms`, {
        next: 'look at: systemctl status selvage-agent-inventory.path selvage-agent-inventory.service',
      });
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

async function touch(path: string, now: Temporal.Instant): Promise<void> {
  try {
    const seconds = now.epochMilliseconds / 1000;
    await utimes(path, seconds, seconds);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    await makeFolder(dirname(path), READABLE_FOLDER);
    await writeDurable(path, '');
  }
}

/** Yields when the runner has told something new: the host may look different. */
export async function* newResults(stream: DurableStream, folder: string, signal: AbortSignal): AsyncGenerator<void> {
  let seen = await lastResult(folder);

  for await (const _ of stream.changed(signal)) {
    const last = await lastResult(folder);
    if (last > seen) yield;
    seen = Math.max(seen, last);
  }
}

async function lastResult(folder: string): Promise<number> {
  try {
    const numbers = (await readdir(folder)).map((name) => Number(/^(\d+)\.json$/.exec(name)?.[1] ?? 0));

    return Math.max(0, ...numbers);
  } catch (error) {
    // On a fresh host the runner makes the folder with its first result.
    if (hasErrno(error, 'ENOENT')) return 0;
    throw error;
  }
}
