// Everything another user can put where a file is expected. As root the planter is really another user.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { type ForeignFolder, openForeign, readForeign } from './foreign.ts';

const top = temporaryFolder('foreign');
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
const MAX = 1000;
const UNSAFE = { code: 'FILE_UNSAFE' };
const TEN_GB = 10 * 1024 ** 3;
const secret = join(top, 'secret');
let folder: string;
let opened: ForeignFolder;
let count = 0;

/** A command line as the folder's owner. */
function planted(script: string): void {
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  execFileSync('/bin/sh', ['-c', script], { cwd: folder, ...user });
}

beforeEach(async () => {
  chmodSync(top, 0o711);
  writeFileSync(secret, 'only for the owner', { mode: 0o600 });
  folder = join(top, `host-${++count}`);
  mkdirSync(join(folder, 'a/b'), { recursive: true });
  if (isRoot) for (const path of ['', 'a', 'a/b']) chownSync(join(folder, path), NOBODY, NOBODY);
  planted('echo hello > a/b/plain');
  const made = await openForeign(folder);
  if (made === null) throw new Error('no folder');
  opened = made;

  return () => opened.close();
});

describe('when a file of another user is what it should be', () => {
  it('is read once, below any number of folders', async () => {
    expect(Buffer.from((await opened.read('a/b/plain', MAX)) ?? []).toString()).toBe('hello\n');
    expect(Buffer.from((await readForeign(folder, 'a/b/plain', MAX)) ?? []).toString()).toBe('hello\n');
    expect(await opened.names('a', 10)).toEqual(['b']);
    expect(await opened.names('', 10)).toEqual(['a']);
  });

  it('is null when it is not there, or a folder on the way is not', async () => {
    for (const path of ['missing', 'a/missing', 'missing/plain']) expect(await opened.read(path, MAX)).toBeNull();
    expect(await opened.names('missing', 10)).toBeNull();
    expect(await openForeign(join(folder, 'missing'))).toBeNull();
  });
});

describe('when something else was planted in its place', () => {
  it.each([
    ['a link', 'rm a/b/plain; ln -s ../../../secret a/b/plain'],
    ['a hard link', 'ln a/b/plain a/b/second'],
    ['a FIFO, which must not hang', 'rm a/b/plain; mkfifo a/b/plain'],
    ['a folder', 'rm a/b/plain; mkdir a/b/plain'],
    ['a link in place of a folder on the way', 'mv a/b a/c; ln -s c a/b'],
    ['a file in place of a folder on the way', 'rm -r a/b; echo x > a/b'],
  ])('%s is refused', async (_, script) => {
    planted(script);

    await expect(opened.read('a/b/plain', MAX)).rejects.toMatchObject(UNSAFE);
  });

  it('a socket is refused', async () => {
    const server = createServer();
    rmSync(join(folder, 'a/b/plain'));
    await new Promise<void>((resolve) => server.listen(join(folder, 'a/b/plain'), resolve));
    await expect(opened.read('a/b/plain', MAX)).rejects.toMatchObject(UNSAFE);
    server.close();
  });

  it('a file larger than allowed is refused unread, also one that has no bytes on disk', async () => {
    truncateSync(join(folder, 'a/b/plain'), TEN_GB);

    await expect(opened.read('a/b/plain', MAX)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
  });

  it('one that its owner kept open and writes to gives one reading, bounded', async () => {
    const writer = openSync(join(folder, 'a/b/plain'), 'a');
    const file = await opened.open('a/b/plain');
    const first = await opened.read('a/b/plain', MAX);
    writeSync(writer, 'x'.repeat(2 * MAX));
    closeSync(writer);
    await file?.close();

    expect(Buffer.from(first ?? []).toString()).toBe('hello\n');
    await expect(opened.read('a/b/plain', MAX)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
  });

  it('one that grows all the time is read up to the bound, never on', async () => {
    const path = join(folder, 'a/b/plain');
    const timer = setInterval(() => appendFileSync(path, 'x'.repeat(200)), 1);
    const outcomes = new Set<string>();
    while (!outcomes.has('FILE_TOO_LARGE')) {
      const outcome = await opened.read('a/b/plain', MAX).then(
        (bytes) => ((bytes?.length ?? 0) <= MAX ? 'bounded' : 'unbounded'),
        (error: { code: string }) => error.code,
      );
      outcomes.add(outcome);
    }
    clearInterval(timer);

    expect(outcomes).not.toContain('unbounded');
  });

  it.each(['../secret', 'a/../../secret', '/etc/hostname', 'a//b', '', '.', 'a/./b', 'a\0b'])(
    'a name such as %j is refused',
    async (name) => {
      await expect(opened.read(name, MAX)).rejects.toMatchObject(UNSAFE);
    },
  );

  it('names with line ends and control characters are only names', async () => {
    writeFileSync(join(folder, 'a/line\nend'), 'x');
    writeFileSync(join(folder, 'a/\u001b[2J'), 'y');

    expect(new Set(await opened.names('a', 10))).toEqual(new Set(['b', 'line\nend', '\u001b[2J']));
    expect(Buffer.from((await opened.read('a/line\nend', MAX)) ?? []).toString()).toBe('x');
  });

  it('more files than allowed are refused without being listed', async () => {
    for (let index = 0; index < 20; index++) writeFileSync(join(folder, `a/${index}`), '');

    await expect(opened.names('a', 20)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
  });
});

describe('when a folder is swapped while it is read', () => {
  it('what was opened stays what it was, and the new one is looked at anew', async () => {
    renameSync(join(folder, 'a'), join(folder, 'away'));
    symlinkSync(top, join(folder, 'a'));

    await expect(opened.read('a/secret', MAX)).rejects.toMatchObject(UNSAFE);
    expect(Buffer.from((await opened.read('away/b/plain', MAX)) ?? []).toString()).toBe('hello\n');
  });

  it('never reads what lies behind a link, however fast it is swapped', async () => {
    const decoy = join(top, `decoy-${count}`);
    mkdirSync(decoy);
    writeFileSync(join(decoy, 'plain'), 'decoy');
    const user = isRoot ? ['setpriv', '--reuid', `${NOBODY}`, '--clear-groups'] : [];
    const [file = '/bin/sh', ...args] = [...user, '/bin/sh'];
    const script = `while [ -d ${folder} ]; do mv a/b a/c; ln -s ${decoy} a/b; rm a/b; mv a/c a/b; done 2>/dev/null`;
    const child = spawn(file, [...args, '-c', script], { cwd: folder, stdio: 'ignore' });
    const seen = new Set<string>();
    const until = performance.now() + 1500;
    // On a busy machine the one or the other may not get its turn for long.
    while (performance.now() < until || !(seen.has('hello\n') && seen.has('FILE_UNSAFE'))) {
      seen.add(
        await opened.read('a/b/plain', MAX).then(
          (bytes) => (bytes === null ? 'none' : Buffer.from(bytes).toString()),
          (error: { code: string }) => error.code,
        ),
      );
    }
    const ended = once(child, 'close');
    child.kill();
    await ended;

    expect(seen).toContain('hello\n');
    expect(seen).toContain('FILE_UNSAFE');
    expect(seen).not.toContain('decoy');
  });
});

describe.runIf(isRoot)('when this is root and the planter is not', () => {
  it('a hard link to a file that only root may read is refused', async () => {
    // Put there by root: where the kernel protects hard links an ordinary user cannot; not every kernel does.
    rmSync(join(folder, 'a/b/plain'));
    linkSync(secret, join(folder, 'a/b/plain'));

    await expect(opened.read('a/b/plain', MAX)).rejects.toMatchObject(UNSAFE);
  });

  it('a file that its owner made unreadable is read all the same, and is still only bytes', async () => {
    chmodSync(join(folder, 'a/b/plain'), 0);

    expect(Buffer.from((await opened.read('a/b/plain', MAX)) ?? []).toString()).toBe('hello\n');
  });
});

describe.runIf(isRoot)('when a device was planted', () => {
  it('it is refused', async () => {
    execFileSync('mknod', [join(folder, 'a/b/zero'), 'c', '1', '5']);

    await expect(opened.read('a/b/zero', MAX)).rejects.toMatchObject(UNSAFE);
  });
});
