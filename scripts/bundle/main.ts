// `npm run bundle [FOLDER]`: what is shipped, in one folder per side (default dist/). The tree itself runs from source.
import { join, resolve } from 'node:path';
import { bundleAgent } from './agent.ts';

const root = join(import.meta.dirname, '../..');

export async function main(args: readonly string[]): Promise<number> {
  const folder = resolve(args[0] ?? join(root, 'dist'));
  const { entry, bytes, resident } = await bundleAgent(join(folder, 'agent'));
  process.stdout.write(`${entry}  ${bytes} bytes, ${resident.bytes} of them resident\n`);

  return 0;
}
