// Whether anybody watches a piece of software: a feed, a rule of ours, or nobody. Nobody is never the same as clean.
import type { Coverage } from './match.ts';
import type { Ecosystem, Software } from './software.ts';
import { OWN_ADVISORIES } from './sources.ts';

/** What an admin says of repositories of vendors. Patterns are globs over the name that the package's origin carries. */
export interface CoverageSettings {
  /** Every update of these repositories counts as security. */
  readonly everyUpdateIsSecurity: readonly string[];
}

const NO_COVERAGE_SETTINGS: CoverageSettings = { everyUpdateIsSecurity: [] };

/**
 * `ecosystems`: what current feeds speak of, with their names (FeedReader.ecosystems()). A vendor's own build is not covered by the
 * distribution's feed, also where that knows a package of this name: the two number their fixes differently.
 */
export function coverageOf(
  software: Software,
  ecosystems: ReadonlyMap<string, readonly string[]>,
  settings: CoverageSettings = NO_COVERAGE_SETTINGS,
): Coverage {
  const { origin } = software;
  if (origin !== null) {
    const rule = settings.everyUpdateIsSecurity.find((pattern) => glob(pattern).test(origin));
    if (rule !== undefined) return { by: 'rule', repository: rule };
    const own = vendorEcosystems(software).flatMap((one) => watchersOf(one, ecosystems));
    if (own.length > 0) return { by: 'feed', feeds: own };

    return { by: 'unknown', reason: `it comes from ${origin}, and no feed speaks of builds from there` };
  }
  const feeds = watchersOf(software.ecosystem, ecosystems);

  return feeds.length > 0
    ? { by: 'feed', feeds }
    : { by: 'unknown', reason: `no feed that was imported speaks of ${software.ecosystem}` };
}

/** Feeds that watch an ecosystem. An own advisory knows of one weakness: nobody watches the rest because of it. */
export function watchersOf(
  ecosystem: Ecosystem,
  ecosystems: ReadonlyMap<string, readonly string[]>,
): readonly string[] {
  return (ecosystems.get(ecosystem) ?? []).filter((feed) => feed !== OWN_ADVISORIES);
}

/** Under which ecosystem a feed speaks of one vendor's repository. */
export function vendorEcosystem(origin: string): string {
  return `vendor:${origin}`;
}

/** What EPEL builds is in it one by one for each release. */
export function vendorReleaseEcosystem(origin: string, release: Ecosystem): string {
  return `${vendorEcosystem(origin)}:${release}`;
}

/** Under which ecosystems feeds may speak of a vendor's build; none of one of the distribution. */
export function vendorEcosystems({ origin, ecosystem }: Pick<Software, 'origin' | 'ecosystem'>): readonly string[] {
  return origin === null ? [] : [vendorEcosystem(origin), vendorReleaseEcosystem(origin, ecosystem)];
}

function glob(pattern: string): RegExp {
  return new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\?]/g, '\\$&').replace(/\*+/g, '.*')}$`, 'i');
}
