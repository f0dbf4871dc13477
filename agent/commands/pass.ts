// One pass where no service manager starts the halves: the runner says what it wants, the fetcher brings it, the runner
// goes on. The same order that path and timer units give.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';
import { runnerFolders } from '../runner/folders.ts';
import type { PassOutcome } from '../service/service.ts';
import type { Settings } from '../settings.ts';
import type { Children } from './children.ts';
import type { Context } from './context.ts';

/** While packages are wanted the mirror folder is brought up to date so often: the archive may have moved on. */
const FETCH_AGAIN_MS = 30 * 60_000;
const MAX_NEXT_BYTES = 64 * 1024;
const MAX_WANTED_BYTES = 4 * 1024 * 1024;
const NOTHING = '[]';

export interface PassParts {
  readonly context: Pick<Context, 'clock' | 'log'>;
  readonly children: Pick<Children, 'fetch' | 'run'>;
  readonly settings: Pick<Settings, 'stateDir' | 'runnerDir'>;
}

export function createPass({ context, children, settings }: PassParts): () => Promise<PassOutcome> {
  const { log, clock } = context;
  const folders = runnerFolders(settings);
  let fetched = { wanted: NOTHING, at: Number.NEGATIVE_INFINITY };

  return async () => {
    const first = await children.run();
    const wanted = await readWanted(folders.wanted);
    const stale = wanted !== fetched.wanted || clock.monotonic() - fetched.at >= FETCH_AGAIN_MS;
    let changed = first.changed;

    if (wanted !== NOTHING && (stale || first.refetch)) {
      // A fetch that brought only a part is worth a pass too: what is missing stays "not fetched".
      await children.fetch().catch((error: unknown) => log.warn({ error }, 'not everything was fetched'));
      fetched = { wanted, at: clock.monotonic() };
      changed = (await children.run()).changed || changed;
    }

    return { changed, again: await readNext(folders.next) };
  };
}

/** The packages as the text that the runner wrote: they are only compared here, the fetcher reads them. */
async function readWanted(path: string): Promise<string> {
  const bytes = await readBounded(path, MAX_WANTED_BYTES);
  if (bytes === null) return NOTHING;

  try {
    const { packages } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { packages: unknown };
    if (!Array.isArray(packages)) throw new TypeError('no list of packages');

    return JSON.stringify(packages);
  } catch (error) {
    throw new CodedError('FILE_CORRUPT', `${path} is not what the runner wrote`, { cause: error });
  }
}

async function readNext(path: string): Promise<Temporal.Instant | null> {
  const bytes = await readBounded(path, MAX_NEXT_BYTES);
  if (bytes === null) return null;
  const { at } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { at: string | null };

  return at === null ? null : Temporal.Instant.from(at);
}
