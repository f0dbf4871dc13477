// Which deleted files a process still maps as code, from /proc/PID/maps. Pure; a line it does not understand is an error.
import { CodedError } from '../errors/coded-error.ts';

/** Programs and libraries lie here whether or not a package still owns the path. */
export const CODE_FOLDERS = /^\/(usr\/)?(s?bin|lib[^/]*|libexec)\/|^\/usr\/local\/(s?bin|lib[^/]*|libexec)\/|^\/opt\//;
/** Deleted on purpose right after they were mapped: just-in-time code, shared memory, unpacked libraries. */
const SCRATCH = /^\/(memfd:|dev\/|SYSV|tmp\/|var\/tmp\/|run\/|proc\/|sys\/|\[aio\])/;

/**
 * Names that a file had only while it was put in the place of another: dpkg's, rpm's (`;` and a number), and what prelink leaves.
 * Some file systems go on to show them.
 */
const MEANWHILE = /[.]dpkg-(?:new|tmp)$|;[0-9a-f]{8}$|[.]#prelink#[.]\w{6}$/;

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
    paths.add(path.slice(0, -' (deleted)'.length).replace(MEANWHILE, ''));
  }

  return [...paths];
}
