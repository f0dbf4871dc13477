// How long each step took, in whole milliseconds.

export interface Timings {
  measure<T>(name: string, work: () => Promise<T>): Promise<T>;
  all(): Readonly<Record<string, number>>;
}

export function createTimings(monotonic: () => number): Timings {
  const started = monotonic();
  const taken: Record<string, number> = {};

  return {
    measure: async (name, work) => {
      const from = monotonic();

      try {
        return await work();
      } finally {
        taken[`${name}Ms`] = Math.round(monotonic() - from);
      }
    },
    all: () => ({ ...taken, totalMs: Math.round(monotonic() - started) }),
  };
}
