import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';
import { listRepositories } from '@selvage/shared/packages/apt-repositories.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { describe, expect, it } from 'vitest';
import { refreshLists } from './refresh.ts';
import { readSources } from './source-files.ts';
import { openWorkspace } from './workspace.ts';

const OPTIONS = { deadline: 5000, byteBudget: 1_000_000 };
const GOT = 'Get:1 http://archive.example/debian bookworm InRelease [151 kB]';

/** What is known of the one repository after an apt-get that printed the first lines of a success. */
async function afterwards(exitCode: number) {
  const root = temporaryFolder('refresh-killed');
  mkdirSync(join(root, 'etc/apt'), { recursive: true });
  writeFileSync(join(root, 'etc/apt/sources.list'), 'deb http://archive.example/debian bookworm main\n');
  const entries = await readSources(root);
  const workspace = await openWorkspace(join(root, 'state'), null);
  const [repository] = listRepositories(entries);
  // Of an earlier refresh.
  writeFileSync(join(workspace.lists, `${repository?.prefix}InRelease`), 'old');
  const run: Run = async ({ onLine }) => {
    onLine?.(GOT);

    return { stdout: `${GOT}\n`, stderr: '', exitCode };
  };
  const deps = { run, clock: systemClock, user: null, root, workspace, host: [] };

  return [...(await refreshLists(deps, entries, OPTIONS)).values()];
}

describe('when apt-get ends in the middle of a refresh', () => {
  it.each([124, 137, 143])('exit code %i: lists that did not come are not called fresh', async (exitCode) => {
    expect(await afterwards(exitCode)).toMatchObject([{ code: 'PACKAGE_MANAGER_FAILED' }]);
  });

  it('what it ended by itself is judged by what it said', async () => {
    expect(await afterwards(0)).toEqual([null]);
  });
});
