// The observing half, built: the observers of this host's package managers and everything an inventory needs.

import { fileURLToPath } from 'node:url';
import type { InventoryOptions } from '../inventory/context.ts';
import { detectObservers } from '../providers/index.ts';
import type { Settings } from '../settings.ts';
import { AGENT_VERSION } from '../version.ts';
import type { Context } from './context.ts';
import { agentFolders } from './folders.ts';
import { unprivilegedUser } from './user.ts';

const LOCKFILE = fileURLToPath(new URL('../../package-lock.json', import.meta.url));

export async function observing(context: Context, settings: Settings): Promise<InventoryOptions> {
  const { run, clock } = context;
  const observers = await detectObservers({
    root: settings.root,
    stateDir: agentFolders(settings).lists,
    run,
    clock,
    unprivileged: await unprivilegedUser(settings.user),
    maxAge: settings.lists.maxAge,
  });

  return { settings, observers, run, clock, agentVersion: AGENT_VERSION, lockfile: LOCKFILE };
}
