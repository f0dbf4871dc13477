// The copies of feeds that the product ships: whole, small, read by the ordinary feeds; and how the Ubuntu tracker becomes OSV.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FEEDS } from '../../collector/feeds/list.ts';
import { readAll, sourceOf } from '../../collector/feeds/testing/reading.ts';
import { joined, type OsvRecord, reducedOsv } from './osv.ts';
import { ubuntuOsv } from './ubuntu.ts';

const FOLDER = join(import.meta.dirname, '../../collector/feeds/snapshot');
const MAX_TOTAL_BYTES = 3_000_000;
const AS_OF = '2024-08-09T00:00:00Z';

interface Part {
  readonly feed: string;
  readonly file: string;
  readonly asOf: string;
  readonly source: string;
  readonly licence: string;
  readonly records: number;
  readonly bytes: number;
  readonly sha256: string;
}
const { feeds }: { feeds: readonly Part[] } = JSON.parse(readFileSync(join(FOLDER, 'manifest.json'), 'utf8'));

describe('the shipped snapshot', () => {
  it('is what its manifest says, nothing else, and small', () => {
    const files = readdirSync(FOLDER).filter((name) => name.endsWith('.gz'));

    expect(files.toSorted()).toEqual(feeds.map(({ file }) => file).toSorted());
    for (const { file, bytes, sha256 } of feeds) {
      const content = readFileSync(join(FOLDER, file));
      expect([content.length, createHash('sha256').update(content).digest('hex')]).toEqual([bytes, sha256]);
    }
    expect(feeds.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(MAX_TOTAL_BYTES);
    expect(feeds.filter(({ source, licence, asOf }) => !source || !licence || Number.isNaN(Date.parse(asOf)))).toEqual(
      [],
    );
  });

  it.each(feeds)(
    '$file is read by the feed $feed, every record of it, with its date',
    async ({ feed, file, asOf, records }) => {
      const one = FEEDS.find(({ name }) => name === feed);
      if (one === undefined) throw new Error(`no feed is called ${feed}`);
      const text = gunzipSync(readFileSync(join(FOLDER, file)));
      const found = await readAll(one, sourceOf(file, text, 1 << 20));

      expect(found.problems).toEqual([]);
      const read = found.rules.length > 0 ? new Set(found.rules.map(({ record }) => record)).size : found.cves.size;
      // Records of CVEs that were rejected say nothing.
      expect(read + text.toString('utf8').split('"state":"REJECTED"').length - 1).toBe(records);
      // A list of CVE records has no date of its own: the manifest has.
      if (feed !== 'cve-records') expect(found.asOf?.slice(0, 10)).toBe(asOf.slice(0, 10));
      expect(one.recognises?.(text.subarray(0, 65_536).toString('utf8'), file) ?? true).toBe(true);
    },
  );

  it('has no prose: texts are ids, names, versions, dates, scores and titles', () => {
    for (const { file } of feeds.filter(({ feed }) => feed.startsWith('osv-'))) {
      const [line = ''] = gunzipSync(readFileSync(join(FOLDER, file)))
        .toString('utf8')
        .split('\n');
      expect(Object.keys(JSON.parse(line)).filter((key) => ['details', 'references', 'credits'].includes(key))).toEqual(
        [],
      );
    }
  });
});

describe('when an entry of the Ubuntu tracker is turned into OSV', () => {
  const entry = (packages: Parameters<typeof ubuntuOsv>[0]['packages']) =>
    ubuntuOsv(
      {
        ...{ candidate: 'CVE-2024-0001', priority: 'medium', public_date: '2024-01-02 03:04:05 UTC', packages },
        cvss: { nvd: ' CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H [7.5 HIGH]' },
      },
      AS_OF,
    );
  const of = (status: string, note?: string) => ({
    demo: { name: 'demo', status, ...(note === undefined ? {} : { note }) },
  });

  it('has the shape that Ubuntu publishes', () => {
    expect(
      entry({
        jammy: of('released', '1.0-1ubuntu0.1'),
        'esm-apps/noble': of('released', '2.0-1ubuntu0.1~esm1'),
        noble: of('needed'),
      }),
    ).toEqual({
      ...{
        id: 'UBUNTU-CVE-2024-0001',
        modified: AS_OF,
        published: '2024-01-02T03:04:05Z',
        upstream: ['CVE-2024-0001'],
      },
      severity: [
        { type: 'CVSS_V3', score: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H' },
        { type: 'Ubuntu', score: 'medium' },
      ],
      affected: [
        {
          package: { ecosystem: 'Ubuntu:22.04:LTS', name: 'demo' },
          ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '1.0-1ubuntu0.1' }] }],
        },
        {
          package: { ecosystem: 'Ubuntu:24.04:LTS', name: 'demo' },
          ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }] }],
        },
        {
          package: {
            ecosystem: 'Ubuntu:Pro:24.04:LTS',
            name: 'demo',
            purl: 'pkg:deb/ubuntu/demo?arch=source&distro=esm-apps/noble',
          },
          ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '2.0-1ubuntu0.1~esm1' }] }],
        },
      ],
    });
  });

  it.each([
    ['needs-triage', undefined, 'undetermined'],
    ['deferred', '2024-01-01', 'postponed'],
    ['ignored', 'not worth it', 'ignored'],
    ['ignored', 'end of kernel support, was needed', 'end-of-life'],
    ['ignored', 'superseded by linux-hwe-6.5', 'end-of-life'],
    ['pending', '1.0-2', undefined],
  ])('keeps the status %s (%s)', (status, note, word) => {
    expect(entry({ jammy: of(status, note) })?.affected.map((one) => one.database_specific?.status)).toEqual([word]);
  });

  it('says nothing of what is not affected, and of a fix without its version', () => {
    expect(entry({ jammy: of('not-affected', '1.0-1') })).toBeNull();
    expect(entry({ jammy: of('DNE') })).toBeNull();
    expect(entry({ jammy: of('released') })).toBeNull();
    expect(entry({ focal: of('needed') })).toBeNull();
  });

  it('leaves out what a pocket only repeats', () => {
    expect(entry({ jammy: of('needed'), 'esm-apps/jammy': of('needed') })?.affected).toHaveLength(1);
    expect(
      entry({ jammy: of('released', '1.0-2'), 'esm-apps/jammy': of('released', '1.0-1+esm1') })?.affected,
    ).toHaveLength(1);
    expect(entry({ 'esm-infra/jammy': of('needed') })?.affected).toHaveLength(1);
  });
});

describe('when an OSV record is reduced', () => {
  it('keeps its facts and leaves its prose', () => {
    const events: Readonly<Record<string, string>>[] = [{ introduced: '0' }, { fixed: '1.0-1' }];
    const affected = [
      {
        package: { ecosystem: 'Debian:12', name: 'demo', purl: 'pkg:deb/debian/demo' },
        ranges: [{ type: 'ECOSYSTEM', events }],
        ...{
          versions: ['0.9-1'],
          ecosystem_specific: { urgency: 'low', more: 1 },
          database_specific: { source: 'https://x' },
        },
      },
    ];
    const full = {
      id: 'DSA-1-1',
      modified: '2025-01-01T00:00:00Z',
      details: 'prose',
      related: ['CVE-2024-0001', 'RHSA-1'],
      affected,
    };

    expect(reducedOsv(full, AS_OF)).toEqual({
      ...{ id: 'DSA-1-1', modified: AS_OF, related: ['CVE-2024-0001'] },
      affected: [
        {
          package: { ecosystem: 'Debian:12', name: 'demo' },
          ranges: affected[0]?.ranges,
          ecosystem_specific: { urgency: 'low' },
        },
      ],
    });
  });

  it('joins two of one id', () => {
    const one = (name: string, related: string[]): OsvRecord => ({
      ...{ id: 'ALSA-1', modified: AS_OF, related },
      affected: [{ package: { ecosystem: 'AlmaLinux:9', name } }],
    });

    expect(joined(undefined, one('a', []))).toEqual(one('a', []));
    expect(joined(one('a', ['CVE-2024-0001']), one('b', ['CVE-2024-0001', 'CVE-2024-0002']))).toMatchObject({
      ...{ related: ['CVE-2024-0001', 'CVE-2024-0002'] },
      affected: [{ package: { name: 'a' } }, { package: { name: 'b' } }],
    });
  });
});
