// One pass where no service manager starts the halves: the runner says what it wants, the fetcher brings it, the runner
// goes on. The same order that path and timer units give.
import { readBounded } from '@selvage/shared/files/durable.ts';
import { runnerFolders } from '../runner/folders.ts';
import type { PassOutcome } from '../service/service.ts';
import type { Settings } from '../settings.ts';
import type { Children } from './children.ts';
import type { Context } from './context.ts';
import { readWanted } from './fetch.ts';

/** While packages are wanted the mirror folder is brought up to date so often: the archive may have moved on. */
const FETCH_AGAIN_MS = 30 * 60_000;
const MAX_NEXT_BYTES = 64 * 1024;

export interface PassParts {
  readonly context: Pick<Context, 'clock' | 'log'>;
  readonly children: Pick<Children, 'fetch' | 'run'>;
  readonly settings: Pick<Settings, 'stateDir' | 'runnerDir'>;
}

export function createPass({ context, children, settings }: PassParts): () => Promise<PassOutcome> {
  const { log, clock } = context;
  const folders = runnerFolders(settings);
  let fetched = { wanted: '[]', at: Number.NEGATIVE_INFINITY };

  return async () => {
    const first = await children.run();
    const wanted = JSON.stringify(await readWanted(folders.wanted));
    const stale = wanted !== fetched.wanted || clock.monotonic() - fetched.at >= FETCH_AGAIN_MS;
    let changed = first.changed;

    if (wanted !== '[]' && (stale || first.refetch)) {
      // A fetch that brought only a part is worth a pass too: what is missing stays "not fetched".
      await children.fetch().catch((error: unknown) => log.warn({ error }, 'not everything was fetched'));
      fetched = { wanted, at: clock.monotonic() };
      changed = (await children.run()).changed || changed;
    }

    return { changed, again: await readNext(folders.next) };
  };
}

async function readNext(path: string): Promise<Temporal.Instant | null> {
  const bytes = await readBounded(path, MAX_NEXT_BYTES);
  if (bytes === null) return null;
  const { at } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { at: string | null };

  return at === null ? null : Temporal.Instant.from(at);
}
