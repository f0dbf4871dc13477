// The files of dpkg's database that are held open: none of them stays open, whatever goes wrong while they are opened and closed.
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { holdDatabase } from './dpkg-files.ts';

const top = temporaryFolder('held');
const FAULT = Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });
const FILES = ['status', 'updates/0000', 'updates/0001', 'updates/0002'];

function database(): string {
  const folder = mkdtempSync(join(top, 'dpkg-'));
  mkdirSync(join(folder, 'updates'));
  for (const name of FILES) writeFileSync(join(folder, name), 'Package: a\n');

  return folder;
}

/** Files below `folder` that this process has open. */
function openBelow(folder: string): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(join('/proc/self/fd', fd));
      return path.startsWith(folder) ? [path.slice(folder.length + 1)] : [];
    } catch {
      // The one of this very look.
      return [];
    }
  });
}

/** What all handles of files have in common. */
async function handles() {
  const file = await open(join(top, 'any'), 'w');
  await file.close();

  return Object.getPrototypeOf(file) as typeof file;
}

afterEach(() => void vi.restoreAllMocks());

describe('when the database is held', () => {
  it('each file is open until it is let go', async () => {
    const folder = database();
    const held = await holdDatabase(folder);
    expect(openBelow(folder).toSorted()).toEqual(FILES);

    await held?.close();
    expect(openBelow(folder)).toEqual([]);
  });

  it('and one cannot be looked at, it is let go with the others', async () => {
    const folder = database();
    vi.spyOn(await handles(), 'stat').mockImplementationOnce(() => Promise.reject(FAULT));

    await expect(holdDatabase(folder)).rejects.toThrow(FAULT);
    expect(openBelow(folder)).toEqual([]);
  });

  it('and one cannot be closed well, all others are closed', async () => {
    const folder = database();
    const held = await holdDatabase(folder);
    if (!held) throw new Error('it is there');
    const { handle } = held.status;
    const close = handle.close.bind(handle);
    // As close(2) says it: the file is closed all the same.
    vi.spyOn(handle, 'close').mockImplementationOnce(() => close().then(() => Promise.reject(FAULT)));

    await expect(held.close()).rejects.toThrow(FAULT);
    await expect.poll(() => openBelow(folder)).toEqual([]);
  });
});
