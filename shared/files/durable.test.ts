import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { hasErrno, readBounded, readOwned, removeDurable, writeDurable } from './durable.ts';

const folder = temporaryFolder('durable');
const at = (name: string) => join(folder, name);

describe('when a file is written durably', () => {
  it('holds the new bytes, is private and leaves no temporary file', async () => {
    await writeDurable(at('a'), 'one');
    await writeDurable(at('a'), 'two');

    expect(readFileSync(at('a'), 'utf8')).toBe('two');
    expect(statSync(at('a')).mode & 0o777).toBe(0o600);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('replaces a planted link instead of writing through it', async () => {
    writeFileSync(at('victim'), 'untouched');
    symlinkSync(at('victim'), at('link'));
    await writeDurable(at('link'), 'new');

    expect(readFileSync(at('victim'), 'utf8')).toBe('untouched');
    expect(readFileSync(at('link'), 'utf8')).toBe('new');
  });

  it('keeps the old bytes when the new ones cannot be written', async () => {
    mkdirSync(at('folder-in-the-way'));
    writeFileSync(join(at('folder-in-the-way'), 'x'), '');
    await expect(writeDurable(at('folder-in-the-way'), 'x')).rejects.toSatisfy((e) =>
      hasErrno(e, 'EISDIR', 'ENOTEMPTY'),
    );

    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('obeys the mode asked for whatever the umask', async () => {
    const before = process.umask(0o077);
    await writeDurable(at('open'), 'x', { mode: 0o644 }).finally(() => process.umask(before));

    expect(statSync(at('open')).mode & 0o777).toBe(0o644);
  });
});

describe('when a file is read with a bound', () => {
  it('returns the bytes, or null when there is none', async () => {
    writeFileSync(at('plain'), 'hello');

    expect(Buffer.from((await readBounded(at('plain'), 5)) ?? []).toString()).toBe('hello');
    expect(await readBounded(at('missing'), 5)).toBeNull();
  });

  it('refuses more bytes than allowed', async () => {
    writeFileSync(at('large'), 'x'.repeat(100));

    await expect(readBounded(at('large'), 99)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
  });

  it('refuses a file without a size that never ends', async () => {
    await expect(readBounded('/proc/self/maps', 10)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
    await expect(readBounded('/dev/zero', 10)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
  });

  it('refuses links, folders and FIFOs without hanging', async () => {
    writeFileSync(at('target'), 'x');
    symlinkSync(at('target'), at('to-target'));
    execFileSync('mkfifo', [at('fifo')]);

    for (const name of ['to-target', 'fifo', '.']) {
      await expect(readBounded(at(name), 10)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
    }
  });
});

describe('when a file is removed durably', () => {
  it('is gone, and a missing one is fine', async () => {
    writeFileSync(at('gone'), '');
    chmodSync(at('gone'), 0o400);
    await removeDurable(at('gone'));
    await removeDurable(at('gone'));

    expect(readdirSync(folder)).not.toContain('gone');
  });
});

describe('when a file decides about our rights', () => {
  it('is read when it is ours and only we can write it', async () => {
    writeFileSync(at('own'), 'x', { mode: 0o644 });

    expect(Buffer.from((await readOwned(at('own'), 10)) ?? []).toString()).toBe('x');
    expect(await readOwned(at('missing'), 10)).toBeNull();
  });

  it('is refused when others may write it, or it has a second name or is a link', async () => {
    writeFileSync(at('open'), 'x');
    chmodSync(at('open'), 0o666);
    writeFileSync(at('twice'), 'x');
    linkSync(at('twice'), at('second'));
    symlinkSync(at('own'), at('to-own'));

    for (const name of ['open', 'twice', 'to-own']) {
      await expect(readOwned(at(name), 10)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
    }
  });

  it.runIf(process.getuid?.() === 0)(
    'as root it is refused when a group may write it or it is another user’s',
    async () => {
      writeFileSync(at('group'), 'x');
      chmodSync(at('group'), 0o664);
      writeFileSync(at('foreign'), 'x');
      chownSync(at('foreign'), 65_534, 65_534);

      for (const name of ['group', 'foreign']) {
        await expect(readOwned(at(name), 10)).rejects.toMatchObject({ code: 'FILE_UNSAFE' });
      }
    },
  );
});
