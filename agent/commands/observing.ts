// The observing half, built: the observers of this host's package managers and everything an inventory needs.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { InventoryOptions } from '../inventory/context.ts';
import { detectObservers } from '../providers/index.ts';
import type { Settings } from '../settings.ts';
import { takeoverFile } from '../updaters/takeover/state.ts';
import { AGENT_VERSION } from '../version.ts';
import type { Context } from './context.ts';
import { agentFolders } from './folders.ts';
import { unprivilegedUser } from './user.ts';

export async function observing(context: Context, settings: Settings): Promise<InventoryOptions> {
  const { run, clock, entry } = context;
  const { lists } = agentFolders(settings);
  const observers = await detectObservers({
    root: settings.root,
    stateDir: lists,
    run,
    clock,
    unprivileged: await unprivilegedUser(settings.user),
    maxAge: settings.lists.maxAge,
  });

  return {
    settings,
    observers,
    run,
    clock,
    agentVersion: AGENT_VERSION,
    lockfile: lockfileOf(entry),
    takeoverFile: takeoverFile(settings.runnerDir),
    hardwareFile: join(lists, 'hardware.json'),
    ownersFile: join(lists, 'owners.json'),
  };
}

/** What the agent ships is said by the lock file: beside the program in a bundle, at the top of a checkout. */
function lockfileOf(entry: string): string {
  const shipped = join(dirname(entry), 'package-lock.json');

  return existsSync(shipped) ? shipped : join(dirname(entry), '../../package-lock.json');
}
