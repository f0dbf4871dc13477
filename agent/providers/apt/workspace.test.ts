import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { openWorkspace } from './workspace.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = { uid: 65534, gid: 65534 };

describe('when the folders of the observing apt are opened', () => {
  it('makes them once and takes them again', async () => {
    const stateDir = join(temporaryFolder('workspace'), 'state');
    const first = await openWorkspace(stateDir, null);

    expect(await openWorkspace(stateDir, null)).toEqual(first);
    expect(first.lists).toBe(join(stateDir, 'apt/lists'));
  });

  it.each(['apt', 'apt/lists', 'apt/lists/partial', 'apt/cache'])(
    'refuses a link or a file in the place of %s',
    async (name) => {
      const stateDir = temporaryFolder('workspace');
      await openWorkspace(stateDir, null);
      rmSync(join(stateDir, name), { recursive: true });
      symlinkSync('/etc', join(stateDir, name));
      await expect(openWorkspace(stateDir, null)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });

      rmSync(join(stateDir, name));
      writeFileSync(join(stateDir, name), '');
      await expect(openWorkspace(stateDir, null)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
    },
  );

  it.runIf(isRoot)('gives lists and caches to the unprivileged user, and nothing else', async () => {
    const folder = temporaryFolder('workspace');
    chmodSync(folder, 0o755);
    const { lists, cache, state } = await openWorkspace(join(folder, 'state'), NOBODY);

    expect([lists, join(lists, 'partial'), cache].map((path) => lstatSync(path).uid)).toEqual([65534, 65534, 65534]);
    expect(lstatSync(dirname(state)).uid).toBe(0);
  });

  it.runIf(isRoot)('refuses a folder that another user made', async () => {
    const folder = temporaryFolder('workspace');
    chmodSync(folder, 0o755);
    await openWorkspace(join(folder, 'state'), NOBODY);

    await expect(openWorkspace(join(folder, 'state'), { uid: 12345, gid: 12345 })).rejects.toMatchObject({
      code: 'FILE_UNSAFE',
    });
  });

  it.runIf(isRoot)('goes elsewhere when the unprivileged user cannot enter the state folder', async () => {
    const closed = join(temporaryFolder('workspace'), 'closed');
    mkdirSync(closed, { mode: 0o700 });
    const { lists } = await openWorkspace(join(closed, 'state'), NOBODY);
    const base = dirname(dirname(lists));

    expect(base).toMatch(/^\/var\/tmp\/selvage-agent-[0-9a-f]{12}$/);
    expect(lstatSync(base).uid).toBe(0);
    rmSync(base, { recursive: true });
  });

  it.runIf(isRoot)(
    'as root changes nothing within what is the user’s: a link could take its place meanwhile',
    async () => {
      const folder = temporaryFolder('workspace');
      chmodSync(folder, 0o755);
      const { lists } = await openWorkspace(join(folder, 'state'), NOBODY);
      const partial = join(lists, 'partial');
      rmSync(partial, { recursive: true });

      await openWorkspace(join(folder, 'state'), NOBODY);
      expect(existsSync(partial)).toBe(false);

      mkdirSync(partial);
      await expect(openWorkspace(join(folder, 'state'), NOBODY)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
      expect(lstatSync(partial).uid).toBe(0);
    },
  );

  it.runIf(isRoot)('hands over what a start that was cut off left half made', async () => {
    const folder = temporaryFolder('workspace');
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'state/apt/lists'), { recursive: true });
    const { lists } = await openWorkspace(join(folder, 'state'), NOBODY);

    expect([lists, join(lists, 'partial')].map((path) => lstatSync(path).uid)).toEqual([65534, 65534]);
  });
});
