// A whole run of debsecan against our matching of the same host and the same Debian data, in one run. Ours has the feed imported and the
// host's packages at hand, as a collector has, and makes every finding with its evidence; debsecan reads its own feed and dpkg's status.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import { OSV_FEEDS } from '../../../collector/feeds/osv.ts';
import { matchSoftware } from '../../../collector/matching/matching.ts';
import { rulesOf, snapshotRules, sourcesOf, table } from '../../../collector/matching/testing/data.ts';
import type { Bench } from '../bench.ts';
import { debsecanFeed, dpkgStatus } from '../debsecan/feed.ts';
import { median } from '../median.ts';

const RUNS = 11;
const QUICK_RUNS = 3;
const DEADLINE_MS = 60_000;
/** Share of debsecan's whole run that ours may take. */
const TARGET = 0.1;
const HOST = 'debian-12-host';

export const debsecan: Bench = {
  name: 'debsecan',
  describe: 'matching one Debian 12 host with evidence, against a whole run of debsecan on the same data',
  run: async ({ folder, say, quick }) => {
    const feed = OSV_FEEDS.find(({ name }) => name === 'osv-debian');
    if (feed === undefined) throw new CodedError('TOOL_MISSING', 'there is no feed osv-debian');
    say('reading the Debian 12 data of 2025-02-12 that the product ships');
    const rules = await snapshotRules(feed);
    const rows = table(`${HOST}.packages`);
    const status = join(folder, 'status');
    const packages = rows.map(({ binary = '', version = '', source = '', source_version = '' }) => ({
      ...{ binary, version, source, sourceVersion: source_version },
    }));
    writeFileSync(status, dpkgStatus(packages));
    writeFileSync(join(folder, 'GENERIC'), debsecanFeed([...rules.values()].flat().flatMap((one) => one.rules)));
    const software = sourcesOf('Debian:12', rows).map((one) => ({ one, rules: rulesOf(one, rules) }));

    const run = createRun(process.env);
    const args = ['--config', '/dev/null', '--source', `file://${folder}`, '--status', status, '--format', 'simple'];
    const theirs: number[] = [];
    const ours: number[] = [];
    let found = 0;
    let evidence = 0;
    let pairs = 0;

    for (let round = 0; round < (quick ? QUICK_RUNS : RUNS); round++) {
      const from = performance.now();
      const { stdout } = await run({
        file: 'debsecan',
        args,
        deadlineMs: DEADLINE_MS,
        check: true,
        outputLimit: 64 * 1024 * 1024,
      });
      theirs.push(performance.now() - from);
      pairs = stdout.trimEnd().split('\n').length;

      const began = performance.now();
      const matches = software.flatMap((one) => matchSoftware(one.one, one.rules));
      ours.push(performance.now() - began);
      found = matches.length;
      evidence = matches.reduce((sum, match) => sum + match.evidence.length, 0);
    }
    const candidates = software.reduce(
      (sum, { rules: all }) => sum + all.reduce((n, { rules: each }) => n + each.length, 0),
      0,
    );

    return [
      {
        name: 'match.host',
        unit: 'ms',
        ours: median(ours),
        peer: { name: 'debsecan, whole run', value: median(theirs) },
        target: { atMost: TARGET },
        notes: [
          `${candidates} candidate records, ${found} findings with ${evidence} rows of evidence; debsecan prints ${pairs} pairs`,
          `first run, nothing warm: ${ours[0]?.toFixed(1)} ms; ${readFileSync(status).length} bytes of dpkg status`,
          'the data is the shipped snapshot: all 31,332 records of Debian 12, prose left out',
        ],
      },
    ];
  },
};
