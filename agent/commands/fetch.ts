// `selvage-agent fetch`: brings the packages that the runner asked for, as a mirror folder. Unprivileged; the runner
// believes nothing of it.
import { lstat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, makeFolder, readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { createAptFetcher } from '../providers/apt/fetcher.ts';
import { runnerFolders } from '../runner/folders.ts';
import { wantedFile } from '../runner/wanted.ts';
import { createChildren } from './children.ts';
import type { Context } from './context.ts';
import { agentFolders } from './folders.ts';
import { prepareFolders } from './ownership.ts';
import { unprivilegedUser } from './user.ts';

const READABLE_FOLDER = 0o755;
const MAX_WANTED_BYTES = 4 * 1024 * 1024;

export interface FetchFlags {
  /** The runner is woken by a unit that watches a file of ours. */
  readonly service?: boolean;
}

/** Throws NOT_FETCHED when something wanted could not be had; what could be is there. As root it is done by the user of the settings. */
export async function fetchWanted(context: Context, flags: FetchFlags = {}): Promise<void> {
  if (!flags.service) {
    await bring(context);

    return;
  }

  try {
    await bring(context);
  } finally {
    // A fetch that brought only a part is worth a pass of the runner too.
    const { fetched } = agentFolders(await context.settings());
    await makeFolder(dirname(fetched), READABLE_FOLDER);
    await writeDurable(fetched, `${context.clock.now()}\n`);
  }
}

async function bring(context: Context): Promise<void> {
  const settings = await context.settings();
  const user = await unprivilegedUser(settings.user);
  if (user !== null) {
    await prepareFolders(settings, user);
    await createChildren(context, user).fetch();

    return;
  }

  const folders = agentFolders(settings);
  const packages = await readWanted(runnerFolders(settings).wanted);
  if (packages.length === 0) {
    context.say('the runner wants no packages');

    return;
  }

  const fetcher = createAptFetcher({
    root: settings.root,
    stateDir: (await isOthers(folders.lists)) ? folders.fetch : folders.lists,
    packages: folders.packages,
    run: context.run,
    clock: context.clock,
    unprivileged: null,
    lists: settings.lists,
  });
  const { missing } = await fetcher.fetch({ packages });
  context.say(`fetched ${packages.length - missing.length} of ${packages.length} packages`);
  if (missing.length > 0) {
    const names = missing.map(({ name, version }) => `${name} ${version}`).join(', ');
    throw new CodedError('NOT_FETCHED', `no enabled repository serves ${names}`, { details: { missing } });
  }
}

/** Lists that an inventory of root keeps can be read, but not brought up to date by anybody else. */
async function isOthers(lists: string): Promise<boolean> {
  try {
    return (await lstat(lists)).uid !== process.getuid?.();
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    throw error;
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
