// Processes that still run code whose file has been replaced or removed: the fix is on disk but not in use. Only what a
// process maps as code counts, and only code of the host: not memory files, temporary files or caches.
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InventoryContext } from '../context.ts';
import { allowed, readText } from '../files.ts';
import type { ProcessFacts } from '../processes.ts';

/** 64 MiB; a JVM or browser with some 100,000 mappings has about 10 MiB. */
const MAX_MAPS_BYTES = 64 * 1024 * 1024;
/** Programs and libraries lie here whether or not a package still owns the path. */
const CODE_FOLDERS = /^\/(usr\/)?(s?bin|lib[^/]*|libexec)\/|^\/usr\/local\/(s?bin|lib[^/]*|libexec)\/|^\/opt\//;
/** Deleted on purpose right after they were mapped: just-in-time code, shared memory, unpacked libraries. */
const SCRATCH = /^\/(memfd:|dev\/|SYSV|tmp\/|var\/tmp\/|run\/|proc\/|sys\/|\[aio\])/;

const AT_ONCE = 16;

export async function collectStaleProcesses(context: InventoryContext): Promise<Section<'staleProcesses'>> {
  const processes = (await context.processes()).filter(({ executable, readable }) => executable !== null || !readable);
  const suspects: { readonly process: ProcessFacts; readonly files: readonly string[] }[] = [];
  let unreadable = 0;

  for (let start = 0; start < processes.length; start += AT_ONCE) {
    await Promise.all(
      processes.slice(start, start + AT_ONCE).map(async (process) => {
        const folder = join(context.proc, String(process.pid));
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
    const owner = counted.map((path) => owners.get(path)).find((name) => name !== undefined);

    return counted.length === 0
      ? []
      : [
          {
            pid: process.pid,
            program: process.program,
            files: counted,
            service: process.service,
            package: owner ?? null,
          },
        ];
  });

  return { complete: unreadable === 0, unreadable, processes: stale.sort((a, b) => a.pid - b.pid) };
}

/** The kernel writes a line end in a path as `\012`, and every other character as it is: also those that end a line for `.`. */
const MAPPING = /^[0-9a-f]+-[0-9a-f]+ (\S{4}) [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ (\d+) *(.*)$/s;

/*
 * 7f0a3c028000-7f0a3c1bd000 r-xp 00028000 fe:00 131090   /usr/lib/x86_64-linux-gnu/libc.so.6 (deleted)
 * 7f0a3c400000-7f0a3c600000 rwxs 00000000 00:01 2051     /memfd:doublemapper (deleted)
 * 7ffd5e1f2000-7ffd5e213000 rw-p 00000000 00:00 0        [stack]
 */
export function deletedCode(maps: string): readonly string[] {
  const paths = new Set<string>();

  for (const line of maps.split('\n')) {
    if (line === '') continue;
    const [, permissions, inode, path] = MAPPING.exec(line) ?? [];
    if (permissions === undefined || path === undefined) {
      throw new CodedError('PARSE', `a map of a process has a line that is not understood: ${JSON.stringify(line)}`);
    }
    if (!permissions.includes('x') || inode === '0' || !path.endsWith(' (deleted)') || SCRATCH.test(path)) continue;
    paths.add(path.slice(0, -' (deleted)'.length));
  }

  return [...paths];
}
