// Takes a list of machines that ought to exist, in the place of the one from the same source, and says what changes by it.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Asset, AssetList } from '../store/import-ports.ts';
import type { Store } from '../store/ports.ts';
import type { Flaw } from './format.ts';
import type { FormatName } from './formats.ts';
import { readListInThread } from './read-list.ts';

export interface ListRequest {
  readonly bytes: Uint8Array;
  /** Name of the file, without folders. */
  readonly file: string;
  readonly fileDate?: string | undefined;
  /** Left out: the name of the format. */
  readonly source?: string | undefined;
  readonly format?: FormatName | undefined;
  readonly skipInvalid?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** `admin:NAME`. */
  readonly by: string;
}

export interface ListImported {
  readonly list: AssetList;
  readonly expected: number;
  readonly gone: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly skipped: readonly Flaw[];
  readonly notes: readonly string[];
  readonly dryRun: boolean;
}

/** One after the other: each takes a thread and its memory. Throws ASSETS_INVALID, ALREADY_EXISTS. */
export function createListImporting(deps: {
  readonly store: Store;
  readonly clock: Clock;
}): (request: ListRequest) => Promise<ListImported> {
  let last: Promise<unknown> = Promise.resolve();

  return (request) => {
    const mine = last.then(() => importList(deps, request));
    last = mine.catch(() => undefined);

    return mine;
  };
}

async function importList(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  request: ListRequest,
): Promise<ListImported> {
  const { bytes, format, file, by, dryRun = false, skipInvalid = false } = request;
  const now = clock.now().toString() as Timestamp;
  const read = await readListInThread(bytes, { format, skipInvalid, now });
  const source = request.source ?? read.format;
  const list: AssetList = {
    ...{ source, format: read.format, file, importedAt: now, importedBy: by, sha256: sha256(bytes) },
    fileDate: (request.fileDate ?? null) as Timestamp | null,
    ...{ entries: read.assets.length, skipped: read.skipped.length },
  };

  return store.transaction(async ({ assets, audit }) => {
    const before = (await assets.lists()).find((each) => each.source === source);
    if (before && request.source === undefined && before.file !== file) {
      throw new CodedError('ALREADY_EXISTS', `the list ${source} is from ${before.file}, this is ${file}`, {
        next: `say which list it is: --source ${source} replaces that one, any other name adds one`,
      });
    }
    const old = before ? await assets.all(source) : [];
    const changed = {
      added: without(read.assets, old).map(({ name }) => name),
      removed: without(old, read.assets).map(({ name }) => name),
    };
    if (!dryRun) {
      await assets.replace(list, read.assets);
      await audit.append({
        ...{ at: now, actor: by, action: 'assets.imported', subject: source },
        details: {
          ...{ format: list.format, file, sha256: list.sha256, entries: list.entries, skipped: list.skipped },
          ...{ added: changed.added.length, removed: changed.removed.length },
        },
      });
    }
    const expected = read.assets.filter((asset) => asset.expected).length;

    return {
      ...{ list, expected, gone: read.assets.length - expected, ...changed, dryRun },
      ...{ skipped: read.skipped, notes: read.notes },
    };
  });
}

function without(assets: readonly Asset[], others: readonly Asset[]): readonly Asset[] {
  const known = new Set(others.map(keyOf));

  return assets.filter((asset) => !known.has(keyOf(asset)));
}

/** What makes it the same machine in the list before; those that are gone count as another. */
function keyOf({ instance, names, macs, name, expected }: Asset): string {
  const id = instance ?? (names.length === 0 ? macs[0] : undefined) ?? name;

  return `${id.toLowerCase()} ${expected}`;
}
