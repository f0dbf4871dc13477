import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { readSubject } from './read.ts';
import { APK_INSTALLED, TRIVY } from './testing/samples.ts';
import { refusal, STATUS, scanFolder } from './testing/scan-folder.ts';

const { folder, put, osDebian, osAlma, scan } = scanFolder();

describe('when something is scanned that says nothing', () => {
  it.each([
    ['an empty file', '', /SCAN_INVALID: .* is empty/],
    ['a file of blanks', ' \n\n', /SCAN_INVALID: .* is empty/],
    ['some text', 'hello\nworld\n', /SCAN_INVALID: .* of no kind that is known/],
    ['half of an SBOM', JSON.stringify(TRIVY).slice(0, 500), /SCAN_INVALID: .* begins like JSON and is none/],
    ['JSON of another kind', '{"a": 1}', /SCAN_INVALID: .* neither CycloneDX nor SPDX/],
    ['an SBOM without components', '{"bomFormat":"CycloneDX","components":[]}', /SCAN_INVALID: .* lists no components/],
    [
      'an SBOM of things that are no packages',
      '{"bomFormat":"CycloneDX","components":[{"type":"library","name":"x"}]}',
      /lists 1 component, which is no package that could be looked up/,
    ],
    ['an SPDX without packages', '{"spdxVersion":"SPDX-2.3","packages":[]}', /SCAN_INVALID: .* lists no components/],
    ['SPDX 3', '{"@context":"https://spdx.org/rdf/3.0.1/spdx-context.jsonld","@graph":[]}', /is SPDX 3/],
    ['an attestation', '{"payloadType":"application/vnd.in-toto+json","payload":"e30="}', /is an attestation/],
    [
      'CycloneDX as XML',
      '<?xml version="1.0"?>\n<bom xmlns="http://cyclonedx.org/schema/bom/1.4"/>',
      /CycloneDX as XML/,
    ],
    [
      'what dpkg -l prints',
      'Desired=Unknown/Install/Remove/Purge/Hold\nii  bash  5.2\n',
      /dpkg -l .*\/var\/lib\/dpkg\/status/,
    ],
    ['an index of an archive', 'Package: bash\nVersion: 5.2-1\nFilename: pool/b\n\n', /packages of an archive/],
    [
      'a status file in which nothing is installed',
      'Package: a\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n\n',
      /lists no packages/,
    ],
    [
      'a status file with another state',
      STATUS.replace('install ok installed', 'install ok fine'),
      /PACKAGE_DATABASE_INVALID: .*libssl3 has the status/,
    ],
    ['a status file with zeros in it', STATUS.replace('openssl', 'open\0ssl'), /PACKAGE_DATABASE_INVALID: .*NUL/],
    ['a database of apk that was cut', `${APK_INSTALLED}C:Q1\nP:zl`, /SCAN_INVALID: .*cut/],
    ['an entry of apk without a version', 'P:zlib\nV:1-r0\n\nP:musl\n\n', /entry 2 of .* has no version/],
  ])('%s is an error, never no findings', async (_name, content, said) => {
    expect(await refusal(scan('nothing', content, osDebian))).toMatch(said);
  });

  it.each([
    ['a status file', STATUS],
    ['a list of rpm packages', 'bash-5.1.8-6.el9.x86_64\n'],
    ['a database of apk', APK_INSTALLED],
  ])('%s without its release is refused, with what helps', async (_name, content) => {
    expect(await refusal(scan('unplaced', content))).toMatch(
      /SCAN_INVALID: .* does not say of which distribution.*next: .*--os-release FILE/,
    );
  });

  it('packages that the named release does not have are refused, not compared by its rules', async () => {
    expect(await refusal(scan('alma-list', 'bash-5.1.8-6.el9.x86_64\n', osDebian))).toMatch(
      /SCAN_INVALID: bash is a package of rpm, and Debian GNU\/Linux 12 \(bookworm\) has none/,
    );
    expect(await refusal(scan('status', STATUS, osAlma))).toMatch(/libssl3 is a package of deb/);
  });

  it('an os-release that is none is refused', async () => {
    expect(await refusal(scan('status', STATUS, put('not-os', 'hello')))).toMatch(/SCAN_INVALID: .* is no os-release/);
  });

  it('a gzip file that was cut, or unpacks to more than anything, is refused', async () => {
    expect(await refusal(scan('cut.gz', gzipSync(STATUS).subarray(0, 60), osDebian))).toMatch(
      /SCAN_INVALID: the gzip file .* is cut or damaged/,
    );
    const bomb = gzipSync(Buffer.alloc(260 * 1024 * 1024));

    expect(await refusal(scan('bomb.gz', bomb, osDebian))).toMatch(/SCAN_INVALID: .* unpacks to more than/);
  });

  it('a path where nothing is, and a tar that is not from collect.sh', async () => {
    expect(await refusal(readSubject(join(folder, 'absent'), { osRelease: null }))).toMatch(/^NOT_FOUND/);
    execFileSync('tar', ['cf', join(folder, 'other.tar'), '-C', folder, 'os-debian']);

    expect(await refusal(readSubject(join(folder, 'other.tar'), { osRelease: null }))).toMatch(/^IMPORT_INVALID/);
  });
});
