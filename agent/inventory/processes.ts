// The running processes as /proc shows them. It reads names, links and cgroups; it never runs, opens or follows what a
// process has, and a process of a container is left out: its files are not this host's.
import { readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isInContainer } from '@selvage/shared/linux/container.ts';
import { allowedNow, lineOfKernel, namesIn, namesNow } from './files.ts';

export interface ProcessFacts {
  readonly pid: number;
  /** Name of the executable, or what the process calls itself when the link may not be read. */
  readonly program: string;
  /** Null for kernel threads and for processes that may not be looked at. */
  readonly executable: string | null;
  readonly service: string | null;
  /** What the process maps and holds is to be read here. */
  readonly folder: string;
  /** False when the kernel does not let this user look into it. */
  readonly readable: boolean;
}

const DELETED = / \(deleted\)$/;

export async function readProcesses(proc: string, root: string): Promise<readonly ProcessFacts[]> {
  const pids = (await namesIn(proc)).filter((name) => /^\d+$/.test(name)).map(Number);
  const own = rootOf(root);
  const processes = pids.map((pid) => readProcess(proc, pid, own)).filter((found) => found !== null);

  return processes.sort((a, b) => a.pid - b.pid);
}

function readProcess(proc: string, pid: number, own: string | null): ProcessFacts | null {
  const folder = join(proc, String(pid));
  const comm = lineOfKernel(join(folder, 'comm'));
  // Gone meanwhile.
  if (comm === null) return null;

  const cgroup = lineOfKernel(join(folder, 'cgroup')) ?? '';
  const stat = lineOfKernel(join(folder, 'stat')) ?? '';
  // A process gives itself its name: there may be anything in the parentheses.
  const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
  const flags = fields[KERNEL_FLAGS];
  const isKernelThread = (Number(flags) & PF_KTHREAD) !== 0;
  const living = fields[0] === ZOMBIE ? livingThread(folder, pid) : folder;
  const inside = rootOf(join(living, 'root'));
  if (isInContainer(cgroup) || (inside !== null && own !== null && inside !== own)) return null;

  const link = isKernelThread ? null : allowedNow(() => readlinkSync(join(living, 'exe')));
  const executable = link?.replace(DELETED, '') ?? null;

  return {
    pid,
    program: executable === null ? comm.trim() || '?' : basename(executable),
    executable,
    service: serviceOf(cgroup),
    folder: living,
    readable: executable !== null || isKernelThread,
  };
}

/** proc(5): field 3 of stat, of a process whose first thread has ended: others of it may go on, and only they show what it runs. */
const ZOMBIE = 'Z';

function livingThread(folder: string, pid: number): string {
  const others = namesNow(join(folder, 'task')).filter((name) => name !== String(pid));

  return others[0] === undefined ? folder : join(folder, 'task', others[0]);
}

/** proc(5): field 9 of stat, counted here from the one after the name; PF_KTHREAD of include/linux/sched.h. */
const KERNEL_FLAGS = 6;
const PF_KTHREAD = 0x00200000;

/** `0::/system.slice/ssh.service` → `ssh.service`. */
function serviceOf(cgroup: string): string | null {
  const unit = /^(?:0::|1:name=systemd:).*?\/([^/\n]+\.service)(?:\/|$)/m.exec(cgroup);

  return unit?.[1] ?? null;
}

function rootOf(path: string): string | null {
  const facts = allowedNow(() => statSync(path));

  return facts === null ? null : `${facts.dev}:${facts.ino}`;
}
