import { existsSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { MAX_LISTS_BYTES, takeIndexes } from './mirror-intake.ts';

const SUITE = 'dists/x';
const LIST = 'Package: a\n';
let packages: string;
let own: string;

/** A mirror whose index, which nobody has signed, lists these sizes. */
function offer(files: readonly { readonly path: string; readonly size: number; readonly text?: string }[]): void {
  const suite = join(packages, 'repo', SUITE);
  const lines = files.map(({ path, size, text = '' }) => ` ${sha256(text)} ${size} ${path}`);
  for (const { path, size, text } of files) {
    mkdirSync(join(suite, path, '..'), { recursive: true });
    writeFileSync(join(suite, path), text ?? '');
    // Sparse: it takes no room of whoever offers it.
    if (text === undefined) truncateSync(join(suite, path), size);
  }
  writeFileSync(join(suite, 'Release'), `Date: Sat, 21 Nov 2026 00:53:02 UTC\nSHA256:\n${lines.join('\n')}\n`);
}

beforeEach(() => {
  const folder = temporaryFolder('intake');
  packages = join(folder, 'packages');
  own = join(folder, 'own');
  mkdirSync(packages);
});

describe('when an index that nobody has verified yet lists a great deal', () => {
  it('takes no more of one repository than a large archive has, however many lists there are', async () => {
    const first = { path: 'a/Packages', size: LIST.length, text: LIST };
    offer([first, { path: 'b/Packages', size: MAX_LISTS_BYTES - LIST.length + 1 }]);

    await expect(takeIndexes(packages, 'repo', SUITE, own)).rejects.toMatchObject({
      code: 'MIRROR_REFUSED',
      message: expect.stringContaining('may be taken'),
    });
    expect(existsSync(join(own, 'repo', SUITE, 'a/Packages'))).toBe(true);
    expect(existsSync(join(own, 'repo', SUITE, 'b/Packages'))).toBe(false);
  });

  it('what it lists and the mirror does not hold counts for nothing', async () => {
    const suite = join(packages, 'repo', SUITE);
    offer([{ path: 'a/Packages', size: LIST.length, text: LIST }]);
    const others = Array.from({ length: 20 }, (_, at) => ` ${sha256('')} ${MAX_LISTS_BYTES + 1} other-${at}/Packages`);
    writeFileSync(
      join(suite, 'Release'),
      `Date: x\nSHA256:\n${others.join('\n')}\n ${sha256(LIST)} ${LIST.length} a/Packages\n`,
    );

    expect((await takeIndexes(packages, 'repo', SUITE, own)).index).toBe('Release');
    expect(existsSync(join(own, 'repo', SUITE, 'a/Packages'))).toBe(true);
  });
});
