// `npm run bundle [FOLDER]`: what is shipped, in one folder per side (default dist/). The tree itself runs from source.
import { join, resolve } from 'node:path';
import { bundleAgent } from './agent.ts';
import { bundleCollector } from './collector.ts';
import { root } from './shared.ts';

export async function main(args: readonly string[]): Promise<number> {
  const folder = resolve(args[0] ?? join(root, 'dist'));
  const agent = await bundleAgent(join(folder, 'agent'));
  process.stdout.write(`${agent.entry}  ${agent.bytes} bytes, ${agent.resident.bytes} of them resident\n`);
  const collector = await bundleCollector(join(folder, 'collector'), process.arch);
  process.stdout.write(`${collector.entry}  ${collector.bytes} bytes\n`);

  return 0;
}
