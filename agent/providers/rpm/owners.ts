// Which rpm package owns a path, also one that is no longer there. It asks rpm once for many paths; who owns none of them is left out.
import type { Run } from '@selvage/shared/exec/run.ts';

/** Paths of one question: below what the arguments of a program may be together. */
const PATHS_AT_ONCE = 500;
/** Milliseconds. */
const DEADLINE_MS = 60_000;
/** 64 MiB: all paths of each package that is found; the largest has some 10 MB of them. */
const OUTPUT_BYTES = 64 * 1024 * 1024;
/** Name and path of every file of a package: with several paths asked for, nothing else says which of them was found. */
const FORMAT = '[%{=NAME}\\t%{FILENAMES}\\n]';
const MOST_PATH = 4096;

/**
 * `args`: what names another database. Throws TOOL_MISSING and PROCESS_*; rpm ends with 1 where it does not know one of the paths,
 * which is an answer.
 */
export async function ownersByRpm(
  paths: readonly string[],
  { run, args }: { readonly run: Run; readonly args: readonly string[] },
): Promise<ReadonlyMap<string, string>> {
  const wanted = new Map<string, string[]>();
  for (const path of new Set(paths)) {
    if (!path.startsWith('/') || path.length > MOST_PATH) continue;
    for (const name of namesOf(path)) wanted.set(name, [...(wanted.get(name) ?? []), path]);
  }
  const owners = new Map<string, string>();
  const asked = [...wanted.keys()];
  for (let at = 0; at < asked.length; at += PATHS_AT_ONCE) {
    const { stdout } = await run({
      file: 'rpm',
      args: [...args, '-qf', '--queryformat', FORMAT, ...asked.slice(at, at + PATHS_AT_ONCE)],
      deadlineMs: DEADLINE_MS,
      outputLimit: OUTPUT_BYTES,
    });
    // `glibc\t/lib64/libc.so.6`, and beside it `file /usr/x is not owned by any package`.
    for (const line of stdout.split('\n')) {
      const tab = line.indexOf('\t');
      if (tab < 1) continue;
      for (const path of wanted.get(line.slice(tab + 1)) ?? []) owners.set(path, line.slice(0, tab));
    }
  }

  return owners;
}

/** Where /lib64 is a link to /usr/lib64, packages list either name for the same file. */
function namesOf(path: string): readonly string[] {
  if (/^[/]usr[/](?:bin|sbin|lib[^/]*)[/]/.test(path)) return [path, path.slice('/usr'.length)];

  return /^[/](?:bin|sbin|lib[^/]*)[/]/.test(path) ? [path, `/usr${path}`] : [path];
}
