// The same host, the same Debian data: the pairs of binary package and CVE that debsecan prints, and ours.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { OSV_FEEDS } from '../../../collector/feeds/osv.ts';
import {
  difference,
  matched,
  type Row,
  type Rules,
  snapshotRules,
  software,
  table,
} from '../../../collector/matching/testing/data.ts';
import { counted, explainedDifferences } from '../../../collector/matching/testing/differences.ts';
import { debsecanFeed, dpkgStatus } from './feed.ts';

const debian = OSV_FEEDS.filter(({ name }) => name === 'osv-debian');
const packagesOf = (rows: readonly Row[]) =>
  rows.map(({ binary = '', version = '', source = '', source_version = '' }) => ({
    binary,
    version,
    source,
    sourceVersion: source_version,
  }));

needs(['debsecan'], 'debsecan on the same host', () => {
  let rules: Rules;
  let folder: string;
  beforeAll(async () => {
    rules = await snapshotRules(debian[0] as never);
    folder = temporaryFolder();
    writeFileSync(join(folder, 'GENERIC'), debsecanFeed([...rules.values()].flat().flatMap((one) => one.rules)));
  });

  const debsecan = (list: string): readonly string[] => {
    const status = join(folder, `${list}.status`);
    writeFileSync(status, dpkgStatus(packagesOf(table(`${list}.packages`))));
    const args = ['--config', '/dev/null', '--source', `file://${folder}`, '--status', status, '--format', 'simple'];
    const {
      stdout,
      stderr,
      status: code,
    } = spawnSync('debsecan', [...args, '--whitelist', '/dev/null/none', '--history', '/dev/null'], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    expect([stderr, code]).toEqual(['', 0]);

    return stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' ').reverse().join(' '));
  };

  const ours = (list: string) =>
    packagesOf(table(`${list}.packages`)).flatMap(({ binary, source, sourceVersion }) =>
      matched(software('Debian:12', source, sourceVersion), rules).map(({ cve }) => `${binary} ${cve}`),
    );
  const reasonOf = (pair: string) => (/ DSA-\d+-\d+$/.test(pair) ? 'announcement-without-cve' : null);

  describe.each([
    ['debian-12-host', 1000],
    ['oldest-in-changelog', 300],
    ['random-mix', 200],
  ])('when %s is asked about', (list, atLeast) => {
    it('prints the same pairs, but for what the table explains', () => {
      const theirs = debsecan(list);
      const { missing, extra } = difference(theirs, ours(list));

      expect(theirs.length).toBeGreaterThan(atLeast);
      expect(missing).toEqual([]);
      expect(counted(extra, reasonOf)).toEqual(explainedDifferences(`${list} debsecan`));
    });
  });
});
