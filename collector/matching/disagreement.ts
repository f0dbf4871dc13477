// One sentence for what sources see differently, with who decided. Null where they agree or there is only one.
import type { Evidence } from './match.ts';
import { isRestricted } from './pockets.ts';
import type { Says } from './verdict.ts';

/** The first evidence decided. Pockets that are not for everybody differ by their nature, which is no disagreement. */
export function disagreementOf(evidence: readonly Evidence[], says: Says): string | null {
  const [first, ...others] = evidence;
  if (first === undefined) return null;
  const different = others.find(
    (other) =>
      !isRestricted(other.pocket ?? undefined) &&
      !isRestricted(first.pocket ?? undefined) &&
      (other.says !== says || (other.feed !== first.feed && says === 'affected' && other.fixed !== first.fixed)),
  );

  return different === undefined ? null : `${sentence(first)}, but ${sentence(different)}; ${first.feed} decides`;
}

function sentence(evidence: Evidence): string {
  const who = `${evidence.feed} (${evidence.record}${evidence.feedAsOf === null ? '' : `, ${evidence.feedAsOf.slice(0, 10)}`})`;

  return `${who} says ${wordOf(evidence)}`;
}

function wordOf(evidence: Evidence): string {
  const fixed = evidence.fixed === null ? 'no version has a fix' : `fixed in ${evidence.fixed}`;
  if (evidence.says === 'affected') return `affected, ${fixed}`;
  if (evidence.says === 'unknown') return 'that it does not know';

  return evidence.says === 'fixed' ? `not affected any more, ${fixed}` : 'not affected';
}
