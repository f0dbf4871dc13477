// Ports that wait for the network, with the process and the package behind each. Sockets come from /proc/net, owners from the
// descriptors of processes; where a process may not be looked at, the port stands without one.
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import { parseSockets, type Socket } from '@selvage/shared/linux/sockets.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import { activatedPrograms } from '../activated.ts';
import type { InventoryContext } from '../context.ts';
import { allowedNow, readText } from '../files.ts';

const TABLES = [
  { file: 'tcp', protocol: 'tcp' },
  { file: 'tcp6', protocol: 'tcp' },
  { file: 'udp', protocol: 'udp' },
  { file: 'udp6', protocol: 'udp' },
] as const;

export async function collectListeners(context: InventoryContext): Promise<Section<'listeners'>> {
  const sockets: Socket[] = [];
  for (const { file, protocol } of TABLES) {
    // A kernel without IPv6 has no such file.
    const text = await readText(join(context.proc, 'self/net', file));
    if (text !== null) sockets.push(...parseSockets(text, protocol));
  }

  const pids = await holders(context, new Set(sockets.map(({ inode }) => inode)));
  const processes = new Map((await context.processes()).map((process) => [process.pid, process]));
  // What nobody but init holds waits for a service that does not run yet.
  const activated = [...pids.values()].includes(INIT) ? activatedPrograms(context.at) : new Map<string, string>();
  const executableOf = ({ protocol, port, inode }: Socket) => {
    const pid = pids.get(inode) ?? -1;
    const behind = pid === INIT ? activated.get(`${protocol} ${port}`) : undefined;

    return behind ?? processes.get(pid)?.executable ?? '';
  };
  const holding = [...new Set(sockets.map(executableOf))].filter((path) => path !== '');
  const owners = await context.owners(holding);
  const listeners = sockets.map((socket) => {
    const { protocol, address, port } = socket;
    const process = processes.get(pids.get(socket.inode) ?? -1);

    return {
      protocol,
      address,
      port,
      pid: process?.pid ?? null,
      program: process?.program ?? null,
      package: owners.get(executableOf(socket)) ?? null,
    };
  });

  // Several sockets of one program on one port (SO_REUSEPORT) are one listener.
  return [...new Map(listeners.map((listener) => [Object.values(listener).join(' '), listener])).values()];
}

/** It opens the sockets of services that start when somebody calls, and keeps them. */
const INIT = 1;

/** Socket inode → the first process that holds it; init only where nobody else does: with socket activation both do. */
async function holders(context: InventoryContext, inodes: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();

  const processes = await context.processes();
  const inOrder = [...processes.filter(({ pid }) => pid !== INIT), ...processes.filter(({ pid }) => pid === INIT)];
  for (const { pid, folder: of } of inOrder) {
    if (found.size === inodes.size) break;
    const folder = join(of, 'fd');
    for (const name of allowedNow(() => readdirSync(folder)) ?? []) {
      const link = descriptor(join(folder, name));
      if (link === REFUSED) break;
      const inode = /^socket:\[(\d+)\]$/.exec(link ?? '')?.[1];
      if (inode !== undefined && inodes.has(inode) && !found.has(inode)) found.set(inode, pid);
    }
  }

  return found;
}

const REFUSED = Symbol('refused');

/** Whether descriptors may be looked at is decided for the process, not for each: one refusal says it for all. */
function descriptor(path: string): string | null | typeof REFUSED {
  return allowedNow(() => {
    try {
      return readlinkSync(path);
    } catch (error) {
      if (hasErrno(error, 'EACCES', 'EPERM')) return REFUSED;
      throw error;
    }
  });
}
