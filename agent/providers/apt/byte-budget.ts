// Ends a refresh that brings more than it may: counts what grows in the folder that apt downloads into.
// It sees the disk only, so it lags by one look; a bound on waste, not an accounting.
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';

const LOOK_EVERY_MS = 50;
const COMPRESSED = /[.](xz|gz|bz2|lzma|lz4|zst)$/;

/** Largest sizes seen, per file that was downloaded. */
type Seen = Map<string, { readonly name: string; bytes: number }>;

/**
 * The bytes that came. Looks until `stopped` is aborted, and calls `exceeded` once when more than `budget` bytes have come. `before`
 * are the sizes of what an earlier, stopped refresh left, from `partialSizes`.
 */
export async function watchBudget(options: {
  readonly partial: string;
  readonly before: ReadonlyMap<string, number>;
  readonly budget: number;
  readonly clock: Clock;
  readonly stopped: AbortSignal;
  readonly exceeded: (bytes: number) => void;
}): Promise<number> {
  const seen: Seen = new Map();

  for (let told = false; ; ) {
    const bytes = count(seen, await partialSizes(options.partial), options.before);
    if (bytes > options.budget && !told) {
      told = true;
      options.exceeded(bytes);
    }
    if (options.stopped.aborted) return bytes;
    await options.clock.sleep(LOOK_EVERY_MS, options.stopped).catch(() => undefined);
  }
}

/** `x_Packages.xz` is what came; `x_Packages.lz4`, which appears beside it, is the same data stored another way. */
function count(seen: Seen, sizes: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): number {
  for (const [name, size] of sizes) {
    const stem = name.replace(COMPRESSED, '');
    const file = seen.get(stem) ?? { name, bytes: 0 };
    seen.set(stem, file);
    if (file.name === name) file.bytes = Math.max(file.bytes, size - (before.get(name) ?? 0));
  }

  return [...seen.values()].reduce((sum, file) => sum + file.bytes, 0);
}

/** Name → bytes of the files in the folder that apt downloads into. */
export async function partialSizes(partial: string): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();

  for (const name of await readdir(partial).catch(absent)) {
    try {
      sizes.set(name, (await lstat(join(partial, name))).size);
    } catch (error) {
      // Moved into the lists between the two calls: its last size was counted before.
      if (!hasErrno(error, 'ENOENT')) throw error;
    }
  }

  return sizes;
}

/** Whoever owns the folder may have removed it; apt makes it again. */
function absent(error: unknown): readonly string[] {
  if (hasErrno(error, 'ENOENT')) return [];
  throw error;
}
