import { chmodSync, chownSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { refuseForeignFolder } from './own-folder.ts';

const top = temporaryFolder('own-folder');
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** `<top>/<name>/state/runner`, the folder that must be its owner's alone. */
function runnerOf(name: string): { readonly state: string; readonly runner: string } {
  const state = join(top, name, 'state');
  mkdirSync(join(state, 'runner'), { recursive: true });

  return { state, runner: join(state, 'runner') };
}

describe('when a folder must be ours alone', () => {
  it('one that only we can reach is taken, also below a sticky folder of everybody such as /tmp', async () => {
    const { runner } = runnerOf('good');
    chmodSync(top, 0o1777);

    await expect(refuseForeignFolder(runner)).resolves.toBeUndefined();
    chmodSync(top, 0o700);
  });

  it.each([
    ['the folder itself', 'runner', 0o777],
    ['the folder itself, though sticky', 'runner', 0o1777],
    ['the folder above it', 'state', 0o777],
  ] as const)('it is refused when anybody may write into %s', async (name, which, mode) => {
    const made = runnerOf(name.replaceAll(' ', '-'));
    chmodSync(made[which], mode);

    await expect(refuseForeignFolder(made.runner)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
  });

  it('it is refused behind a link that leads out of a safe folder into one of others', async () => {
    const open = runnerOf('open');
    chmodSync(open.state, 0o777);
    const { state } = runnerOf('linked');
    symlinkSync(open.runner, join(state, 'elsewhere'));

    await expect(refuseForeignFolder(join(state, 'elsewhere'))).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
  });

  it('a link of ours to a folder of ours is taken', async () => {
    const { runner, state } = runnerOf('moved');
    symlinkSync(runner, join(state, 'elsewhere'));

    await expect(refuseForeignFolder(join(state, 'elsewhere'))).resolves.toBeUndefined();
  });

  it.runIf(isRoot).each(['runner', 'state'] as const)(
    'as root it is refused when the %s is another user’s',
    async (which) => {
      const made = runnerOf(`foreign-${which}`);
      chownSync(made[which], NOBODY, NOBODY);

      await expect(refuseForeignFolder(made.runner)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
    },
  );

  it.runIf(isRoot)('as root it is refused when a group may write above it', async () => {
    const made = runnerOf('group');
    chmodSync(made.state, 0o775);

    await expect(refuseForeignFolder(made.runner)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
  });
});
