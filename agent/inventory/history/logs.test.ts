// Logs with their rotated parts as logrotate leaves them, and as somebody who wants to hurt the reader would.
import { execFileSync } from 'node:child_process';
import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { partsOf, readLog } from './logs.ts';

const BUDGET = 1000;
const root = process.getuid?.() === 0;
const NOBODY = 65_534;

function folder(files: Readonly<Record<string, string | Buffer>>): string {
  const path = temporaryFolder('logs');
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);

  return path;
}

describe('when a log was rotated', () => {
  it('its parts are read oldest first, packed ones too', async () => {
    const path = folder({
      'history.log': 'five\n',
      'history.log.1': 'four\n',
      'history.log.2.gz': gzipSync('three\n'),
      'history.log.10.gz': gzipSync('one\n'),
      'history.log.3.zst': Buffer.from(zstdCompressSync('two\n')),
      'history.log.bak': 'never\n',
      'history.log.1~': 'never\n',
    });
    expect(await readLog(path, 'history.log', BUDGET)).toEqual({
      ...{ text: 'one\ntwo\nthree\nfour\nfive\n', complete: true, problems: [] },
    });
  });

  it('parts are known by number or by date', () => {
    const names = ['x', 'x.1', 'x.2.gz', 'x.10.gz', 'x.y', 'xx.1', 'x-20261101.gz', 'x-20261001', 'x-2026'];
    expect(partsOf(names, 'x')).toEqual(['x', 'x.1', 'x.2.gz', 'x.10.gz', 'x-20261101.gz', 'x-20261001']);
  });

  it('a log that is not there tells nothing, and that is all of it', async () => {
    expect(await readLog(join(folder({}), 'none'), 'x', BUDGET)).toEqual({ text: '', complete: true, problems: [] });
  });

  it('a line that is being written is left for the next time', async () => {
    expect(await readLog(folder({ x: 'whole\nhal' }), 'x', BUDGET)).toMatchObject({ text: 'whole\n' });
  });
});

describe('when there is more than the budget', () => {
  it('the newest is read, from a whole line on, and it is said', async () => {
    const path = folder({ x: `${'a'.repeat(600)}\n${'b'.repeat(600)}\n`, 'x.1': 'older\n' });
    expect(await readLog(path, 'x', BUDGET)).toEqual({ text: `${'b'.repeat(600)}\n`, complete: false, problems: [] });
  });

  it('older parts are not read once it is used up', async () => {
    const path = folder({ x: `${'a'.repeat(BUDGET - 1)}\n`, 'x.1': 'older\n' });
    expect(await readLog(path, 'x', BUDGET)).toMatchObject({ text: `${'a'.repeat(BUDGET - 1)}\n`, complete: false });
  });

  it('a bomb is not unpacked: it is as much as does not fit', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const path = folder({
      x: 'new\n',
      'x.1.gz': bomb,
      'x.2.zst': Buffer.from(zstdCompressSync(Buffer.alloc(64 * 1024 * 1024))),
    });
    expect(await readLog(path, 'x', 100_000)).toEqual({ text: 'new\n', complete: false, problems: [] });
    expect(await readLog(path, 'x.2.zst', 100_000)).toEqual({ text: '', complete: false, problems: [] });
  });
});

describe('when a part is no log', () => {
  it.each([
    ['damaged', () => folder({ x: 'new\n', 'x.1.gz': gzipSync('old\n').subarray(0, 12) })],
    ['not packed as it says', () => folder({ x: 'new\n', 'x.1.gz': 'plain\n' })],
    ['packed in another way', () => folder({ x: 'new\n', 'x.1.xz': 'whatever' })],
  ])('one that is %s is said, and the others are read', async (_, make) => {
    const path = make();
    const read = await readLog(path, 'x', BUDGET);
    expect(read).toMatchObject({ text: 'new\n', complete: false, problems: [{ code: 'FILE_UNREADABLE' }] });
  });

  it('a link and a FIFO are not opened', async () => {
    const path = folder({ secret: 'secret\n' });
    symlinkSync(join(path, 'secret'), join(path, 'x'));
    execFileSync('mkfifo', [join(path, 'x.1')]);
    const read = await readLog(path, 'x', BUDGET);
    expect(read.text).toBe('');
    expect(read.problems).toHaveLength(2);
  });

  it('one that only root may read is said', async () => {
    const path = folder({ x: 'new\n' });
    chmodSync(path, 0o755);
    chmodSync(join(path, 'x'), root ? 0o600 : 0);
    // Root may read everything, so it is somebody else meanwhile.
    if (root) process.seteuid?.(NOBODY);
    const read = await readLog(path, 'x', BUDGET).finally(() => root && process.seteuid?.(0));
    expect(read).toMatchObject({
      complete: false,
      problems: [{ code: 'FILE_UNREADABLE', reason: 'only root may read it' }],
    });
  });
});
