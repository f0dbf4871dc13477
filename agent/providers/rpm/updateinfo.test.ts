import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { createRun } from '@selvage/shared/exec/run.ts';
import { SECTIONS } from '@selvage/shared/model/inventory.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { createRpmObserver } from './observer.ts';
import { readUpdateinfo } from './updateinfo.ts';

const run = createRun({});

interface Notice {
  readonly id: string;
  readonly type?: string;
  readonly issued?: string;
  readonly names?: readonly string[];
  readonly cve?: string | null;
  readonly module?: string;
}

function xml(...notices: readonly Notice[]): string {
  const updates = notices.map(
    ({ id, type = 'security', issued = '2026-01-02 00:00:00', names = ['zlib'], cve = 'CVE-2026-10001', module }) => {
      const packages = names.map(
        (name) =>
          `<package name="${name}" version="1.2.11" release="40.el9" epoch="0" arch="noarch" src="x.src.rpm"><filename>x.rpm</filename></package>`,
      );
      const [called, stream] = module?.split(':') ?? [];
      const references = cve === null ? '' : `<reference href="https://x" id="${cve}" type="cve"/>`;

      return `<update from="x" status="final" type="${type}" version="1"><id>${id}</id><issued date="${issued}"/><severity>Important</severity>
      <references>${references}</references><pkglist><collection short="x"><name>x</name>${
        module ? `<module name="${called}" stream="${stream}"/>` : ''
      }${packages.join('')}</collection></pkglist></update>`;
    },
  );

  return `<?xml version="1.0" encoding="UTF-8"?><updates>${updates.join('')}</updates>`;
}

const installed = (...names: readonly string[]): readonly InstalledPackage[] =>
  names.map((name) => ({
    ...{ provider: 'dnf', name, version: '1.2.10-1', arch: 'noarch', state: 'installed', source: name },
    ...{ sourceVersion: '1.2.10-1', held: false, installedAt: null },
  }));

/** A root with files of a cache: path below /var/cache → content. */
function cache(files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = temporaryFolder('updateinfo');
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, 'var/cache', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  return root;
}

const read = (root: string, { repositories = ['base'], names = ['zlib'] } = {}) =>
  readUpdateinfo({ root, run, repositories, installed: installed(...names) });
const BASE = 'dnf/base-0123456789abcdef/repodata';

describe('when a cache has advisories', () => {
  it.each([
    ['gz', gzipSync],
    ['zst', zstdCompressSync],
    ['', (text: string) => text],
  ] as const)('packed as %s, only those of installed packages are told', async (ending, pack) => {
    const file = `${BASE}/00ff-updateinfo.xml${ending && `.${ending}`}`;
    const content = xml(
      { id: 'SA-1', names: ['zlib', 'zlib-devel'] },
      { id: 'SA-2', names: ['firefox'] },
      { id: 'BA-1', type: 'bugfix', cve: null },
      { id: 'SA-3', cve: null, module: 'zlib:1' },
    );
    const found = await read(cache({ [file]: pack(content) }));

    expect(found).toMatchObject({ complete: true, problems: [], asOf: expect.any(String) });
    expect(found.notices.map(({ id, packages }) => [id, packages.map(({ name, module }) => [name, module])])).toEqual([
      ['SA-3', [['zlib', 'zlib:1']]],
      ['SA-1', [['zlib', null]]],
    ]);
    expect(SECTIONS.updateinfo.parse(found)).toEqual(found);
  });

  it('those of dnf 5 and zypper are read too, and the same advisory of two repositories is one', async () => {
    const root = cache({
      [`${BASE}/a-updateinfo.xml`]: xml({ id: 'SA-1' }),
      'libdnf5/extras-0123456789abcdef/repodata/a-updateinfo.xml': xml(
        { id: 'SA-1', cve: 'CVE-2026-10000' },
        { id: 'SA-2' },
      ),
      'zypp/raw/repo-oss/repodata/a-updateinfo.xml.gz': gzipSync(xml({ id: 'SUSE-1', issued: '1767312000' })),
    });
    const { notices } = await read(root, { repositories: ['base', 'extras', 'repo-oss'] });

    expect(notices.map(({ id }) => id)).toEqual(['SUSE-1', 'SA-2', 'SA-1']);
    expect(notices[2]).toMatchObject({ cves: ['CVE-2026-10000', 'CVE-2026-10001'], packages: [{ name: 'zlib' }] });
  });

  it('what is left of a repository that is not enabled any more, or of an older state, does not count', async () => {
    const root = cache({
      'dnf/old-0123456789abcdef/repodata/a-updateinfo.xml': xml({ id: 'SA-1' }),
      [`${BASE}/a-updateinfo.xml`]: xml({ id: 'SA-2' }),
      [`${BASE}/b-updateinfo.xml`]: xml({ id: 'SA-3' }),
    });
    utimesSync(join(root, 'var/cache', BASE, 'a-updateinfo.xml'), 1_700_000_000, 1_700_000_000);

    expect((await read(root)).notices.map(({ id }) => id)).toEqual(['SA-3']);
  });

  it('a host without any has none, which is complete', async () => {
    expect(await read(cache({ [`${BASE}/repomd.xml`]: '' }))).toEqual({
      ...{ asOf: null, complete: true, problems: [], notices: [] },
    });
  });

  it('more than may be told: the newest are told, and that there are more', async () => {
    const many = Array.from({ length: 4001 }, (_, index) => ({
      id: `SA-${index}`,
      issued: `20${10 + (index % 16)}-01-02`,
    }));
    const found = await read(cache({ [`${BASE}/a-updateinfo.xml`]: xml(...many) }));

    expect(found.notices).toHaveLength(4000);
    expect(found).toMatchObject({
      complete: false,
      problems: [{ reason: 'only the newest 4000 of 4001 advisories are told' }],
    });
    expect(found.notices.at(-1)?.issued).toBe('2010-01-02');
    expect(SECTIONS.updateinfo.safeParse(found).success).toBe(true);
  });
});

describe('when a cache is not what it should be', () => {
  it.each([
    ['cut off', gzipSync(xml({ id: 'SA-1' })).subarray(0, 60), 'a-updateinfo.xml.gz'],
    ['not packed', xml({ id: 'SA-1' }), 'a-updateinfo.xml.gz'],
    ['no XML', 'a,b,c', 'a-updateinfo.xml'],
    ['an entity bomb', '<!DOCTYPE u [<!ENTITY a "aaaaaaaa">]><updates>&a;</updates>', 'a-updateinfo.xml'],
    ['no text', new Uint8Array([0xff, 0xfe, 0x3c]), 'a-updateinfo.xml'],
    ['no xz', 'x', 'a-updateinfo.xml.xz'],
  ])('%s: it is said, and another repository stands', async (_, content, name) => {
    const root = cache({
      [`${BASE}/${name}`]: content,
      'dnf/other-0123456789abcdef/repodata/a-updateinfo.xml': xml({ id: 'SA-2' }),
    });
    const found = await read(root, { repositories: ['base', 'other'] });

    expect(found.notices.map(({ id }) => id)).toEqual(['SA-2']);
    expect(found).toMatchObject({ complete: false, problems: [{ repository: 'base' }] });
    expect(SECTIONS.updateinfo.safeParse(found).success).toBe(true);
  });

  it('a link is not followed', async () => {
    const root = cache({ 'elsewhere.xml': xml({ id: 'SA-1' }), [`${BASE}/repomd.xml`]: '' });
    symlinkSync(join(root, 'var/cache/elsewhere.xml'), join(root, 'var/cache', BASE, 'a-updateinfo.xml'));

    expect(await read(root)).toMatchObject({ complete: false, notices: [] });
  });
});

needs(['dnf', 'createrepo-c', 'rpm', 'rpmbuild'], 'when the real dnf has asked a repository', () => {
  it('the host tells its advisories, read as an ordinary user reads', async () => {
    const folder = temporaryFolder('dnf');
    const [repository, root] = [join(folder, 'repository'), join(folder, 'root')];
    for (const each of [repository, join(root, 'etc/yum.repos.d'), join(root, 'var/lib/rpm')])
      mkdirSync(each, { recursive: true });
    const sh = (file: string, ...args: readonly string[]) =>
      execFileSync(file, [...args], { cwd: folder, stdio: 'pipe', env: { ...process.env, HOME: folder } });
    writeFileSync(
      join(folder, 'zlib.spec'),
      'Name: zlib\nVersion: 1.2.11\nRelease: 40.el9\nSummary: x\nLicense: MIT\nBuildArch: noarch\n%description\n%files\n',
    );
    sh('rpmbuild', '-bb', '--quiet', '--define', `_topdir ${folder}`, '--define', `_rpmdir ${repository}`, 'zlib.spec');
    sh('createrepo_c', '-q', repository);
    writeFileSync(join(folder, 'updateinfo.xml'), xml({ id: 'TESTSA-2026:1', module: 'zlib:1.2' }));
    sh('modifyrepo_c', 'updateinfo.xml', join(repository, 'repodata'));
    writeFileSync(
      join(root, 'etc/yum.repos.d/test.repo'),
      `[test]\nname=test\nbaseurl=file://${repository}\ngpgcheck=0\nenabled=1\n`,
    );
    chmodSync(folder, 0o755);
    const settings = [`reposdir=${root}/etc/yum.repos.d`, `cachedir=${root}/var/cache/dnf`].flatMap((each) => [
      '--setopt',
      each,
    ]);
    sh('dnf', '-q', '--installroot', root, ...settings, '--releasever', '9', 'makecache');

    const found = await createRpmObserver('dnf', { root, run }).advisories?.(installed('zlib'));
    expect(found).toMatchObject({
      complete: true,
      problems: [],
      notices: [
        {
          ...{ id: 'TESTSA-2026:1', severity: 'Important', issued: '2026-01-02', cves: ['CVE-2026-10001'] },
          packages: [
            { name: 'zlib', epoch: '0', version: '1.2.11', release: '40.el9', arch: 'noarch', module: 'zlib:1.2' },
          ],
        },
      ],
    });
  });
});
