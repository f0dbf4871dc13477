// Opens a fleet's connections from a process of its own and keeps them; see ./swarm.mjs for what it does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Fleet, PING } from './fleet.ts';
import { lineOf, type Server } from './servers.ts';

const SWARM = join(import.meta.dirname, 'swarm.mjs');

export interface SwarmOptions {
  readonly folder: string;
  readonly count: number;
  readonly concurrency: number;
  readonly heartbeatSeconds: number;
}

export interface Swarm {
  /** From the first connection asked for to the last one answered. */
  readonly openMs: number;
  close(): Promise<void>;
}

export async function startSwarm(server: Server, fleet: Fleet, options: SwarmOptions): Promise<Swarm> {
  const job = join(options.folder, 'swarm.json');
  const { key, certificates, hellos } = fleet;
  const { url, authority } = server;
  await writeFile(job, JSON.stringify({ ...options, url, authority, key, certificates, hellos, ping: PING }));
  const child = spawn(process.execPath, [SWARM, job], { stdio: ['pipe', 'pipe', 'inherit'] });
  const openMs = Number(await lineOf(child, /^open (\S+)/));

  return {
    openMs,
    close: async () => {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}
