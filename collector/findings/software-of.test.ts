// From inventories to software: which names and versions advisories speak of, which kernel runs, and what is left out.
import { releasesOf } from '@selvage/shared/linux/kernel-release.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import { parseRpmList } from '@selvage/shared/packages/rpm-list.ts';
import { describe, expect, it } from 'vitest';
import { inTurns } from '../api/in-turns.ts';
import { OS_SECTION, pendingSample } from '../api/testing/inventories.ts';
import { factsOf } from './facts-of.ts';
import { type SoftwareSections, softwareSteps } from './software-of.ts';
import { debs } from './testing/findings-lab.ts';

const NOTHING = { kernel: null, languagePackages: null, agent: null };
const of = async (sections: Partial<SoftwareSections>) =>
  (await inTurns(softwareSteps({ os: OS_SECTION, packages: [], ...NOTHING, ...sections })))
    .map(({ software: { ecosystem, name, version, kernel }, binaries }) =>
      [ecosystem, name, version, kernel ?? '-', binaries.map(([binary]) => binary).join('+')].join(' '),
    )
    .sort();
const rpm = (name: string, version: string, source = name): InstalledPackage => ({
  ...{ provider: 'dnf', name, version, arch: 'x86_64', source, sourceVersion: version, state: 'installed' },
  ...{ held: false, installedAt: null },
});
const ROCKY = { ...OS_SECTION, id: 'rocky', version: '9.4' };
const kernel = (over: Partial<Section<'kernel'>>): Section<'kernel'> => ({
  running: '6.1.0-28-amd64',
  runningVersion: '#1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 (2024-11-22)',
  installed: [{ release: '6.1.0-28-amd64', package: 'linux-image-6.1.0-28-amd64', version: '6.1.119-1' }],
  newest: '6.1.0-28-amd64',
  ...over,
});

describe('when packages become software', () => {
  it("Debian's are known by source and its version, the binaries kept beside", async () => {
    const packages = debs({
      'libssl3 openssl 3.0.15-1~deb12u1': '3.0.15-1~deb12u1',
      'openssl openssl 3.0.15-1~deb12u1': '3.0.15-1~deb12u1',
      // A rebuild: the source has no +b1.
      'bash bash 5.2.15-2': '5.2.15-2+b7',
      'gcc gcc-defaults 1.203': '4:12.2.0-3',
    });
    expect(await of({ packages })).toEqual([
      'Debian:12 bash 5.2.15-2 - bash',
      'Debian:12 gcc-defaults 1.203 - gcc',
      'Debian:12 openssl 3.0.15-1~deb12u1 - libssl3+openssl',
    ]);
  });

  it('rpm packages by their own names with the epoch', async () => {
    const packages = [rpm('openssl-libs', '1:3.0.7-27.el9', 'openssl'), rpm('bash', '5.1.8-9.el9')];
    expect(await of({ os: ROCKY, packages })).toEqual([
      'Rocky:9 bash 5.1.8-9.el9 - bash',
      'Rocky:9 openssl-libs 1:3.0.7-27.el9 - openssl-libs',
    ]);
  });

  it('a distribution that no advisory speaks of has a name of its own, by which versions still compare', async () => {
    const os = { ...OS_SECTION, id: 'raspbian' };
    expect(await of({ os, packages: debs({ bash: '1' }) })).toEqual(['deb:raspbian:12 bash 1 - bash']);
  });

  it("whose build it is stays with it: EPEL's are Fedora's on Rocky, and on Fedora they are the distribution's", async () => {
    const lines = (vendors: readonly string[]) =>
      parseRpmList(
        vendors.map((vendor, at) => `p${at}\t(none)\t1\t1.el9\tx86_64\t(none)\t1700000000\t${vendor}\n`).join(''),
        { file: 'list', provider: 'dnf' },
      );
    const builds = async (id: string) => {
      const packages = [...lines(['Rocky Enterprise Software Foundation', 'Fedora Project', 'Docker', '(none)'])];
      const os = { ...OS_SECTION, id, version: '9' };

      return (await inTurns(softwareSteps({ os, packages, ...NOTHING }))).map(({ software }) => software.origin);
    };
    expect(await builds('rocky')).toEqual([null, 'Fedora Project', 'Docker', null]);
    expect(await builds('fedora')).toEqual([null, null, 'Docker', null]);
  });

  it('of which stream of a module it is stays with it, whatever build of that stream', async () => {
    const labels = ['nodejs:18:9030020240301:rhel9', 'nodejs:18:9040020240902:rhel9', '(none)', 'nodejs', ''];
    const packages = [
      ...labels.map((module) => ({ ...rpm('nodejs', '1:18.1-1.el9'), module })),
      rpm('bash', '1-1.el9'),
    ];
    const found = await inTurns(softwareSteps({ os: ROCKY, packages, ...NOTHING }));

    expect(found.map(({ software }) => [software.name, software.module])).toEqual([
      ['nodejs', 'nodejs:18'],
      ['nodejs', null],
      ['bash', null],
    ]);
  });

  it('what is only configuration does not count; what is half there does', async () => {
    const states = ['installed', 'config-files', 'not-installed', 'half-installed', 'unpacked', 'triggers-pending'];
    const packages = states.map((state) => ({ ...(debs({ [state]: '1' })[0] as InstalledPackage), state }));
    expect((await of({ packages })).map((line) => line.split(' ')[1])).toEqual([
      'half-installed',
      'installed',
      'triggers-pending',
      'unpacked',
    ]);
  });

  it('language packages are known by the names of their registries, parts of the agent by their package URLs', async () => {
    const languagePackages = [
      { ecosystem: 'npm', name: '@babel/core', version: '7.0.0', path: '/x' },
      { ecosystem: 'pypi', name: 'Ruamel.YAML_clib', version: '0.2', path: '/y' },
    ];
    const agent: Section<'agent'> = {
      ...{ version: '0.2.0', mode: 'managed', labels: {} },
      components: [
        { name: 'node', version: '26.0.0', purl: 'pkg:generic/node@26.0.0' },
        { name: 'npm:@x/y', version: '1.0.0', purl: 'pkg:npm/%40x/y@1.0.0' },
        // Of an agent of an earlier release.
        { name: 'npm:ws', version: '8.0.0' },
        { name: 'openssl', version: '3.5.0' },
        { name: 'odd', version: '1', purl: 'pkg:npm/%zz@1' },
      ],
    };
    expect(await of({ languagePackages, agent })).toEqual([
      'PyPI ruamel-yaml-clib 0.2 - ruamel-yaml-clib',
      'generic node 26.0.0 - node',
      'generic openssl 3.5.0 - openssl',
      'npm %zz 1 - %zz',
      'npm @babel/core 7.0.0 - @babel/core',
      'npm @x/y 1.0.0 - @x/y',
      'npm ws 8.0.0 - ws',
    ]);
  });

  it('registries that no list knows keep their names, also those of what every object has', async () => {
    const languagePackages = ['constructor', '__proto__', 'toString'].map((ecosystem) => ({
      ...{ ecosystem, name: 'x', version: '1', path: '/x' },
    }));
    const agent: Section<'agent'> = {
      ...{ version: '0.2.0', mode: 'managed', labels: {} },
      components: [
        { name: 'x', version: '1', purl: 'pkg:valueof/y@1' },
        { name: 'x', version: '1', purl: 'pkg:constructor/y@1' },
      ],
    };
    expect(await of({ languagePackages, agent })).toEqual([
      '__proto__ x 1 - x',
      'constructor x 1 - x',
      'constructor y 1 - y',
      'toString x 1 - x',
      'valueof y 1 - y',
    ]);
  });

  it('tens of thousands of packages with odd names are worked out once each', async () => {
    const packages = Array.from({ length: 30_000 }, (_, index) => ({
      ...(debs({ x: '1' })[0] as InstalledPackage),
      ...{ name: `__proto__${index % 15_000}`, source: `constructor${index % 15_000}` },
    }));
    expect(await of({ packages })).toHaveLength(15_000);
  });
});

describe('when kernels are among them', () => {
  const signed = (release: string, version: string) => ({
    [`linux-image-${release} linux-signed-amd64 ${version.replace('-', '+')}`]: version,
  });

  it('the one that runs is told from those that lie there, and headers are no kernel', async () => {
    const packages = debs({
      ...signed('6.1.0-28-amd64', '6.1.119-1'),
      ...signed('6.1.0-26-amd64', '6.1.112-1'),
      'linux-libc-dev linux 6.1.119-1': '6.1.119-1',
    });
    expect(await of({ packages, kernel: kernel({}) })).toEqual([
      'Debian:12 linux 6.1.112-1 installed linux-image-6.1.0-26-amd64',
      'Debian:12 linux 6.1.119-1 - linux-libc-dev',
      'Debian:12 linux 6.1.119-1 running linux-image-6.1.0-28-amd64',
    ]);
  });

  it("Debian's that was replaced under the same release lies there, and the one that was started runs", async () => {
    const packages = debs(signed('6.1.0-28-amd64', '6.1.124-1'));
    const installed = [{ release: '6.1.0-28-amd64', package: 'linux-image-6.1.0-28-amd64', version: '6.1.124-1' }];
    expect(await of({ packages, kernel: kernel({ installed }) })).toEqual([
      'Debian:12 linux 6.1.119-1 running ',
      'Debian:12 linux 6.1.124-1 installed linux-image-6.1.0-28-amd64',
    ]);
  });

  it('one that runs and is not installed any more is known by its own word', async () => {
    const ubuntu = { ...OS_SECTION, id: 'ubuntu', version: '22.04' };
    const image = { 'linux-image-5.15.0-101-generic linux-signed 5.15.0-101.111': '5.15.0-101.111' };
    const installed = [
      { release: '5.15.0-101-generic', package: 'linux-image-5.15.0-101-generic', version: '5.15.0-101.111' },
    ];
    const running = { running: '5.15.0-91-generic', runningVersion: '#101-Ubuntu SMP Tue Nov 14', installed };
    expect(await of({ os: ubuntu, packages: debs(image), kernel: kernel(running) })).toEqual([
      'Ubuntu:22.04 linux 5.15.0-101.111 installed linux-image-5.15.0-101-generic',
      'Ubuntu:22.04 linux 5.15.0-91.101 running ',
    ]);
  });

  it.each([
    ['ubuntu', '6.8.0-40-generic', '#40~22.04.3-Ubuntu SMP', 'linux-hwe-6.8 6.8.0-40.40~22.04.3'],
    ['ubuntu', '5.15.0-1051-aws', '#56-Ubuntu SMP', 'linux-aws 5.15.0-1051.56'],
    ['ubuntu', '6.8.0-1018-azure', '#21~22.04.1-Ubuntu SMP', 'linux-azure-6.8 6.8.0-1018.21~22.04.1'],
    ['ubuntu', '6.8.0-1018-aws-64k', '#20-Ubuntu SMP', 'linux-aws 6.8.0-1018.20'],
    ['ubuntu', '6.8.0-40-lowlatency', '#40.1~22.04-Ubuntu SMP', null],
    ['ubuntu', '6.8.0-mine', '#1 SMP', null],
    ['rocky', '5.14.0-427.13.1.el9_4.x86_64+rt', '#1 SMP', 'kernel 5.14.0-427.13.1.el9_4'],
    ['rocky', '5.15.0-205.149.5.1.el9uek.x86_64', '#2 SMP', 'kernel-uek 5.15.0-205.149.5.1.el9uek'],
  ])('what runs on %s is known by its own word: %s, %s', async (id, running, runningVersion, expected) => {
    const installed = [{ release: 'another', package: 'another', version: '1' }];
    const found = await of({ os: { ...OS_SECTION, id }, kernel: kernel({ running, runningVersion, installed }) });
    expect(found.map((line) => line.split(' ').slice(1, 3).join(' '))).toEqual(expected === null ? [] : [expected]);
  });

  it("a container has its host's, which is none of its packages", async () => {
    const nothing = kernel({ installed: [], newest: null });
    expect(await of({ packages: debs({ bash: '1' }), kernel: nothing })).toEqual(['Debian:12 bash 1 - bash']);
  });

  it("Red Hat's are several packages of one version", async () => {
    const packages = ['5.14.0-427.13.1.el9_4', '5.14.0-362.8.1.el9_3'].flatMap((version) =>
      ['kernel', 'kernel-core', 'kernel-modules', 'kernel-headers'].map((name) => rpm(name, version, 'kernel')),
    );
    const running = '5.14.0-427.13.1.el9_4.x86_64';
    const installed = [{ release: running, package: 'kernel-core', version: '5.14.0-427.13.1.el9_4' }];
    const found = await of({
      os: ROCKY,
      packages,
      kernel: kernel({ running, runningVersion: '#1 SMP', installed, newest: running }),
    });
    expect(found.map((line) => line.split(' ').slice(1, 4).join(' '))).toEqual([
      'kernel 5.14.0-362.8.1.el9_3 installed',
      'kernel 5.14.0-427.13.1.el9_4 running',
      'kernel-core 5.14.0-362.8.1.el9_3 installed',
      'kernel-core 5.14.0-427.13.1.el9_4 running',
      'kernel-headers 5.14.0-362.8.1.el9_3 -',
      'kernel-headers 5.14.0-427.13.1.el9_4 -',
      'kernel-modules 5.14.0-362.8.1.el9_3 installed',
      'kernel-modules 5.14.0-427.13.1.el9_4 running',
    ]);
  });

  it.each([
    ['5.14.0-427.13.1.el9_4', '5.14.0-427.13.1.el9_4.x86_64+rt', 'rt'],
    ['5.14.0-427.13.1.el9_4', '5.14.0-427.13.1.el9_4.x86_64+64k', '64k'],
    ['5.14.0-427.13.1.el9_4', '5.14.0-427.13.1.el9_4.x86_64+rt-debug', 'rt-debug'],
    ['4.18.0-553.rt7.342.el8_10', '4.18.0-553.rt7.342.el8_10.x86_64', 'rt'],
    ['5.15.0-205.149.5.1.el9uek', '5.15.0-205.149.5.1.el9uek.x86_64', 'uek'],
  ])("Red Hat's other builds run where they run: %s as %s", async (version, running, build) => {
    const names = [`kernel-${build}-core`, `kernel-${build}-modules`, 'kernel-core'];
    const packages = names.map((name) => rpm(name, version, 'kernel'));
    const installed = packages.flatMap((one) =>
      releasesOf(one).flatMap((release) => (release === running ? [{ release, package: one.name, version }] : [])),
    );
    expect(installed[0]?.package).toBe(`kernel-${build}-core`);
    const section = kernel({ running, runningVersion: '#1 SMP', installed, newest: running });
    const found = await of({ os: ROCKY, packages, kernel: section });
    const standing = new Map(found.map((line) => line.split(' ')).map(([, name, , is]) => [name, is]));
    expect([...names.slice(0, 2)].map((name) => standing.get(name))).toEqual(['running', 'running']);
    // The plain build of the same version does not run where another does.
    if (running.includes('+')) expect(standing.get('kernel-core')).toBe('installed');
  });

  it("SUSE's real-time kernel has the release of its flavour", () => {
    const packages: InstalledPackage = { ...rpm('kernel-rt', '5.14.21-150500.13.5.1'), provider: 'zypper' };
    expect(releasesOf(packages)).toContain('5.14.21-150500.13.5-rt');
  });

  it('where nobody could ask, every one may run', async () => {
    expect(await of({ packages: debs(signed('6.1.0-28-amd64', '6.1.119-1')) })).toEqual([
      'Debian:12 linux 6.1.119-1 running linux-image-6.1.0-28-amd64',
    ]);
  });
});

describe('when the rest of an inventory becomes facts', () => {
  const at = '2026-03-01T00:00:00Z' as never;
  const packages = debs({ 'libssl3 openssl': '3', 'nginx-core nginx': '1', 'zlib1g zlib': '1' });

  it('offers are told by source, signed kernels by the source that is advised', () => {
    const pending = [
      pendingSample({ name: 'libssl3' }),
      pendingSample({ name: 'openssl', security: false, held: true }),
      pendingSample({
        ...{ name: 'linux-image-amd64', source: 'linux-signed-amd64', candidateSourceVersion: '6.1.124+1' },
        security: false,
      }),
    ];
    const { offers } = factsOf({ os: OS_SECTION, packages, updates: { known: true, asOf: at, pending } }, at);
    expect(offers).toEqual([
      { provider: 'apt', source: 'openssl', version: '3.0.22-1~deb12u2', security: true, held: true },
      { provider: 'apt', source: 'linux', version: '6.1.124-1', security: false, held: false },
    ]);
    const unknown = {
      known: false as const,
      asOf: null,
      reasons: [{ repository: null, code: 'PARSE' as const, reason: 'x' }],
    };
    expect(factsOf({ os: OS_SECTION, packages, updates: unknown }, at).offers).toBeNull();
  });

  it('a process that maps replaced files of several packages runs each of them; who could not be looked into is counted', () => {
    const one = { pid: 5, program: 'nginx', files: ['/usr/lib/libssl.so.3'], service: 'nginx.service' };
    const staleProcesses = {
      ...{ complete: false, unreadable: 3 },
      processes: [
        { ...one, package: 'libssl3', packages: ['libssl3', 'zlib1g'] },
        // Of an agent of before, and of a file that no package owns.
        { ...one, pid: 6, package: 'nginx-core' },
        { ...one, pid: 7, package: null },
      ],
    };
    const facts = factsOf({ os: OS_SECTION, packages, staleProcesses }, at);
    expect(facts.stillRunning?.map(({ source, processes }) => `${source} ${processes.map(({ pid }) => pid)}`)).toEqual([
      'openssl 5',
      'zlib 5',
      'nginx 6',
      'unknown 7',
    ]);
    expect(facts.unseenProcesses).toBe(3);
    expect(factsOf({ os: OS_SECTION, packages }, at)).toMatchObject({ stillRunning: null, listening: null });
  });

  it('without packages or a system it says why it is unknown', () => {
    expect(factsOf({ reasons: { packages: 'dpkg is at work' } }, at).unknown).toBe(
      'its packages are not known: dpkg is at work',
    );
    expect(factsOf({ packages }, at).unknown).toContain('operating system is not known');
  });
});
