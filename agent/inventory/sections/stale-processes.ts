// Processes that still run code whose file has been replaced or removed: the fix is on disk but not in use. Only what a
// process maps as code counts, and only code of the host: not memory files, temporary files or caches.
import { join } from 'node:path';
import { CODE_FOLDERS, deletedCode } from '@selvage/shared/linux/deleted-code.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { allowed, readText } from '../files.ts';
import type { ProcessFacts } from '../processes.ts';

/** 64 MiB; a JVM or browser with some 100,000 mappings has about 10 MiB. */
const MAX_MAPS_BYTES = 64 * 1024 * 1024;

const AT_ONCE = 16;

export async function collectStaleProcesses(context: InventoryContext): Promise<Section<'staleProcesses'>> {
  const processes = (await context.processes()).filter(({ executable, readable }) => executable !== null || !readable);
  const suspects: { readonly process: ProcessFacts; readonly files: readonly string[] }[] = [];
  let unreadable = 0;

  for (let start = 0; start < processes.length; start += AT_ONCE) {
    await Promise.all(
      processes.slice(start, start + AT_ONCE).map(async (process) => {
        const { folder } = process;
        const maps = await allowed(readText(join(folder, 'maps'), MAX_MAPS_BYTES));
        if (maps !== null) {
          const files = deletedCode(maps);
          if (files.length > 0) suspects.push({ process, files });
        } else if ((await allowed(readText(join(folder, 'comm')))) !== null) {
          // It still runs, so it was not its end that hid the maps.
          unreadable += 1;
        }
      }),
    );
  }

  const owners = await context.owners(suspects.flatMap(({ files }) => files));
  const stale = suspects.flatMap(({ process, files }) => {
    const counted = files.filter((path) => CODE_FOLDERS.test(path) || owners.has(path));
    const packages = [...new Set(counted.flatMap((path) => owners.get(path) ?? []))];

    return counted.length === 0
      ? []
      : [
          {
            pid: process.pid,
            program: process.program,
            files: counted,
            service: process.service,
            package: packages[0] ?? null,
            packages,
          },
        ];
  });

  return { complete: unreadable === 0, unreadable, processes: stale.sort((a, b) => a.pid - b.pid) };
}
