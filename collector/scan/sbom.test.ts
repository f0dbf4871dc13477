import { describe, expect, it } from 'vitest';
import { SPDX_JSON, SPDX_TAG_VALUE, SYFT, TRIVY } from './testing/samples.ts';
import { refusal, rows, scanFolder } from './testing/scan-folder.ts';

const { osDebian, scan } = scanFolder();

describe('when an SBOM is scanned', () => {
  it('of trivy: by sources in properties, libraries inside of applications too', async () => {
    const subject = await scan('trivy', JSON.stringify(TRIVY));

    expect(subject).toMatchObject({ kind: 'cyclonedx', packages: 3, os: { id: 'debian', version: '12' }, unread: [] });
    expect(rows(subject)).toEqual([
      ['Debian:12', 'openssl', '3.0.9-1', 'libssl3'],
      ['Debian:12', 'vim', '2:9.0.1378-2', 'vim-common'],
      ['npm', 'lodash', '4.17.20', 'lodash'],
    ]);
  });

  it('of syft: by sources in URLs, names as their registries know them', async () => {
    const subject = await scan('syft', JSON.stringify(SYFT));

    expect(rows(subject)).toEqual([
      ['Debian:12', 'glibc', '2.36-9+deb12u1', 'libc6'],
      ['Debian:12', 'perl', '5.36.0-7', 'libperl5.36'],
      ['PyPI', 'requests', '2.31.0', 'requests'],
      ['npm', '@angular/core', '12.0.0', '@angular/core'],
    ]);
  });

  it('SPDX as tag-value: texts are not taken for tags', async () => {
    const subject = await scan('spdx', SPDX_TAG_VALUE);

    expect(subject).toMatchObject({ kind: 'spdx-tag-value', packages: 1, unread: [] });
    expect(subject.installed[0]?.software).toMatchObject({
      ecosystem: 'AlmaLinux:9',
      name: 'openssl-libs',
      source: 'openssl',
      version: '1:3.0.7-16.el9_2',
    });
  });

  it('SPDX as JSON', async () => {
    expect(rows(await scan('spdx.json', JSON.stringify(SPDX_JSON)))).toEqual([
      ['Alpine:3.19', 'zlib', '1.2.12-r1', 'zlib'],
    ]);
  });

  it('knows the module streams of rpms: in their URLs, and as trivy and syft write them beside', async () => {
    const rpm = (name: string, more = '') =>
      `pkg:rpm/almalinux/${name}@1-1.module_el8?arch=x86_64&distro=almalinux-8.10${more}`;
    const beside = (name: string, value: string) => ({ properties: [{ name, value }] });
    const inUrl = (name: string, label: string) => rpm(name, `&rpmmod=${label}`);
    const trivy = 'aquasecurity:trivy:Modularitylabel';
    const components = [
      { purl: inUrl('a', 'nodejs:18:8100020240301:489197e6') },
      { purl: inUrl('b', 'nodejs%3A20%3A8100020240301%3A489197e6') },
      { purl: inUrl('c', '(none)') },
      { purl: rpm('d'), ...beside(trivy, 'php:8.2:8100020240301:489197e6') },
      { purl: rpm('e'), ...beside('syft:metadata:modularityLabel', 'ruby:3.1:8100020240301:489197e6') },
      { purl: inUrl('f', 'perl:5.32:1:2'), ...beside(trivy, '(none)') },
      { purl: rpm('g') },
    ].map((one) => ({ type: 'library', name: 'x', ...one }));
    const packages = components.map(({ purl }) => ({
      ...{ name: 'x', SPDXID: 'SPDXRef-x' },
      externalRefs: [{ referenceType: 'purl', referenceLocator: purl }],
    }));
    const streams = async (document: object) =>
      Object.fromEntries(
        (await scan('modules', JSON.stringify(document))).installed.map(({ software: { name, module } }) => [
          name,
          module,
        ]),
      );
    const found = { a: 'nodejs:18', b: 'nodejs:20', c: null, f: 'perl:5.32', g: null };

    expect(await streams({ bomFormat: 'CycloneDX', components })).toEqual({ ...found, d: 'php:8.2', e: 'ruby:3.1' });
    expect(await streams({ spdxVersion: 'SPDX-2.3', packages })).toEqual({ ...found, d: null, e: null });
  });

  it('keeps what could not be looked up, with the reason', async () => {
    const { unread } = await scan(
      'unread',
      JSON.stringify({
        ...SYFT,
        components: [
          ...SYFT.components,
          { type: 'library', name: 'no url', version: '1' },
          { type: 'library', name: 'broken', purl: 'pkg:' },
          { type: 'library', name: 'strange', purl: 'pkg:swift/github.com/a/b@1' },
          { type: 'library', name: 'no version', purl: 'pkg:npm/left-pad' },
          { type: 'library', name: 'long', purl: `pkg:npm/${'a'.repeat(5000)}@1` },
        ],
      }),
    );

    expect(unread).toEqual([
      { name: 'no url 1', reason: 'it has no package URL' },
      { name: 'broken', reason: 'its package URL is none' },
      { name: 'strange', reason: 'no feed here knows packages of the type swift' },
      { name: 'no version', reason: 'it has no version' },
      { name: 'long', reason: 'it is longer than 1000 characters' },
    ]);
  });

  it('without its release is refused, and taken with one', async () => {
    const text = JSON.stringify(SYFT).replaceAll('&distro=debian-12', '');

    expect(await refusal(scan('no-os', text))).toMatch(
      /SCAN_INVALID: .* has 2 packages of a distribution.*next: .*--os-release/,
    );
    expect(rows(await scan('no-os', text, osDebian))[0]).toEqual(['Debian:12', 'glibc', '2.36-9+deb12u1', 'libc6']);
  });

  it('of a distribution that nobody knows keeps its name: its packages are not taken for another’s', async () => {
    const text = JSON.stringify(SYFT)
      .replaceAll('pkg:deb/debian/', 'pkg:deb/raspbian/')
      .replaceAll('debian-12', 'raspbian-12');

    expect(rows(await scan('strange', text))[0]?.[0]).toBe('deb:raspbian:12');
  });

  it('nested deeper than any stack, it is read or refused, and ends', async () => {
    let text = '{"type":"library","name":"x","purl":"pkg:npm/x@1"}';
    for (let depth = 0; depth < 2000; depth += 1) text = `{"type":"library","name":"x","components":[${text}]}`;

    expect(await scan('deep', `{"bomFormat":"CycloneDX","components":[${text}]}`)).toMatchObject({ packages: 1 });
  });

  it('of a system called like what every object has, it is of one that nobody knows', async () => {
    const system = '{"type":"operating-system","name":"constructor","version":"12"}';
    const components = `[${system},{"type":"library","name":"x","purl":"pkg:npm/x@1"}]`;

    expect(await scan('odd', `{"bomFormat":"CycloneDX","components":${components}}`)).toMatchObject({
      ...{ packages: 1, os: { id: 'constructor', version: '12' } },
    });
  });

  it('with too many components is refused', async () => {
    const many = `[${Array.from({ length: 100_001 }, () => '{}').join(',')}]`;

    expect(await refusal(scan('many', `{"bomFormat":"CycloneDX","components":${many}}`))).toContain(
      'more than 100000 components',
    );
  });
});
