// Which windows open next, and for how much of what is approved. Gathers while rows are shown. Pure.
import type { Slot } from './outlook.ts';

export interface NextWindow {
  readonly window: string;
  readonly opens: Temporal.Instant;
  readonly closes: Temporal.Instant | null;
  readonly machines: number;
  readonly fixes: number;
}

/** When which window opens for whom, over all rows. */
export class Slots {
  readonly #all = new Map<string, { slot: Slot; machines: number; fixes: Set<string> }>();

  of(fix: string): { add(slot: Slot | string): void; last(): Temporal.Instant | null; problem(): string | null } {
    let last: Temporal.Instant | null = null;
    let problem: string | null = null;

    return {
      add: (slot) => {
        if (typeof slot === 'string') {
          problem ??= slot;

          return;
        }
        if (last === null || Temporal.Instant.compare(slot.opens, last) > 0) last = slot.opens;
        const key = `${slot.window} ${slot.opens}`;
        const known = this.#all.get(key) ?? { slot, machines: 0, fixes: new Set<string>() };
        known.machines += 1;
        known.fixes.add(fix);
        this.#all.set(key, known);
      },
      last: () => last,
      problem: () => problem,
    };
  }

  /** `machines` counts a machine once for each of its fixes. */
  next(): NextWindow | null {
    const [first] = [...this.#all.values()].sort((a, b) => Temporal.Instant.compare(a.slot.opens, b.slot.opens));

    return first === undefined ? null : { ...first.slot, machines: first.machines, fixes: first.fixes.size };
  }
}
