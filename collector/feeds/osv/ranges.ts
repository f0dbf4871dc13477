// Events of an OSV range → ranges of versions. Pure.
import { comparerFor } from '@selvage/shared/versions/list.ts';
import type { VersionRange } from '../../matching/rule.ts';
import type { OsvAffected } from './record.ts';

type Event = NonNullable<OsvAffected['ranges']>[number]['events'][number];

/** `<= 1.2.3`, `< 29.3.1`: what GitHub writes beside a range without an end whose fix is not to be had from the registry. */
const LAST_KNOWN = /^<(=?)\s*([^\s,<>=]{1,200})$/;

interface Step {
  readonly type: 'introduced' | 'fixed' | 'lastAffected';
  readonly version: string;
}

/**
 * Each `introduced` opens a range, `fixed`, `limit` or `last_affected` closes it. `0` is before every version; a `limit` of `*` is none.
 * Pairs count as they are written, whichever comes first. Anything else is put in order of its versions, as OSV evaluates it: a list of
 * events says nothing by its order.
 */
export function rangesOf(events: readonly Event[], ecosystem = ''): readonly VersionRange[] {
  const steps = events.flatMap(stepsOf);

  return rangesIn(isPairs(steps) ? steps : sorted(steps, ecosystem));
}

/** The range up to where its source knows versions to be affected; as it is where it has an end of its own, or nothing is said. */
export function withLastKnown(range: VersionRange, { database_specific: specific }: OsvAffected): VersionRange {
  const [, inclusive, version] = LAST_KNOWN.exec(specific?.last_known_affected_version_range ?? '') ?? [];
  if (version === undefined || range.fixed !== null || range.lastAffected !== null) return range;

  return inclusive === '' ? { ...range, fixed: version } : { ...range, lastAffected: version };
}

function stepsOf({ introduced, fixed, limit, last_affected: last }: Event): readonly Step[] {
  const steps: Step[] = [];
  if (introduced !== undefined) steps.push({ type: 'introduced', version: introduced });
  const end = fixed ?? (limit === '*' ? undefined : limit);
  if (end !== undefined) steps.push({ type: 'fixed', version: end });
  else if (last !== undefined) steps.push({ type: 'lastAffected', version: last });

  return steps;
}

function isPairs(steps: readonly Step[]): boolean {
  return steps.length % 2 === 0 && steps.every(({ type }, index) => (type === 'introduced') === (index % 2 === 0));
}

/** As they are where two of them cannot be compared. */
function sorted(steps: readonly Step[], ecosystem: string): readonly Step[] {
  const compare = comparerFor(ecosystem);
  if (compare === null || steps.some(({ version }) => version !== FIRST && compare(version, version) === null)) {
    return steps;
  }
  const order = (a: Step, b: Step) =>
    Number(b.version === FIRST) - Number(a.version === FIRST) || (compare(a.version, b.version) ?? 0);

  return [...steps].sort(order);
}

const FIRST = '0';

function rangesIn(steps: readonly Step[]): readonly VersionRange[] {
  const ranges: VersionRange[] = [];
  // Without any beginning it holds from the first version on.
  let introduced: string | null | undefined = steps.some(({ type }) => type === 'introduced') ? undefined : null;

  for (const { type, version } of steps) {
    if (type === 'introduced') {
      // Inside of a range nothing begins.
      if (introduced === undefined) introduced = version === FIRST ? null : version;
    } else if (introduced !== undefined) {
      const [fixed, lastAffected] = type === 'fixed' ? [version, null] : [null, version];
      ranges.push({ introduced, fixed, lastAffected });
      introduced = undefined;
    }
  }
  if (introduced !== undefined && steps.length > 0) ranges.push({ introduced, fixed: null, lastAffected: null });

  return ranges;
}
