// Puts what several logs tell together: each transaction once, newest first, no more than fits. Pure.
import type { Changes, Told } from '@selvage/shared/model/changes.ts';
import type { LogProblem } from './logs.ts';

const MAX_PROBLEMS = 64;

export function bounded(
  all: { readonly told: readonly Told[]; readonly complete: boolean; readonly problems: readonly LogProblem[] },
  limits: { readonly most: number; readonly changes: number },
): Changes {
  const unique = [...new Map(all.told.map((one) => [one.id, one])).values()].sort(newestFirst);
  const kept: Told[] = [];
  let left = limits.changes;
  for (const one of unique) {
    left -= one.changes.length;
    if (left < 0 || kept.length === limits.most) break;
    kept.push(one);
  }

  return {
    complete: all.complete && kept.length === unique.length,
    problems: all.problems.slice(0, MAX_PROBLEMS).map((problem) => ({ ...problem })),
    told: kept,
  };
}

/** Instants as text sort like time only without fractions; the id keeps the order of one second stable. */
function newestFirst(a: Told, b: Told): number {
  const difference = Date.parse(b.at) - Date.parse(a.at);

  return difference !== 0 ? difference : a.id < b.id ? -1 : 1;
}
