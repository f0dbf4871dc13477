// One pass where no service manager starts the halves: the runner says what it wants, the fetcher brings it, the runner
// goes on. The same order that path and timer units give.
import { readBounded } from '@selvage/shared/files/durable.ts';
import { runnerFolders } from '../runner/folders.ts';
import type { PassOutcome } from '../service/service.ts';
import type { Settings } from '../settings.ts';
import type { Children } from './children.ts';
import type { Context } from './context.ts';
import { readWanted } from './fetch.ts';

const MAX_NEXT_BYTES = 64 * 1024;

export interface PassParts {
  readonly context: Context;
  readonly children: Children;
  readonly settings: Settings;
}

export function createPass({ context, children, settings }: PassParts): () => Promise<PassOutcome> {
  const folders = runnerFolders(settings);
  let fetched = '';

  return async () => {
    let changed = await children.run();
    const wanted = JSON.stringify(await readWanted(folders.wanted));

    if (wanted !== '[]' && wanted !== fetched) {
      // A fetch that brought only a part is worth a pass too: what is missing stays "not fetched".
      await children.fetch().catch((error: unknown) => context.log.warn({ error }, 'not everything was fetched'));
      fetched = wanted;
      changed = (await children.run()) || changed;
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
