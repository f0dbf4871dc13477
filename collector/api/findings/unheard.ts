// Whether "no source connects it" is an answer: not where nobody here has heard of the CVE, nor where it came out after the data was made. Pure.

const ID = /^CVE-(\d{4})-\d{4,}$/;
/** A CVE without a date may have been published at any time of its year. */
const END_OF_YEAR = '12-31T23:59:59Z';
/** Feeds come out daily: what is no older than that is of today. */
const OF_TODAY_MS = 2 * 24 * 60 * 60 * 1000;
const SOME_FEEDS = 3;

export interface UnheardQuestion {
  readonly cve: string;
  /** Some feed says something of it, whichever machine has it. */
  readonly isHeardOf: boolean;
  /** Instant; null where nobody says. */
  readonly published: string | null;
  /** Ecosystems of what is installed. */
  readonly ecosystems: Iterable<string>;
  /** Ecosystem → feeds that speak of it. */
  readonly speaking: ReadonlyMap<string, readonly string[]>;
  /** Feeds of publishers: how old what they say is, in milliseconds; null: not known. */
  readonly ages: ReadonlyMap<string, number | null>;
  readonly now: Temporal.Instant;
}

/** Null: it is an answer. */
export function whyUnheard({ cve, isHeardOf, published, ...question }: UnheardQuestion): string | null {
  if (!isHeardOf)
    return `no feed here has heard of ${cve}: it is written otherwise, not published, or newer than the data`;
  const { now, speaking } = question;
  const [, year] = ID.exec(cve) ?? [];
  if (published === null && year === undefined) return null;
  const told = published === null ? null : Temporal.Instant.from(published);
  const latest = earlier(told ?? Temporal.Instant.from(`${year}-${END_OF_YEAR}`), now);
  // Where its day is not known, two days more or less say nothing.
  const enough = told === null ? latest.subtract({ milliseconds: OF_TODAY_MS }) : latest;
  const old = new Set<string>();
  for (const ecosystem of question.ecosystems) {
    const feeds = (speaking.get(ecosystem) ?? []).flatMap((name) => {
      const ageMs = question.ages.get(name);

      return ageMs == null ? [] : [{ name, of: now.subtract({ milliseconds: Math.floor(ageMs) }) }];
    });
    if (feeds.every(({ of }) => Temporal.Instant.compare(of, enough) < 0))
      for (const { name, of } of feeds) old.add(`${name} of ${of.toString().slice(0, 10)}`);
  }
  if (old.size === 0) return null;
  const named = [...old].slice(0, SOME_FEEDS).join(', ');
  const date = told === null ? 'nobody says when it was published' : `published ${told.toString().slice(0, 10)}`;

  return `${cve} may be newer than the data about what is installed here (${named}; ${date})`;
}

function earlier(one: Temporal.Instant, other: Temporal.Instant): Temporal.Instant {
  return Temporal.Instant.compare(one, other) < 0 ? one : other;
}
