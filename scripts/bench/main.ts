// `npm run bench`: runs benchmarks one after the other and prints ratios, or one JSON document. Exit code 0 when every
// benchmark could be run, whatever the numbers are: numbers are read, not asserted.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asCoded } from '../../shared/errors/coded-error.ts';
import { type Bench, isMet, measured, type Row } from './bench.ts';
import { BENCHES } from './list.ts';

interface Outcome {
  readonly bench: string;
  readonly rows: readonly Row[];
  readonly problem: string | null;
}

export async function main(args: readonly string[]): Promise<number> {
  const names = args.filter((arg) => !arg.startsWith('--'));
  const unknown = names.filter((name) => BENCHES.every((bench) => bench.name !== name));
  if (unknown.length > 0) {
    process.stderr.write(`error USAGE: no benchmark ${unknown.join(', ')}\nnext: one of ${listed()}\n`);

    return 2;
  }

  const outcomes: Outcome[] = [];
  for (const bench of BENCHES.filter(({ name }) => names.length === 0 || names.includes(name))) {
    process.stderr.write(`${bench.name}: ${bench.describe}\n`);
    const outcome = await runOne(bench, args.includes('--quick'));
    outcomes.push(outcome);
    if (!args.includes('--json')) process.stdout.write(page(outcome));
  }
  if (args.includes('--json')) process.stdout.write(`${JSON.stringify(outcomes.map(document), null, 2)}\n`);

  return outcomes.some(({ problem }) => problem !== null) ? 1 : 0;
}

async function runOne(bench: Bench, quick: boolean): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), `selvage-bench-${bench.name}-`));
  const say = (line: string) => process.stderr.write(`  ${line}\n`);

  try {
    return { bench: bench.name, rows: await bench.run({ folder, say, quick }), problem: null };
  } catch (error) {
    const { code, message, next } = asCoded(error);

    return { bench: bench.name, rows: [], problem: `${code}: ${message}; ${next}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function page({ bench, rows, problem }: Outcome): string {
  const lines = rows.flatMap((row) => [line(row), ...(row.notes ?? []).map((note) => `    ${note}`)]);

  return `${[...lines, ...(problem === null ? [] : [`${bench}: not measured: ${problem}`])].join('\n')}\n`;
}

function line(row: Row): string {
  const { target, peer, unit } = row;
  const bound = 'atMost' in target ? `at most ${target.atMost}` : `at least ${target.atLeast}`;
  const against = peer === null ? '' : ` / ${peer.name} ${number(peer.value)} ${unit} = ${number(measured(row))} x`;
  const verdict = isMet(row) ? 'met' : 'MISSED';

  return `${row.name.padEnd(28)} ${number(row.ours)} ${unit}${against}  (${bound}${peer === null ? ` ${unit}` : ' x'}: ${verdict})`;
}

function document({ bench, rows, problem }: Outcome): object {
  return { bench, problem, rows: rows.map((row) => ({ ...row, value: measured(row), met: isMet(row) })) };
}

/** Three significant digits, never in exponents. */
function number(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

function listed(): string {
  return BENCHES.map(({ name }) => name).join(', ');
}
