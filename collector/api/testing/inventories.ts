// Puts inventories of hosts into a store, section by section. For tests only.
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Section, SectionName } from '@selvage/shared/model/inventory.ts';
import type { PendingUpdate } from '@selvage/shared/model/package.ts';
import type { Store } from '../../store/ports.ts';
import { packed } from '../../store/samples.ts';

export type Sections = { readonly [N in SectionName]?: Section<N> };

export const OS_SECTION: Section<'os'> = {
  id: 'debian',
  version: '12',
  codename: 'bookworm',
  prettyName: 'Debian GNU/Linux 12 (bookworm)',
  idLike: [],
  hostname: 'web-1.example.org',
  machineId: 'machine',
  arch: 'x86_64',
  timezone: 'Europe/Berlin',
  bootedAt: '2026-11-01T00:00:00Z',
  endOfLife: null,
};

export function pendingSample(over: Partial<PendingUpdate> = {}): PendingUpdate {
  return {
    provider: 'apt',
    name: 'openssl',
    arch: 'amd64',
    source: 'openssl',
    installed: '3.0.19-1~deb12u2',
    candidate: '3.0.22-1~deb12u2',
    candidateSourceVersion: '3.0.22-1~deb12u2',
    repositories: ['http://security.debian.org bookworm-security main'],
    security: true,
    held: false,
    phased: null,
    downloadBytes: 1000,
    ...over,
  };
}

export async function putInventory(store: Store, host: HostId, at: string, sections: Sections): Promise<void> {
  const named = Object.entries(sections).map(([name, data]) => ({ name: name as SectionName, ...packed(data) }));
  await store.transaction(async (writers) => {
    for (const { name, sha256, zstdJson } of named) await writers.inventory.putSection(host, name, sha256, zstdJson);
    await writers.inventory.putReport(
      host,
      at as Timestamp,
      named.map(({ name, sha256 }) => ({ name, sha256, problem: null })),
    );
  });
}
