// The floors of the resident connector, each a bundled program of its own: nothing, one mutual-TLS connection, a bare `ws`
// client over one, with the certificate of the same host against a bare server of the same kind.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type Server, startBare } from '../gateway/servers.ts';
import type { Installed } from './installation.ts';
import { type Kept, keep } from './keep.ts';

export type Floor = 'empty' | 'tls' | 'ws';

export interface Floors {
  start(what: Floor, flags?: readonly string[], env?: Readonly<Record<string, string>>): Promise<Kept>;
  stop(): Promise<void>;
}

export async function makeFloors(folder: string, installed: Installed): Promise<Floors> {
  const server: Server = await startBare(folder, installed.authority);
  const program = join(folder, 'floors/bare-client.cjs');
  const keys = join(folder, 'floors/keys');
  await mkdir(keys, { recursive: true });
  for (const name of ['host.key', 'host.crt']) {
    await copyFile(join(installed.stateDir, 'identity', name), join(keys, name));
  }
  await writeFile(join(keys, 'authority.crt'), server.authority);
  await build({
    entryPoints: [join(import.meta.dirname, 'bare-client.mjs')],
    outfile: program,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: 'warning',
  });

  return {
    start: async (what, flags = [], env = {}) => {
      const kept = keep({ args: [...flags, program, what, server.url, keys], env });
      await kept.line(/^ready$/);

      return kept;
    },
    stop: () => server.stop(),
  };
}
