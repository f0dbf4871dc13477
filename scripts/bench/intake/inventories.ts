// Full inventories as hosts send them: sixteen sections, 770 packages, about 18 KB compressed, no two hosts alike.
import { zstdCompressSync } from 'node:zlib';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Section, SectionName } from '@selvage/shared/model/inventory.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import type { DurableBody } from '@selvage/shared/wire/wire.ts';
import { OS_SECTION, pendingSample } from '../../../collector/api/testing/inventories.ts';

const PACKAGES = 770;
const PENDING = 60;
const AT = '2026-03-01T12:00:00Z' as Timestamp;

/** The durable messages of one host, in order: every section, then the report. */
export function inventoryOf(host: number): readonly DurableBody[] {
  const sections = Object.entries(sectionsOf(host)).map(([name, data]) => {
    const json = canonicalJson(data);

    return { type: 'section' as const, name, sha256: sha256(json), zstdJson: new Uint8Array(zstdCompressSync(json)) };
  });
  const states = sections.map(({ name, sha256 }) => ({ name, sha256, code: '', reason: '' }));

  return [...sections, { type: 'report', takenAt: AT, sections: states }];
}

function sectionsOf(host: number): { readonly [N in SectionName]: Section<N> } {
  const random = seededRandom(host);
  const version = () => `${Math.floor(random.float() * 9)}.${Math.floor(random.float() * 99)}-1~deb12u2`;
  const packages = Array.from({ length: PACKAGES }, (_, index) => ({
    provider: 'apt' as const,
    name: `lib${(index * 7919).toString(36)}-common${index % 9}`,
    version: version(),
    arch: index % 4 === 0 ? 'all' : 'amd64',
    source: `lib${(index * 7919).toString(36)}`,
    sourceVersion: version(),
    state: 'installed',
    held: false,
    installedAt: `2026-02-${String(1 + (index % 28)).padStart(2, '0')}T10:00:00Z`,
  }));
  const text = (what: string) => `${what}-${host}`;

  return {
    os: { ...OS_SECTION, hostname: text('host') },
    kernel: { running: '6.1.0-30-amd64', runningVersion: text('#1'), installed: [], newest: null },
    hardware: {
      vendor: text('vendor'),
      model: 'model',
      serial: text('serial'),
      virtual: true,
      cpu: { model: 'cpu', cores: 2 },
      memoryBytes: 4e9,
      disks: [],
    },
    network: { addresses: [{ interface: 'eth0', address: `10.0.${host >> 8}.${host & 255}`, prefix: 16, mac: '' }] },
    listeners: [{ protocol: 'tcp', address: '0.0.0.0', port: 22, pid: host + 1, program: 'sshd', package: null }],
    services: [{ name: text('ssh.service'), state: 'running', package: 'openssh-server' }],
    users: [{ name: text('ann'), uid: 1000, shell: '/bin/bash', home: '/home/ann' }],
    packages,
    repositories: [],
    updates: {
      known: true,
      asOf: AT,
      pending: packages
        .slice(0, PENDING)
        .map(({ name, version }) => pendingSample({ name, source: name, installed: version, candidate: '9.99-1' })),
    },
    updaters: [
      {
        name: text('unattended-upgrades'),
        kind: 'timer',
        installs: true,
        enabled: true,
        nextRun: null,
        detail: '',
        units: [],
      },
    ],
    languagePackages: [{ ecosystem: 'npm', name: text('left-pad'), version: '1.0.0', path: '/srv' }],
    containers: [{ engine: 'docker', id: text('id'), image: 'nginx', state: 'running' }],
    changes: { complete: true, problems: [], told: [] },
    updateinfo: { asOf: null, complete: true, problems: [], notices: [] },
    reboot: { required: true, reasons: [text('kernel')] },
    staleProcesses: { complete: true, unreadable: host, processes: [] },
    agent: { version: '0.1.0', mode: 'observe', labels: { tier: [text('web')] }, components: [] },
  };
}
