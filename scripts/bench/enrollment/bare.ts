// The floor of an enrollment, measured in processes of its own; see ./bare-server.mjs.
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemRandom } from '@selvage/shared/random.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { makeAuthority, makeServerIdentity } from '../../../collector/enrollment/authorities.ts';
import { lineOf, start } from '../gateway/servers.ts';

export interface BareFigures {
  readonly perSecond: number;
  /** Of the server, for each request. */
  readonly cpuMs: number;
}

export async function measureBare(folder: string, count: number, atOnce: number): Promise<BareFigures> {
  const keys = join(folder, 'bare-enrollment');
  await mkdir(keys);
  const at = { now: systemClock.now(), random: systemRandom };
  const authority = makeAuthority('hosts', at);
  const { key, cert } = makeServerIdentity(authority, ['127.0.0.1'], at);
  const trusted = join(keys, 'authority.crt');
  for (const [path, text] of [
    [join(keys, 'server.key'), key],
    [join(keys, 'server.crt'), cert],
    [trusted, authority.certificate],
  ] as const) {
    await writeFile(path, text, { mode: 0o600 });
  }
  const entry = join(import.meta.dirname, 'bare-server.mjs');
  const server = await start(folder, 'bare-enrollment', [entry, keys], /^ready (\d+)/, process.env);

  try {
    const before = await server.probe();
    const client = join(import.meta.dirname, 'bare-client.mjs');
    const args = [client, server.ready, String(count), String(atOnce), trusted];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const ms = Number(await lineOf(child, /^done (\S+)/));
    const after = await server.probe();

    return { perSecond: (count / ms) * 1000, cpuMs: (after.cpuMs - before.cpuMs) / count };
  } finally {
    await server.stop();
  }
}
