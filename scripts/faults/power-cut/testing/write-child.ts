// A program for ../power-cut.test.ts: replaces a file five times and says each time when it is done. How it writes is its
// argument: the real way, or one that forgets something.
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurable } from '@selvage/shared/files/durable.ts';

const FILLER = 'x'.repeat(5000);
const [folder = '', way = ''] = process.argv.slice(2);
const file = join(folder, 'counter.json');
const temporary = join(folder, 'counter.tmp');

for (let count = 1; count <= 5; count++) {
  const text = JSON.stringify({ count, FILLER });
  if (way === 'durable') await writeDurable(file, text);
  if (way === 'no sync of the folder') await replace(text, true);
  if (way === 'no sync of the file') {
    await replace(text, false);
    await sync(folder);
  }
  if (way === 'no temporary file') {
    const handle = await open(file, 'w');
    await handle.writeFile(text);
    await handle.sync();
    await handle.close();
    await sync(folder);
  }
  process.stdout.write(`done ${count}\n`);
}

process.kill(process.pid, 'SIGKILL');

async function replace(text: string, syncs: boolean): Promise<void> {
  const handle = await open(temporary, 'w');
  await handle.writeFile(text);
  if (syncs) await handle.sync();
  await handle.close();
  await rename(temporary, file);
}

async function sync(path: string): Promise<void> {
  const handle = await open(path);
  await handle.sync();
  await handle.close();
}
