// Statistics over days between two moments. Pure. What is not known is counted, and never taken for zero days.

export interface Days {
  readonly known: number;
  readonly unknown: number;
  readonly median: number | null;
  readonly p90: number | null;
  readonly worst: number | null;
  /** Sum of all known. */
  readonly total: number;
}

const DAY_MS = 86_400_000;
const P90 = 0.9;

/** Null stands for a stage of which one end is not known. Days have one decimal; what came before counts as zero. */
export function daysOf(values: readonly (number | null)[]): Days {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);

  return {
    known: known.length,
    unknown: values.length - known.length,
    ...{ median: at(known, 1 / 2), p90: at(known, P90), worst: rounded(known.at(-1) ?? null) },
    total: rounded(known.reduce((sum, each) => sum + each, 0)) ?? 0,
  };
}

/** Days from one instant to another; null where one of them is not known. */
export function daysBetween(from: string | null, to: string | null): number | null {
  if (from === null || to === null) return null;
  const ms = Temporal.Instant.from(to).epochMilliseconds - Temporal.Instant.from(from).epochMilliseconds;

  return Math.max(0, ms / DAY_MS);
}

/** Nearest rank: a value that really occurred. */
function at(sorted: readonly number[], share: number): number | null {
  return rounded(sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? null);
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 10) / 10;
}
