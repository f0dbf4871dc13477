// What was known on a day: what carries a later date is taken away. Pure.
import type { PackageRules } from '../store/feed-ports.ts';
import type { CveFacts } from '../triage/cve-facts.ts';

/** `asOf`: a day in UTC; what became known on it counts. `undated`: rules without a date, which count. */
export function rulesAsOf(
  all: readonly PackageRules[],
  asOf: string,
): { readonly rules: readonly PackageRules[]; readonly undated: number } {
  let undated = 0;
  const rules = all.map((source) => ({
    ...source,
    rules: source.rules.filter(({ published }) => {
      if (published === undefined) undated += 1;

      return published === undefined || isKnown(published, asOf);
    }),
  }));

  return { rules, undated };
}

export function factsAsOf(facts: CveFacts, asOf: string): CveFacts {
  const { kev, epss, ssvc } = facts;

  return {
    ...facts,
    kev: kev !== null && isKnown(kev.dateAdded, asOf) ? kev : null,
    epss: epss !== null && isKnown(epss.asOf, asOf) ? epss : null,
    // Whether somebody had looked at it by then is not known where no date stands beside it.
    ssvc: ssvc?.at !== null && ssvc !== null && isKnown(ssvc.at, asOf) ? ssvc : null,
  };
}

/** Days and instants both begin with the day, in UTC. */
function isKnown(date: string, asOf: string): boolean {
  return date.slice(0, 10) <= asOf;
}
