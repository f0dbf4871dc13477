// Things to scan, in the shapes that their tools write. For tests only.

interface DpkgRow {
  readonly binary: string;
  readonly version: string;
  readonly source?: string;
  readonly sourceVersion?: string;
}

export const OS_DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n';
export const OS_ALPINE = 'ID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME="Alpine Linux v3.19"\n';

export function dpkgStatus(rows: readonly DpkgRow[]): string {
  return rows
    .map(({ binary, version, source = binary, sourceVersion = version }) => {
      const from =
        source === binary && sourceVersion === version
          ? ''
          : `Source: ${source}${sourceVersion === version ? '' : ` (${sourceVersion})`}\n`;

      return `Package: ${binary}\nStatus: install ok installed\nArchitecture: amd64\n${from}Version: ${version}\n\n`;
    })
    .join('');
}

export const APK_INSTALLED = `C:Q1SjXKpf1R5P6NeFUY1ENd+YKUbAE=
P:musl
V:1.2.4_git20230717-r4
A:x86_64
o:musl
F:lib
R:libc.musl-x86_64.so.1

C:Q1abc
P:libcrypto3
V:3.1.4-r5
A:x86_64
o:openssl

C:Q1abd
P:libssl3
V:3.1.4-r5
A:x86_64
o:openssl

`;

/** As trivy writes it: sources in properties, the release in the URLs. */
export const TRIVY = {
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  metadata: { component: { type: 'container', name: 'image.tar' } },
  components: [
    { type: 'operating-system', name: 'debian', version: '12.1' },
    {
      type: 'library',
      name: 'libssl3',
      version: '3.0.9-1',
      purl: 'pkg:deb/debian/libssl3@3.0.9-1?arch=amd64&distro=debian-12.1',
      properties: [
        { name: 'aquasecurity:trivy:SrcName', value: 'openssl' },
        { name: 'aquasecurity:trivy:SrcVersion', value: '3.0.9' },
        { name: 'aquasecurity:trivy:SrcRelease', value: '1' },
      ],
    },
    {
      type: 'library',
      name: 'vim-common',
      version: '9.0.1378-2',
      purl: 'pkg:deb/debian/vim-common@9.0.1378-2?arch=all&epoch=2&distro=debian-12.1',
      properties: [
        { name: 'aquasecurity:trivy:SrcName', value: 'vim' },
        { name: 'aquasecurity:trivy:SrcVersion', value: '9.0.1378' },
        { name: 'aquasecurity:trivy:SrcRelease', value: '2' },
        { name: 'aquasecurity:trivy:SrcEpoch', value: '2' },
      ],
    },
    {
      type: 'application',
      name: 'app/package-lock.json',
      components: [{ type: 'library', name: 'lodash', version: '4.17.20', purl: 'pkg:npm/lodash@4.17.20' }],
    },
  ],
};

/** As syft writes it: sources in the URLs. */
export const SYFT = {
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  components: [
    {
      type: 'library',
      name: 'libc6',
      purl: 'pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12&upstream=glibc',
    },
    {
      type: 'library',
      name: 'libperl',
      purl: 'pkg:deb/debian/libperl5.36@5.36.0-7%2Bb1?arch=amd64&distro=debian-12&upstream=perl%405.36.0-7',
    },
    { type: 'library', name: 'requests', purl: 'pkg:pypi/Requests@2.31.0' },
    { type: 'library', name: 'node', purl: 'pkg:npm/%40angular/core@12.0.0' },
    { type: 'file', name: '/etc/passwd' },
  ],
};

export const SPDX_TAG_VALUE = `SPDXVersion: SPDX-2.2
DocumentName: image.tar.gz

##### Package: image.tar.gz

PackageName: image.tar.gz
SPDXID: SPDXRef-ContainerImage-dd5cad897c6263
PackageComment: <text>PackageName: not-a-package
ExternalRef: PACKAGE-MANAGER purl pkg:rpm/almalinux/not-there@1-1.el9?distro=almalinux-9.2
</text>

##### Package: almalinux

PackageName: almalinux
SPDXID: SPDXRef-OperatingSystem-2e91c856c499a371
PackageVersion: 9.2

##### Package: openssl-libs

PackageName: openssl-libs
SPDXID: SPDXRef-Package-e16b1cbaa5186199
PackageVersion: 3.0.7
PackageSourceInfo: built package from: openssl 1:3.0.7-16.el9_2
ExternalRef: PACKAGE-MANAGER purl pkg:rpm/almalinux/openssl-libs@3.0.7-16.el9_2?arch=x86_64&epoch=1&distro=almalinux-9.2
`;

export const SPDX_JSON = {
  spdxVersion: 'SPDX-2.3',
  SPDXID: 'SPDXRef-DOCUMENT',
  packages: [
    { name: 'image', SPDXID: 'SPDXRef-DocumentRoot-Image', primaryPackagePurpose: 'CONTAINER' },
    {
      name: 'zlib',
      SPDXID: 'SPDXRef-Package-1',
      versionInfo: '1.2.12-r1',
      externalRefs: [
        {
          referenceCategory: 'PACKAGE-MANAGER',
          referenceType: 'purl',
          referenceLocator: 'pkg:apk/alpine/zlib@1.2.12-r1?arch=x86_64&distro=3.19.1&origin=zlib',
        },
      ],
    },
  ],
};
