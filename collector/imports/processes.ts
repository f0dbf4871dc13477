// Processes that still map deleted code, from the lines of /proc/PID/maps that collect.sh picked. Pure. The list is a floor: which
// package a file belonged to was not looked up, and others' processes may be hidden.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { isInContainer } from '@selvage/shared/linux/container.ts';
import { CODE_FOLDERS, deletedCode } from '@selvage/shared/linux/deleted-code.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';

/*
 * deleted:   /proc/812/maps:7f0a3c028000-7f0a3c1bd000 r-xp 00028000 fe:00 131090   /usr/lib/x86_64-linux-gnu/libc.so.6 (deleted)
 * processes: /proc/812/comm:sshd
 *            /proc/812/cgroup:0::/system.slice/ssh.service
 */
export function parseStale(files: {
  readonly deleted: string;
  readonly processes: string;
  readonly unreadable: string | null;
}): Section<'staleProcesses'> {
  const facts = new Map<string, { program?: string; cgroup: string }>();
  for (const [, pid, kind, value] of files.processes.matchAll(/^\/proc\/(\d{1,10})\/(comm|cgroup):(.*)$/gm)) {
    if (pid === undefined || value === undefined) continue;
    const known = facts.get(pid) ?? { cgroup: '' };
    // A process names itself and may write line ends: the first word on it counts.
    if (kind === 'comm') known.program ??= value.trim();
    else known.cgroup += `${value}\n`;
    facts.set(pid, known);
  }
  const maps = new Map<string, string[]>();
  for (const line of files.deleted.split('\n')) {
    if (line === '') continue;
    const [, pid, mapping] = /^\/proc\/(\d{1,10})\/maps:(.*)$/s.exec(line) ?? [];
    if (pid === undefined || mapping === undefined) {
      throw new CodedError('PARSE', `deleted has a line that is not understood: ${JSON.stringify(line.slice(0, 200))}`);
    }
    const known = maps.get(pid);
    if (known) known.push(mapping);
    else maps.set(pid, [mapping]);
  }

  const processes = [...maps].flatMap(([pid, lines]) => {
    const { program = '', cgroup = '' } = facts.get(pid) ?? {};
    const paths = deletedCode(lines.join('\n')).filter((path) => CODE_FOLDERS.test(path));
    if (paths.length === 0 || isInContainer(cgroup)) return [];
    const service = /^(?:0::|1:name=systemd:).*?\/([^/\n]+[.]service)(?:\/|$)/m.exec(cgroup)?.[1] ?? null;

    return [{ pid: Number(pid), program: program || '?', files: [...paths], service, package: null }];
  });

  return {
    complete: false,
    unreadable: Number(/^\d{1,9}$/.exec(files.unreadable?.trim() ?? '')?.[0] ?? 0),
    processes: processes.sort((a, b) => a.pid - b.pid),
  };
}
