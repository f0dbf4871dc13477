// The power cut itself under test: it must not find a fault in durable files, and must find each one that is left in.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { expect, it } from 'vitest';
import { recordWrites } from './record.ts';
import { type CrashState, checkStates } from './states.ts';

const CHILD = fileURLToPath(new URL('./testing/write-child.ts', import.meta.url));
const SEED = 1;

async function tried(way: string): Promise<number> {
  const folder = temporaryFolder('power-cut');
  const recording = await recordWrites({ folder, file: process.execPath, args: [CHILD, folder, way] });

  return checkStates(recording, { seed: SEED, limit: 150 }, keepsItsPromise);
}

/** The count that was said last, or the one after it, whole. */
async function keepsItsPromise({ folder, printed }: CrashState): Promise<void> {
  const file = join(folder, 'counter.json');
  const promised = printed.length;
  if (promised === 0 && !existsSync(file)) return;
  const { count } = JSON.parse(readFileSync(file, 'utf8'));
  expect([promised, promised + 1]).toContain(count);
}

needs(['strace'], 'when the power goes away while a file is replaced', () => {
  it('the real durable files keep every promise', async () => {
    expect(await tried('durable')).toBe(150);
  });

  it.each([
    ['no sync of the file', /the rest (lost|names without data|zeros|mixed)/],
    ['no sync of the folder', /the rest (lost|data without names|mixed)/],
    ['no temporary file', /power cut after operation/],
  ])('%s is found', async (way, where) => {
    await expect(tried(way)).rejects.toThrow(where);
  });

  it('the same seed tries the same states', async () => {
    const folder = temporaryFolder('power-cut-seed');
    const recording = await recordWrites({ folder, file: process.execPath, args: [CHILD, folder, 'durable'] });
    const names = async (seed: number) => {
      const seen: string[] = [];
      await checkStates(recording, { seed, limit: 20 }, async ({ name }) => void seen.push(name));

      return seen;
    };

    expect(await names(7)).toEqual(await names(7));
    expect(await names(7)).not.toEqual(await names(8));
  });
});
