import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { FOLDERS, prepareFolders, takeBack } from './ownership.ts';

const top = temporaryFolder('ownership');
const user = { uid: 65_534, gid: 65_534 };
const UNSAFE = { code: 'FILE_UNSAFE' };
let state: string;
let settings: { stateDir: string; runnerDir: string };
const at = (path: string) => join(state, path);
const owner = (path: string) => lstatSync(at(path)).uid;

beforeEach(() => {
  state = join(mkdtempSync(join(top, 'host-')), 'state');
  settings = { stateDir: state, runnerDir: join(state, 'runner') };
});

describe('when the table is read', () => {
  it('what the runner relies on is never below a folder of the user', () => {
    for (const { path, owner: who } of FOLDERS) if (path === '' || path === 'runner') expect(who).toBe('root');
    expect(FOLDERS.filter((row) => row.owner === 'user' && (row.mode & 0o022) !== 0)).toEqual([]);
  });
});

describe.runIf(process.getuid?.() === 0)('when root lays out the folders', () => {
  it('each has its owner and mode, whatever the umask, also a second time', async () => {
    const before = process.umask(0o077);
    await prepareFolders(settings, user).finally(() => process.umask(before));
    await prepareFolders(settings, user);

    for (const { path, owner: who, mode } of FOLDERS) {
      expect([path, owner(path)]).toEqual([path, who === 'root' ? 0 : user.uid]);
      expect([path, (lstatSync(at(path)).mode & 0o7777).toString(8)]).toEqual([path, mode.toString(8)]);
    }
  });

  it('what an agent that was all root left is handed over, and its stray files go', async () => {
    mkdirSync(at('policy/metadata'), { recursive: true });
    mkdirSync(at('identity'), { mode: 0o700 });
    writeFileSync(at('policy/metadata/1.root.json'), '{}');
    writeFileSync(at('identity/host.key'), 'key', { mode: 0o600 });
    for (const name of ['wake', 'link.json']) writeFileSync(at(name), 'x');
    await prepareFolders(settings, user);

    for (const path of ['policy', 'policy/metadata', 'policy/metadata/1.root.json', 'identity', 'identity/host.key']) {
      expect([path, owner(path)]).toEqual([path, user.uid]);
    }
    expect((lstatSync(at('identity/host.key')).mode & 0o777).toString(8)).toBe('600');
    expect(existsSync(at('wake')) || existsSync(at('link.json'))).toBe(false);
  });

  it('a second name of a file of root is never handed over, nor what a link names', async () => {
    mkdirSync(at('policy'), { recursive: true });
    const secret = join(state, '../secret');
    writeFileSync(secret, 'root', { mode: 0o600 });
    linkSync(secret, at('policy/hard'));
    symlinkSync(secret, at('policy/soft'));
    symlinkSync(top, at('policy/folder'));
    await prepareFolders(settings, user);

    expect(lstatSync(secret).uid).toBe(0);
    expect(lstatSync(top).uid).toBe(0);
  });

  it('what lies in a folder that is the user’s already is not touched: they could exchange it meanwhile', async () => {
    await prepareFolders(settings, user);
    writeFileSync(at('policy/of-root'), 'x');
    await prepareFolders(settings, user);

    expect(owner('policy/of-root')).toBe(0);
  });

  it.each([
    ['the state folder of another user', () => chownSync(state, user.uid, user.gid)],
    ['a state folder that others may write to', () => chmodSync(state, 0o777)],
    ['a runner folder of another user', () => chownSync(at('runner'), user.uid, user.gid)],
    ['a folder of a third user', () => chownSync(at('policy'), 12_345, 12_345)],
  ])('%s is refused', async (_, change) => {
    await prepareFolders(settings, user);
    change();

    await expect(prepareFolders(settings, user)).rejects.toMatchObject(UNSAFE);
  });

  it.each(['policy', 'runner', 'identity'])('a link or a file in place of %s is refused', async (name) => {
    mkdirSync(state);
    symlinkSync(top, at(name));
    await expect(prepareFolders(settings, user)).rejects.toMatchObject(UNSAFE);
    expect(lstatSync(top).uid).toBe(0);
  });

  it('for a new enrollment it is taken back from everybody, though its owner has just opened it', async () => {
    await prepareFolders(settings, user);
    chmodSync(at('identity'), 0o777);
    await takeBack(settings, user);

    expect([owner('identity'), lstatSync(at('identity')).mode & 0o777]).toEqual([0, 0o700]);
  });

  it('a file of somebody else that was moved into the identity is not handed over with ours', async () => {
    await prepareFolders(settings, user);
    writeFileSync(at('identity/moved'), 'secret of root', { mode: 0o600 });

    await expect(takeBack(settings, user)).rejects.toMatchObject(UNSAFE);
    await prepareFolders(settings, user);
    expect(owner('identity/moved')).toBe(0);
  });

  it('for a new enrollment the identity is root’s for a while, and is handed over with what was written', async () => {
    await prepareFolders(settings, user);
    await takeBack(settings, user);
    expect(owner('identity')).toBe(0);
    writeFileSync(at('identity/host.key'), 'new', { mode: 0o600 });
    await prepareFolders(settings, user);

    expect([owner('identity'), owner('identity/host.key')]).toEqual([user.uid, user.uid]);
  });
});
