// What a simulated host reports: enough to be listed and selected by. Every section that is not made up says so.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { type Inventory, SECTION_NAMES, type Section, type SectionName } from '@selvage/shared/model/inventory.ts';

export interface Described {
  readonly name: string;
  readonly machineId: string;
  readonly mode: Section<'agent'>['mode'];
  readonly labels?: Section<'agent'>['labels'];
}

const PACKAGES = ['libc6', 'libssl3', 'openssh-server'] as const;

export function inventoryOf(host: Described, now: Temporal.Instant): Inventory {
  const missing = { ok: false, code: 'NOT_BUILT', reason: 'this host is simulated' } as const;
  const untaken = Object.fromEntries(SECTION_NAMES.map((section) => [section, missing]));
  const taken = Object.fromEntries(Object.entries(sectionsOf(host)).map(([name, data]) => [name, { ok: true, data }]));

  return {
    takenAt: now.round('second').toString() as Timestamp,
    sections: { ...untaken, ...taken } as unknown as Inventory['sections'],
  };
}

function sectionsOf({ name, machineId, mode, labels = {} }: Described): {
  readonly [N in SectionName & ('os' | 'packages' | 'reboot' | 'agent')]: Section<N>;
} {
  return {
    os: {
      ...{
        id: 'debian',
        version: '12',
        codename: 'bookworm',
        prettyName: 'Debian GNU/Linux 12 (bookworm)',
        idLike: [],
      },
      ...{ hostname: name, machineId, arch: 'amd64', timezone: 'Etc/UTC', bootedAt: '2026-01-01T00:00:00Z' },
      endOfLife: null,
    },
    packages: PACKAGES.map((source) => ({
      ...{ provider: 'apt', name: source, version: '1.0-1', arch: 'amd64', source, sourceVersion: '1.0-1' },
      ...{ state: 'installed', held: false, installedAt: null },
    })),
    reboot: { required: false, reasons: [] },
    agent: { version: '0.1.0', mode, labels, components: [] },
  };
}
