// Order of versions of one ecosystem for matching, or the reason why there is none. Nothing is guessed: what cannot be compared is said.
import { schemeFor, versionProblem } from '@selvage/shared/versions/list.ts';
import type { Ecosystem } from './software.ts';

export interface Order {
  /** `deb`, `rpm` … as evidence writes it; the ecosystem's own name where nobody knows its order. */
  readonly label: string;
  /** Negative when `a` is older; null when one of the two is no version that can be compared. */
  compare(a: string, b: string): number | null;
  /** Why this text cannot be compared; null when it can. */
  problem(version: string): string | null;
}

/** Longest piece of a strange version that evidence quotes, in characters. */
const QUOTED_LENGTH = 80;

export function orderOf(ecosystem: Ecosystem): Order {
  const scheme = schemeFor(ecosystem);
  if (scheme === null) {
    return {
      label: ecosystem,
      compare: () => null,
      problem: () => `nobody here knows how versions of ${ecosystem} are ordered`,
    };
  }
  const problem = (version: string) => versionProblem(scheme, version);

  return {
    label: scheme.name,
    compare: (a, b) => (problem(a) === null && problem(b) === null ? scheme.order(a, b) : null),
    problem,
  };
}

/** For a sentence: a version of any length. */
export function quoted(version: string): string {
  return version.length > QUOTED_LENGTH ? `${version.slice(0, QUOTED_LENGTH)}…` : version;
}
