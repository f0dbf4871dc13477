// A store with feeds, hosts and an imported machine in which one real CVE (Apache, CVE-2024-38475: in KEV, called "none" by an older
// record) meets different circumstances. For tests only.
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import { debs, rule } from '../../findings/testing/findings-lab.ts';
import { putFeed } from '../../findings/testing/put-feed.ts';
import type { Store } from '../../store/ports.ts';
import { hostId, hostSample } from '../../store/samples.ts';
import type { CveFactsPart } from '../../triage/cve-facts.ts';
import { scoreOf } from '../../triage/cvss.ts';
import { OS_SECTION, pendingSample, putInventory, type Sections } from './inventories.ts';

export const APACHE = 'CVE-2024-38475';
export const OLD = '2.4.57-2';
export const NEW = '2.4.61-1~deb12u1';
const FEED_AT = '2026-11-24T02:10:00Z' as Timestamp;

export async function putFacts(
  store: Store,
  feed: string,
  facts: Readonly<Record<string, CveFactsPart>>,
  at = FEED_AT,
): Promise<void> {
  const rows = Object.entries(facts).map(([cve, part]) => [cve, JSON.stringify(part)]);
  await store.transaction(async ({ feeds }) => {
    const to = await feeds.begin(feed, at);
    await feeds.put(to, { kind: 'facts', json: JSON.stringify(rows) });
    await feeds.seal(to, []);
    await feeds.makeCurrent(feed, to, {
      ...{ asOf: at, importedAt: at, records: rows.length, skipped: 0, sha256: sha256(JSON.stringify(rows)) },
      ...{ format: 1, etag: null, lastModified: null },
    });
  });
}

function vector(text: string, source: string) {
  const score = scoreOf(text, source);

  return score === null ? [] : [score];
}

/** Two feeds of rules would be one too many to read: Debian's, KEV, EPSS, and CISA's words. */
export async function putSampleFeeds(store: Store, { kev = true } = {}): Promise<void> {
  await putFeed(
    store,
    'osv-debian',
    [
      rule(APACHE, 'apache2', NEW),
      rule('CVE-2026-0100', 'apache2', null),
      rule('CVE-2026-0200', 'openssl', '3.0.22-1~deb12u2'),
      rule('CVE-2023-0001', 'openssl', '3.0.8-1'),
      rule('CVE-2026-0300', 'vim', null, { status: 'minor' }),
      rule('CVE-2020-9999', 'vim', null, { status: 'not-affected' }),
    ],
    FEED_AT,
  );
  if (kev) {
    await putFacts(store, 'kev', {
      [APACHE]: { kev: { dateAdded: '2025-05-01', dueDate: '2025-05-22', ransomware: false } },
    });
  }
  await putFacts(store, 'epss', {
    [APACHE]: { epss: { score: 0.999_6, percentile: 0.999_8, asOf: '2026-08-16' } },
    'CVE-2026-0200': { epss: { score: 0.05, percentile: 0.9, asOf: '2026-08-16' } },
  });
  await putFacts(store, 'cve-records', {
    [APACHE]: {
      title: 'Apache HTTP Server weakness in mod_rewrite',
      ssvc: {
        ...{ exploitation: 'none', automatable: true, technicalImpact: 'total' },
        at: '2024-07-10T00:00:00Z' as Timestamp,
      },
      cvss: vector('CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N', 'CISA-ADP'),
      cwe: ['CWE-116'],
    },
    // Published before the feeds were made: whoever asks years later gets the same answer.
    'CVE-2026-0200': {
      published: '2026-11-01T00:00:00Z' as Timestamp,
      cvss: vector('CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H', 'cna'),
    },
  });
}

const agent = (over: Partial<Section<'agent'>> = {}): Section<'agent'> => ({
  ...{ version: '0.1.0', mode: 'managed', labels: {}, components: [] },
  ...over,
});
const APACHE_LISTENS: Section<'listeners'> = [
  { protocol: 'tcp', address: '0.0.0.0', port: 443, pid: 812, program: '/usr/sbin/apache2', package: 'apache2' },
  { protocol: 'tcp', address: '::', port: 80, pid: 812, program: '/usr/sbin/apache2', package: 'apache2' },
];
const UPDATE = pendingSample({
  ...{ name: 'apache2', source: 'apache2', installed: OLD, candidate: NEW, candidateSourceVersion: NEW },
});
const updates = (...pending: readonly Partial<typeof UPDATE>[]): Section<'updates'> => ({
  ...{ known: true, asOf: FEED_AT },
  pending: pending.map((one) => ({ ...UPDATE, ...one })),
});

/** web-old: open to the world. db: patched, isolated. lap: behind nothing. unknown: its packages are not known. */
const SAMPLE_HOSTS: readonly { readonly name: string; readonly sections: Sections | null }[] = [
  {
    name: 'web-old',
    sections: {
      os: OS_SECTION,
      packages: debs({ apache2: OLD, 'apache2-bin apache2': OLD, openssl: '3.0.19-1~deb12u2', vim: '2:9.0.1378-2' }),
      listeners: APACHE_LISTENS,
      staleProcesses: { complete: true, unreadable: 0, processes: [] },
      agent: agent({ labels: { criticality: ['internal'] } }),
      updates: updates({}, { name: 'apache2-bin' }),
    },
  },
  {
    name: 'db',
    sections: {
      os: OS_SECTION,
      packages: debs({ apache2: NEW, openssl: '3.0.19-1~deb12u2' }),
      listeners: [],
      staleProcesses: { complete: true, unreadable: 0, processes: [] },
      agent: agent({ labels: { criticality: ['critical'], tier: ['db'] } }),
      updates: updates(),
    },
  },
  {
    name: 'lap',
    sections: {
      os: OS_SECTION,
      packages: debs({ vim: '2:9.0.1378-2' }),
      agent: agent({ mode: 'observe' }),
      updates: updates(),
    },
  },
  { name: 'unknown', sections: { os: OS_SECTION } },
];

export async function putSampleHosts(store: Store, at: Timestamp): Promise<void> {
  for (const [index, { name, sections }] of SAMPLE_HOSTS.entries()) {
    const record = hostSample(index + 1, { name, lastSeen: at, acceptedAt: at });
    await store.transaction(({ hosts }) => hosts.add(record));
    if (sections) await putInventory(store, hostId(index + 1), at, sections);
  }
}
