// Whether "N updates" may be said at all: only when every enabled repository of the host may be believed. Pure.
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { Repository } from '@selvage/shared/model/package.ts';

export type Knowledge =
  | { readonly known: true; readonly asOf: string }
  | {
      readonly known: false;
      /** The oldest of the last refreshes; null when one never succeeded. */
      readonly asOf: string | null;
      readonly reasons: { readonly repository: string | null; readonly code: Code; readonly reason: string }[];
    };

export function whatIsKnown(repositories: readonly Repository[]): Knowledge {
  const asOf = oldest(repositories.map(({ lastRefresh }) => lastRefresh));
  const reasons = repositories.flatMap(({ id, problem }) => (problem ? [{ repository: id, ...problem }] : []));

  if (repositories.length === 0) {
    // A host without a source is told nothing about updates: that is not "none".
    const reason = 'no repository is enabled on this host';

    return { known: false, asOf: null, reasons: [{ repository: null, code: 'REPOSITORY_NEVER_FETCHED', reason }] };
  }
  if (reasons.length > 0) return { known: false, asOf, reasons };
  // Believed without a refresh would be a contradiction; the answer to a contradiction is "unknown".
  if (asOf === null) {
    const reason = 'a repository without a refresh was believed';

    return { known: false, asOf, reasons: [{ repository: null, code: 'INTERNAL', reason }] };
  }

  return { known: true, asOf };
}

function oldest(times: readonly (string | null)[]): string | null {
  return times.reduce<string | null>((low, time, index) => {
    if (time === null || (index > 0 && low === null)) return null;

    return low === null || Temporal.Instant.compare(time, low) < 0 ? time : low;
  }, null);
}
