// Small sums over decisions. Pure.
import { DECISIONS, type DecisionWord, type Due } from '../triage/decision.ts';
import type { ByDecision } from './todo.ts';

export type Sums = Record<DecisionWord, number>;

export function noSums(): Sums {
  return { immediate: 0, 'out-of-cycle': 0, scheduled: 0, defer: 0, unknown: 0 };
}

export function addSums(to: Sums, more: ByDecision, times = 1): void {
  for (const word of DECISIONS) to[word] += more[word] * times;
}

export function totalOf(sums: ByDecision): number {
  return DECISIONS.reduce((sum, word) => sum + sums[word], 0);
}

/** The most urgent decision that occurs; `unknown` when none does: nobody knows of anything that it closes. */
export function worstOf(sums: ByDecision): DecisionWord {
  return DECISIONS.find((word) => sums[word] > 0) ?? 'unknown';
}

export function urgencyOf(word: DecisionWord): number {
  return DECISIONS.indexOf(word);
}

export function earlierDue(one: Due | null, other: Due | null): Due | null {
  if (one === null || other === null) return one ?? other;

  return other.date < one.date ? other : one;
}

/** By code unit: the same order on every machine, whatever its language. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
