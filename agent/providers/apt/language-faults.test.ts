// A host whose language is not English, with the real translations of apt and dpkg, and with settings of apt that change what it
// prints: what is read of it is the same. A control shows that apt does speak that language there.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { compareDebVersions } from '@selvage/shared/versions/deb.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeRepository } from '../../../scripts/lab/repository.ts';
import { makeSandbox } from '../../../scripts/lab/sandbox.ts';
import { createAptFetcher } from './fetcher.ts';
import { createAptInstaller } from './installer.ts';
import { PARTS, REFRESH, useArchive } from './testing/archive.ts';

/** German has other quotes, Japanese no plural and wide characters, Turkish another lower case of I. */
const LANGUAGES = [
  ['de_DE', 'Installationskandidat'],
  ['ja_JP', '候補'],
  ['tr_TR', 'Aday'],
] as const;
const top = temporaryFolder('language');
const locales = join(top, 'locales');

function environmentOf(language: string): Readonly<Record<string, string>> {
  const name = `${language}.UTF-8`;

  return {
    LOCPATH: locales,
    LANG: name,
    LC_ALL: name,
    LC_MESSAGES: name,
    LC_TIME: name,
    LC_NUMERIC: name,
    LANGUAGE: language.slice(0, 2),
  };
}

needs([...PARTS, 'locales', 'busybox-static', 'unshare'], 'a host in another language', () => {
  const { host } = useArchive();
  beforeAll(() => {
    mkdirSync(locales);
    for (const [language] of LANGUAGES) {
      execFileSync('localedef', ['-i', language, '-f', 'UTF-8', join(locales, `${language}.UTF-8`)], {
        stdio: 'ignore',
      });
    }
  });

  /** Everything that is read of apt, of a whole archive and of one with every kind of failure. */
  const look = async (environment: Readonly<Record<string, string>>, settings = '') => {
    const failing = ['e401', 'gone']
      .map((path) => `deb [trusted=yes] http://127.0.0.1:1/${path} stable main`)
      .join('\n');
    const whole = host(undefined, environment);
    const broken = host(undefined, environment);
    broken.source('broken.list', `${failing}\ndeb file:${top}/nothere stable main\n`);
    for (const one of [whole, broken]) one.write('etc/apt/apt.conf.d/99odd', settings);
    const facts = async (one: typeof whole) => {
      const observer = one.observer();
      const repositories = await observer.refresh(REFRESH);

      return {
        repositories: repositories.map(({ id, problem, lastError, date, security }) => [
          id,
          problem,
          lastError,
          date,
          security,
        ]),
        pending: await observer.pending(),
        installed: (await observer.installed()).map(({ installedAt: _, ...rest }) => rest),
      };
    };

    return { whole: await facts(whole), broken: await facts(broken), roots: [whole.root, broken.root] };
  };

  it.each(LANGUAGES)('control: apt speaks %s there', (language, word) => {
    const output = execFileSync('apt-cache', ['policy', 'dpkg'], {
      env: { PATH: process.env.PATH, ...environmentOf(language) },
      encoding: 'utf8',
    });

    expect(output).toContain(word);
  });

  it('is observed as one in English', async () => {
    const { whole, broken } = await look({});
    expect(whole.pending.map(({ name }) => name)).toContain('tool');

    for (const [language] of LANGUAGES) {
      const other = await look(environmentOf(language));
      expect(other.whole, language).toEqual(whole);
      expect(other.broken, language).toEqual(broken);
    }
  });

  it('with settings that change what apt prints, fetches and runs: the same, and no hook runs', async () => {
    const { whole, broken } = await look({});
    const ran = join(top, 'hook-ran');
    const odd = `quiet "3";
APT::Color "1";
Binary::apt::APT::Color "1";
APT::Color::Red "RED";
APT::Get::Show-Versions "true";
APT::Get::Show-Upgraded "false";
APT::Get::Simulate "true";
APT::Cmd::Disable-Script-Warning "true";
APT::Cmd::Use-Format "true";
APT::Cmd::Pattern-Only "true";
Binary::apt::APT::Keep-Downloaded-Packages "true";
Acquire::Languages { "de"; "ja"; "tr"; };
Acquire::GzipIndexes "true";
Acquire::Progress::Ignore::ShowErrorText "true";
Dpkg::Progress-Fancy "true";
DPkg::Options { "--force-confnew"; "--no-act"; };
APT::Update::Pre-Invoke { "touch ${ran}"; };
APT::Update::Post-Invoke { "touch ${ran}; echo \\"done\\""; };
DPkg::Pre-Install-Pkgs { "touch ${ran}"; };
`;
    const other = await look(environmentOf('tr_TR'), odd);

    expect(other.whole).toEqual(whole);
    expect(other.broken).toEqual(broken);
    expect(readdirSync(top)).not.toContain('hook-ran');
  });

  describe('when it installs', () => {
    it.each(LANGUAGES)('in %s: plans, installs and proves the same', async (language) => {
      const folder = mkdtempSync(join(top, 'host-'));
      const plain = createRun({});
      const run = createRun(environmentOf(language));
      const wanted = { name: 'ilik', version: '2.0', arch: 'all' };
      const repository = await makeRepository({
        folder: join(folder, 'archive'),
        run: plain,
        packages: [{ name: 'ilik', version: '2.0' }],
      });
      const sandbox = await makeSandbox({
        folder: join(folder, 'host'),
        run: plain,
        repositories: [repository],
        installed: [{ name: 'ilik', version: '1.0' }],
      });
      const stateDir = join(sandbox.folder, 'agent');
      mkdirSync(stateDir);
      const unprivileged = sandbox.user.dropped ? { uid: sandbox.user.uid, gid: sandbox.user.gid } : null;
      const common = { root: sandbox.root, run, unprivileged, packages: join(stateDir, 'packages') };
      const lists = { maxAge: 86_400_000, byteBudget: 10_000_000 };
      const fetcher = createAptFetcher({ ...common, stateDir, clock: systemClock, lists });
      const installer = createAptInstaller({
        ...common,
        runnerDir: join(stateDir, 'runner'),
        compare: compareDebVersions,
      });

      expect(await fetcher.fetch({ packages: [wanted] })).toEqual({ missing: [] });
      expect((await installer.loadMirror()).repositories).toHaveLength(1);
      expect(await installer.simulate([wanted])).toMatchObject({
        upgrade: [{ name: 'ilik', arch: 'all', from: '1.0', to: '2.0' }],
        install: [],
        remove: [],
        downgrade: [],
      });
      await expect(installer.simulate([{ ...wanted, version: '3.0' }])).rejects.toMatchObject({ code: 'NO_CANDIDATE' });
      await installer.prepare([wanted]);
      const lines: string[] = [];
      await installer.install([wanted], { line: (line) => lines.push(line) });
      expect(lines.join('\n')).toContain('Setting up ilik (2.0)');
      expect(Object.fromEntries(await sandbox.versions())).toEqual({ ilik: '2.0' });
    });
  });
});
