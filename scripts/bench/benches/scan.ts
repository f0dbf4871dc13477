// `selvage scan` of a dpkg status, the built command from process start to its end, against a whole run of debsecan on the same file and
// the same Debian data. A collector serves beside it, as it would.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { arch } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { importFeed } from '../../../collector/feeds/import/importing.ts';
import { OSV_FEEDS } from '../../../collector/feeds/osv.ts';
import { homeAt } from '../../../collector/home.ts';
import { snapshotRules, table } from '../../../collector/matching/testing/data.ts';
import { openStore } from '../../../collector/store/store.ts';
import { bundleCollector } from '../../bundle/collector.ts';
import type { Bench } from '../bench.ts';
import { debsecanFeed, dpkgStatus } from '../debsecan/feed.ts';
import { median } from '../median.ts';

const RUNS = 11;
const QUICK_RUNS = 3;
const DEADLINE_MS = 60_000;
const OUTPUT_BYTES = 64 * 1024 * 1024;
/** Times debsecan's whole run that ours may take. */
const TARGET = 3;
const HOST = 'debian-12-host';
const SNAPSHOT = join(import.meta.dirname, '../../../collector/feeds/snapshot');
const FEEDS = { 'osv-debian': 'osv-debian.jsonl.gz', kev: 'kev.json.gz', epss: 'epss.csv.gz' };
/** A status file has descriptions and dependencies too: as much as makes an entry as long as a real one. */
const FILLER = `Description: as long as others\n${` ${'what it is and what it depends on '.repeat(3)}\n`.repeat(13)}`;

export const scan: Bench = {
  name: 'scan',
  describe: '`selvage scan` of a dpkg status from process start, against debsecan on the same data',
  run: async ({ folder, say, quick }) => {
    const osv = OSV_FEEDS.find(({ name }) => name === 'osv-debian');
    if (osv === undefined) throw new CodedError('TOOL_MISSING', 'there is no feed osv-debian');
    say('building the command, importing the Debian 12 data of 2025-02-12 that the product ships');
    const { entry } = await bundleCollector(join(folder, 'built'), arch());
    const rules = await snapshotRules(osv);
    const packages = table(`${HOST}.packages`).map(
      ({ binary = '', version = '', source = '', source_version = '' }) => ({
        ...{ binary, version, source, sourceVersion: source_version },
      }),
    );
    const status = join(folder, 'status');
    const release = join(folder, 'os-release');
    writeFileSync(status, dpkgStatus(packages).replaceAll('\n\n', `\n${FILLER}\n`));
    writeFileSync(release, 'ID=debian\nVERSION_ID="12"\n');
    writeFileSync(join(folder, 'GENERIC'), debsecanFeed([...rules.values()].flat().flatMap((one) => one.rules)));

    const home = join(folder, 'home');
    const run = createRun(process.env);
    const selvage = (args: readonly string[]) =>
      run({
        ...{ file: process.execPath, args: [entry, ...args], env: { SELVAGE_HOME: home } },
        ...{ deadlineMs: DEADLINE_MS, outputLimit: OUTPUT_BYTES, check: true },
      });
    await selvage(['init', '--admin', 'bench', '--local']);
    await importSnapshot(home);
    const server = await serve(entry, home);

    try {
      const theirs: number[] = [];
      const ours: number[] = [];
      let findings = '';
      for (let round = 0; round < (quick ? QUICK_RUNS : RUNS); round++) {
        const from = performance.now();
        await run({
          file: 'debsecan',
          args: ['--config', '/dev/null', '--source', `file://${folder}`, '--status', status, '--format', 'simple'],
          ...{ deadlineMs: DEADLINE_MS, outputLimit: OUTPUT_BYTES, check: true },
        });
        theirs.push(performance.now() - from);

        const began = performance.now();
        const { stdout } = await selvage(['scan', status, '--os-release', release]);
        ours.push(performance.now() - began);
        findings = /^[\d,]+ findings/m.exec(stdout)?.[0] ?? 'no findings';
      }

      return [
        {
          name: 'scan',
          unit: 'ms',
          ours: median(ours),
          peer: { name: 'debsecan, whole run', value: median(theirs) },
          target: { atMost: TARGET },
          notes: [
            `${packages.length} packages, ${statSync(status).size} bytes of dpkg status, ${findings}`,
            `the first run, nothing warm in the collector: ${ours[0]?.toFixed(0)} ms`,
            'the data is the shipped snapshot: all 31,332 records of Debian 12, prose left out',
            ...(quick ? [`--quick: ${QUICK_RUNS} runs`] : []),
          ],
        },
      ];
    } finally {
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
  },
};

async function importSnapshot(home: string): Promise<void> {
  const store = await openStore({ file: homeAt(home).collector.database, clock: systemClock });
  const parts = { store, clock: systemClock, events: { publish: () => undefined } };
  for (const [feed, name] of Object.entries(FEEDS)) {
    await importFeed(parts, feed, [{ path: join(SNAPSHOT, name), name }]);
  }
  await store.close();
}

/** Serves until it is told to end; its admin's folder is told the port. */
async function serve(entry: string, home: string): Promise<ChildProcess> {
  const server = spawn(process.execPath, [entry, 'serve', '--ready-line'], {
    env: { ...process.env, SELVAGE_HOME: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: server.stdout })) {
    if (line.startsWith('ready ')) return server;
  }

  throw new CodedError('PROCESS_FAILED', 'the collector ended before it was ready');
}
