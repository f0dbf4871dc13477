// `npm run fuzz [-- --seed S --count N --from I]`: hostile frames against both decoders, by number, so that each can be
// made again. Exit code 0 when everything held, 1 with the case when something did not.
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { FuzzFailure, type FuzzReport, fuzz } from '../../shared/wire/fuzz/fuzz.ts';

const DEFAULT_COUNT = 10_000_000;
/** Cases between two lines of progress. */
const STEP = 500_000;
const SEED_BYTES = 4;
const USAGE = 'npm run fuzz -- [--seed TEXT] [--count NUMBER] [--from NUMBER]';

export interface Streams {
  readonly out: { write(text: string): unknown };
  readonly error: { write(text: string): unknown };
}

export function main(args: readonly string[], io: Streams = { out: process.stdout, error: process.stderr }): number {
  const options = optionsOf(args);
  if (options === null) {
    io.error.write(`error USAGE: that is not how the fuzzer is called\nnext: ${USAGE}\n`);

    return 2;
  }
  const { seed, from, count } = options;
  io.out.write(`seed ${seed}, cases ${from} to ${from + count - 1}\n`);
  const total = new Map<string, number>();
  let slowest: FuzzReport['slowest'] = { ms: 0, index: from };

  try {
    for (let done = 0; done < count; done += STEP) {
      const report = fuzz(seed, from + done, Math.min(STEP, count - done));
      for (const [outcome, times] of report.outcomes) total.set(outcome, (total.get(outcome) ?? 0) + times);
      if (report.slowest.ms > slowest.ms) slowest = report.slowest;
      io.error.write(`  ${done + report.cases} of ${count}\n`);
    }
  } catch (error) {
    if (!(error instanceof FuzzFailure)) throw error;
    io.error.write(`error INTERNAL: ${error.message}\nnext: correct the decoder, then run it with the same seed\n`);

    return 1;
  }

  const lines = [...total].sort(([a], [b]) => (a < b ? -1 : 1)).map(([outcome, times]) => `  ${outcome}: ${times}\n`);
  io.out.write(`everything held\n${lines.join('')}`);
  io.out.write(`slowest: case ${slowest.index}, ${slowest.ms.toFixed(1)} ms\n`);

  return 0;
}

function optionsOf(args: readonly string[]): { seed: string; from: number; count: number } | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { seed: { type: 'string' }, count: { type: 'string' }, from: { type: 'string' } },
    });
    const from = Number(values.from ?? 0);
    const count = Number(values.count ?? DEFAULT_COUNT);
    if (!Number.isSafeInteger(from) || from < 0 || !Number.isSafeInteger(count) || count < 1) return null;

    return { seed: values.seed ?? randomBytes(SEED_BYTES).toString('hex'), from, count };
  } catch (error) {
    // parseArgs names what it does not know; the usage line says what there is.
    if (error instanceof TypeError) return null;
    throw error;
  }
}
