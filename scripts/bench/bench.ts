// What a benchmark is: something of ours and its floor or peer, measured side by side in the same run, printed as a
// ratio against a target. A benchmark never asserts; what it could not measure it says.

export interface Row {
  /** What was measured: `connector.rss`. */
  readonly name: string;
  /** `MiB`, `ms`, `%`, `bytes` … */
  readonly unit: string;
  readonly ours: number;
  /** The floor or peer of the same run, null where the target is an absolute number. */
  readonly peer: { readonly name: string; readonly value: number } | null;
  /** Target for ours/peer, or for ours where there is no peer; `atLeast` where more is better. */
  readonly target: { readonly atMost: number } | { readonly atLeast: number };
  /** Anything a reader needs beside the ratio: PSS, spread of the runs, counts. */
  readonly notes?: readonly string[];
}

export interface BenchContext {
  /** Empty folder of this benchmark, removed afterwards. */
  readonly folder: string;
  /** One line of progress, on standard error. */
  readonly say: (line: string) => void;
  /** True with --quick: shorter waits, for trying a change; such rows say so and prove nothing. */
  readonly quick: boolean;
}

export interface Bench {
  /** What `npm run bench -- NAME` takes. */
  readonly name: string;
  readonly describe: string;
  /** Throws CodedError TOOL_MISSING when the peer cannot be had here. */
  run(context: BenchContext): Promise<readonly Row[]>;
}

/** What the target is held against. */
export function measured(row: Row): number {
  return row.peer === null ? row.ours : row.ours / row.peer.value;
}

export function isMet(row: Row): boolean {
  const value = measured(row);

  return 'atMost' in row.target ? value <= row.target.atMost : value >= row.target.atLeast;
}
