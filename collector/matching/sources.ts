// Whose word counts first when several feeds speak of one CVE in one package. A visible list, first match wins.

/** Rank of a feed by its name: what the distribution itself decides, then copies of it, then others, then our own intelligence. */
const RANKS: readonly (readonly [RegExp, number])[] = [
  [/^(debian-tracker|ubuntu-tracker|redhat|updateinfo|alpine-secdb)\b/, 0],
  [/^osv-(debian|ubuntu|alma|almalinux|rocky|alpine|redhat)\b/, 1],
  [/^advisory$/, 9],
  // Whoever takes over one host writes there: it adds, and never has the word before anybody else.
  [/^host-updateinfo$/, 10],
];
const OTHERS = 2;

/** Own intelligence: counts until a real record speaks of the same CVE. */
export const OWN_ADVISORIES = 'advisory';

/** What hosts tell of themselves: nobody has signed or checked it. */
export const TOLD_BY_HOSTS = 'host-updateinfo';

export function rankOf(feed: string): number {
  return RANKS.find(([pattern]) => pattern.test(feed))?.[1] ?? OTHERS;
}
