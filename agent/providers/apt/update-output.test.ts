import { listRepositories } from '@selvage/shared/packages/apt-repositories.ts';
import { parseOneLine } from '@selvage/shared/packages/apt-sources.ts';
import { describe, expect, it } from 'vitest';
import { readUpdateOutput } from './update-output.ts';

const NAMES = [
  'good',
  'unsigned',
  'e401',
  'e402',
  'gone',
  'badsig',
  'expired',
  'hash',
  'refused',
  'portal',
  'kept',
  'silent',
];
const repositories = listRepositories(
  parseOneLine(NAMES.map((name) => `deb http://127.0.0.1:8099/${name} stable main\n`).join(''), 'x.list'),
);
/** Printed by apt 2.6.2, put together from runs over one bad repository each. */
const OUTPUT = `Hit:1 http://127.0.0.1:8099/good stable InRelease
Ign:4 http://127.0.0.1:8099/unsigned stable InRelease
Get:5 http://127.0.0.1:8099/expired stable InRelease [917 B]
Get:6 http://127.0.0.1:8099/badsig stable InRelease [872 B]
Get:7 http://127.0.0.1:8099/hash stable InRelease [872 B]
Get:8 http://127.0.0.1:8099/kept stable InRelease [872 B]
Get:8 http://127.0.0.1:8099/portal stable InRelease [872 B]
Err:9 http://127.0.0.1:8099/portal stable InRelease
  Clearsigned file isn't valid, got 'NOSPLIT' (does the network require authentication?)
Ign:10 http://127.0.0.1:8099/gone stable InRelease
Err:11 http://127.0.0.1:8099/e401 stable InRelease
  401  Unauthorized [IP: 127.0.0.1 8099]
Err:12 http://127.0.0.1:8099/e402 stable InRelease
  402  Payment Required [IP: 127.0.0.1 8099]
Err:22 http://127.0.0.1:8099/gone stable Release
  404  File not found [IP: 127.0.0.1 8099]
Err:23 http://127.0.0.1:8099/refused stable InRelease
  Could not connect to 127.0.0.1:1 (127.0.0.1). - connect (111: Connection refused)
Get:24 http://127.0.0.1:8099/unsigned stable Release [595 B]
Ign:25 http://127.0.0.1:8099/unsigned stable Release.gpg
Err:6 http://127.0.0.1:8099/badsig stable InRelease
  The following signatures were invalid: BADSIG 6C09DD2C9355AC8F Test <t@example.org>
Get:30 http://127.0.0.1:8099/hash stable/main amd64 Packages [427 B]
Err:30 http://127.0.0.1:8099/hash stable/main amd64 Packages
  Hash Sum mismatch
  Hashes of expected file:
   - Filesize:427 [weak]
Reading package lists...
E: The repository 'http://127.0.0.1:8099/e401 stable InRelease' is not signed.
E: Failed to fetch http://127.0.0.1:8099/e401/dists/stable/InRelease  401  Unauthorized [IP: 127.0.0.1 8099]
E: The repository 'http://127.0.0.1:8099/e402 stable InRelease' is not signed.
E: The repository 'http://127.0.0.1:8099/gone stable Release' does not have a Release file.
E: The repository 'http://127.0.0.1:8099/unsigned stable Release' is not signed.
W: GPG error: http://127.0.0.1:8099/badsig stable InRelease: The following signatures were invalid: BADSIG 6C09DD2C9355AC8F
E: The repository 'http://127.0.0.1:8099/badsig stable InRelease' is not signed.
W: An error occurred during the signature verification. The repository is not updated and the previous index files will be used. GPG error: http://127.0.0.1:8099/kept stable InRelease: The following signatures were invalid: BADSIG 6C09
E: Release file for http://127.0.0.1:8099/expired/dists/stable/InRelease is expired (invalid since 16s). Updates for this repository will not be applied.
W: Target Packages (main/binary-amd64/Packages) is configured multiple times in /x.list:1 and /x.list:17
W: Some index files failed to download. They have been ignored, or old ones used instead.`.split('\n');

describe('when the output of a refresh is read', () => {
  const { verdicts, general } = readUpdateOutput(OUTPUT, repositories);
  const of = (name: string) => verdicts.get(`http://127.0.0.1:8099/${name} stable main`);

  it.each([
    ['good', null],
    ['unsigned', 'REPOSITORY_UNSIGNED'],
    ['e401', 'REPOSITORY_NOT_ENTITLED'],
    ['e402', 'REPOSITORY_NOT_ENTITLED'],
    ['gone', 'REPOSITORY_GONE'],
    ['badsig', 'REPOSITORY_BAD_SIGNATURE'],
    ['kept', 'REPOSITORY_BAD_SIGNATURE'],
    ['expired', 'REPOSITORY_EXPIRED'],
    ['hash', 'REPOSITORY_UNREACHABLE'],
    ['portal', 'REPOSITORY_UNREACHABLE'],
    ['refused', 'REPOSITORY_UNREACHABLE'],
  ])('gives %s its own verdict', (name, code) => {
    expect(of(name)?.error?.code ?? null).toBe(code);
  });

  it('says why in the words of apt', () => {
    expect(of('e401')?.error?.reason).toBe('401  Unauthorized [IP: 127.0.0.1 8099]');
    expect(of('hash')?.error?.reason).toBe('Hash Sum mismatch');
  });

  it('knows what was unchanged, and what was never mentioned', () => {
    expect(of('good')).toEqual({ hit: true, reached: true, error: null });
    expect(of('silent')).toEqual({ hit: false, reached: false, error: null });
  });

  it('keeps errors that name no repository', () => {
    const locked = 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 5033 (apt-get)';

    expect(general).toEqual([]);
    expect(readUpdateOutput([...OUTPUT, locked], repositories).general).toEqual([locked.slice(3)]);
  });

  it('does not mistake one repository for another whose name it begins with', () => {
    const [short] = listRepositories(parseOneLine('deb http://127.0.0.1:8099/e4 stable main', 'x'));
    const [suite] = listRepositories(parseOneLine('deb http://127.0.0.1:8099/e401 sta main', 'x'));

    for (const repository of [short, suite]) {
      if (!repository) throw new Error('no repository');
      expect(readUpdateOutput(OUTPUT, [repository]).verdicts.get(repository.id)?.error).toBeNull();
    }
  });
});
