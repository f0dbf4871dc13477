// kill -9 in the middle of an import: a real program, a real database.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { expect, it } from 'vitest';
import { openStore } from '../../store/store.ts';
import { lines, osvOf } from '../testing/import-lab.ts';
import { cleanFeeds } from './cleaning.ts';

const folder = temporaryFolder('feed-crash');
const PROGRAM = fileURLToPath(new URL('../testing/import-child.ts', import.meta.url));
const all = (fixed: string, count: number) =>
  lines(Array.from({ length: count }, (_, n) => osvOf(`CVE-2025-${10_000 + n}`, { [`p${n}`]: fixed })));

/** Resolves with its last line; killed without warning at the first batch that was written when `kill`. */
async function run(database: string, content: string, kill: boolean): Promise<string> {
  const path = join(folder, 'data.jsonl');
  writeFileSync(path, content);
  const child = spawn(process.execPath, [PROGRAM, database, path, ...(kill ? ['stops'] : [])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let last = '';
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    if (kill && line.startsWith('rows ')) child.kill('SIGKILL');
  }
  await exited;

  return last;
}

it('when a collector is killed while it imports, the copy from before counts, and the next start takes the rest away', async () => {
  const database = join(folder, 'selvage.db');
  expect(await run(database, all('1', 50), false)).toBe('done');
  expect(await run(database, all('2', 8000), true)).toMatch(/^rows \d+$/);

  const store = await openStore({ file: database, clock: systemClock, existing: true });
  const asked = { ecosystem: 'Debian:12', package: 'p7' };
  const fixed = async () => (await store.read.feeds.rules([asked]))[0]?.rules[0]?.ranges[0]?.fixed;
  expect(await fixed()).toBe('1');
  expect(await store.read.feeds.byName('osv-debian')).toMatchObject({ generation: 1, records: 50, error: null });
  const leftovers = () => store.transaction(({ feeds }) => feeds.leftovers(new Set()));
  expect(await leftovers()).toEqual([{ generation: 2, drop: 'all' }]);
  await cleanFeeds(store, new Set());
  expect(await leftovers()).toEqual([]);
  expect(await fixed()).toBe('1');
  await store.close();

  expect(await run(database, all('2', 60), false)).toBe('done');
});
