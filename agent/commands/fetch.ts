// `selvage-agent fetch`: brings the packages that the runner asked for, as a mirror folder. Unprivileged; the runner
// believes nothing of it.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { createAptFetcher } from '../providers/apt/fetcher.ts';
import { runnerFolders } from '../runner/folders.ts';
import { wantedFile } from '../runner/wanted.ts';
import type { Context } from './context.ts';
import { agentFolders } from './folders.ts';
import { unprivilegedUser } from './user.ts';

const MAX_WANTED_BYTES = 4 * 1024 * 1024;

/** Throws NOT_FETCHED when something wanted could not be had; what could be is there. */
export async function fetchWanted(context: Context): Promise<void> {
  const settings = await context.settings();
  const folders = agentFolders(settings);
  const packages = await readWanted(runnerFolders(settings).wanted);
  if (packages.length === 0) {
    context.say('the runner wants no packages');

    return;
  }

  const fetcher = createAptFetcher({
    root: settings.root,
    stateDir: folders.lists,
    packages: folders.packages,
    run: context.run,
    clock: context.clock,
    unprivileged: await unprivilegedUser(settings.user),
    lists: settings.lists,
  });
  const { missing } = await fetcher.fetch({ packages });
  context.say(`fetched ${packages.length - missing.length} of ${packages.length} packages`);
  if (missing.length > 0) {
    const names = missing.map(({ name, version }) => `${name} ${version}`).join(', ');
    throw new CodedError('NOT_FETCHED', `no enabled repository serves ${names}`, { details: { missing } });
  }
}

/** What the runner asks for; nothing before its first pass. Throws FILE_CORRUPT. */
async function readWanted(path: string): Promise<readonly PackageVersion[]> {
  const bytes = await readBounded(path, MAX_WANTED_BYTES);
  if (bytes === null) return [];

  try {
    return wantedFile.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))).packages;
  } catch (error) {
    throw new CodedError('FILE_CORRUPT', `${path} is not what the runner wrote`, { cause: error });
  }
}
