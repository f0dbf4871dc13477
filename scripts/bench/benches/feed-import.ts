// The whole Debian 12 data (OSV), EPSS and KEV into a store that takes inventories meanwhile: memory of the process, how long its event
// loop and its intake were held up, and the time against parsing the same files and writing bare rows.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { Bench } from '../bench.ts';
import { median } from '../median.ts';

const SNAPSHOT = join(import.meta.dirname, '../../../collector/feeds/snapshot');
const OURS = join(import.meta.dirname, '../feeds/import-child.ts');
const BARE = join(import.meta.dirname, '../feeds/bare-child.ts');
const RUNS = 3;
const DEADLINE_MS = 10 * 60_000;
const OUTPUT_BYTES = 1024 * 1024;
const MIB = 1024 * 1024;
const MAX_PEAK_MIB = 300;
const MAX_HELD_MS = 50;
const MAX_RATIO = 3;
/** As they are called where they come from, in one folder or below it. */
const WANTED = [
  /osv-debian(12)?[.]jsonl([.]gz)?$/,
  /epss[^/]*[.]csv([.]gz)?$/,
  /(^|\/)(known_exploited_vulnerabilities[-\d]*|kev)[.]json([.]gz)?$/,
];

interface Measured {
  readonly took: Readonly<Record<string, number>>;
  readonly records: Readonly<Record<string, number>>;
  readonly atRest: number;
  readonly peak: number;
  readonly loopMs: number;
  readonly loopP99Ms: number;
  readonly writes: number;
  readonly longestWriteMs: number;
}

export const feedImport: Bench = {
  name: 'feed-import',
  describe: 'all of Debian 12, EPSS and KEV imported while intake goes on',
  run: async ({ folder, say, quick }) => {
    // Folder of the whole files.
    const data = process.env.SELVAGE_BENCH_DATA;
    const files = filesIn(data ?? SNAPSHOT);
    const run = createRun(process.env);
    const child = async (program: string, database: string) => {
      const { stdout } = await run({
        ...{ file: process.execPath, args: [program, join(folder, database), ...files] },
        ...{ deadlineMs: DEADLINE_MS, outputLimit: OUTPUT_BYTES, check: true },
      });

      return JSON.parse(stdout) as unknown;
    };
    const ours: Measured[] = [];
    const bare: number[] = [];

    for (let turn = 1; turn <= (quick ? 1 : RUNS); turn++) {
      const mine = (await child(OURS, `ours-${turn}.db`)) as Measured;
      ours.push(mine);
      bare.push(((await child(BARE, `bare-${turn}.db`)) as { readonly tookMs: number }).tookMs);
      say(
        `run ${turn}: ours ${sum(mine).toFixed(0)} ms, bare ${bare.at(-1)?.toFixed(0)} ms, peak ${(mine.peak / MIB).toFixed(0)} MiB`,
      );
    }
    const records = Object.entries(ours[0]?.records ?? {}).map(([feed, count]) => `${count} ${feed}`);
    const notes = [
      `records: ${records.join(', ')}`,
      data === undefined
        ? 'the data is the shipped snapshot, prose left out: the whole files with SELVAGE_BENCH_DATA=FOLDER'
        : 'the data is the whole files of the folder given',
    ];
    const worst = (of: (one: Measured) => number) => Math.max(...ours.map(of));

    return [
      {
        ...{ name: 'feed-import.peak', unit: 'MiB', ours: worst(({ peak }) => peak) / MIB, peer: null },
        target: { atMost: MAX_PEAK_MIB },
        notes: [...notes, `${(worst(({ atRest }) => atRest) / MIB).toFixed(0)} MiB before the first import`],
      },
      {
        ...{ name: 'feed-import.event-loop', unit: 'ms', ours: worst(({ loopMs }) => loopMs), peer: null },
        target: { atMost: MAX_HELD_MS },
        notes: [`99th percentile ${worst(({ loopP99Ms }) => loopP99Ms).toFixed(1)} ms`],
      },
      {
        ...{ name: 'feed-import.intake-write', unit: 'ms', ours: worst((one) => one.longestWriteMs), peer: null },
        target: { atMost: MAX_HELD_MS },
        notes: [`the longest of ${ours.reduce((all, { writes }) => all + writes, 0)} writes, from asking to committed`],
      },
      {
        ...{ name: 'feed-import.time', unit: 'ms', ours: median(ours.map(sum)) },
        peer: { name: 'parsing the same and inserting bare rows', value: median(bare) },
        target: { atMost: MAX_RATIO },
      },
    ];
  },
};

function sum({ took }: Measured): number {
  return Object.values(took).reduce((all, each) => all + each, 0);
}

/** The newest by name of each kind. */
function filesIn(folder: string): readonly string[] {
  const all = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String).sort() : [];

  return WANTED.map((wanted) => {
    const found = all.findLast((name) => wanted.test(name));
    if (found === undefined) throw new Error(`${folder} has no file like ${wanted.source}`);

    return join(folder, found);
  });
}
