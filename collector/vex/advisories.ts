// Signed advisories of our own as rules of a feed named `advisory`: a generation like any other, made anew when the policy changes. Pure.
// A decision that an advisory asks for is a fact about its CVEs until a real record speaks of the CVE in one of its packages.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { AdvisoryDocument, PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { normaliseEcosystem, normaliseName } from '../matching/ecosystem.ts';
import type { Rule } from '../matching/rule.ts';
import type { PackageName, PackageRules } from '../store/feed-ports.ts';
import type { Raised } from '../triage/cve-facts.ts';

export function advisoriesIn(documents: readonly PolicyDocument[]): readonly AdvisoryDocument[] {
  return documents
    .flatMap((document) => (document.kind === 'Advisory' ? [document] : []))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** One rule per package that an advisory names. Its `record` is the advisory's name. */
export function rulesOf({ name, cves = [], affected, published, decision }: AdvisoryDocument): readonly Rule[] {
  return affected.map(({ ecosystem: given, package: of, ranges = [], versions = [] }): Rule => {
    const ecosystem = normaliseEcosystem(given)?.ecosystem ?? given;

    return {
      ...{ ecosystem, package: normaliseName(ecosystem, of), record: name, cves: [...cves] },
      status: ranges.some(({ fixed }) => fixed !== undefined) ? 'fixed' : 'open',
      ranges: ranges.map(({ introduced = null, fixed = null, lastAffected = null }) => ({
        // OSV's word for the first version there ever was.
        ...{ introduced: introduced === '0' ? null : introduced, fixed, lastAffected },
      })),
      ...(versions.length === 0 ? {} : { versions }),
      ...(decision === undefined ? {} : { urgency: decision }),
      published: (published.includes('T') ? published : `${published}T00:00:00Z`) as Timestamp,
    };
  });
}

/** Packages that advisories name: where a real record retires them. */
export function packagesOf(advisories: readonly AdvisoryDocument[]): readonly PackageName[] {
  const rules = advisories.flatMap(rulesOf);

  return [
    ...new Map(rules.map(({ ecosystem, package: of }) => [`${ecosystem} ${of}`, { ecosystem, package: of }])).values(),
  ];
}

/**
 * What advisories ask for, per CVE (per advisory where it names none). `known`: rules of all feeds for their packages: an advisory of which
 * another feed has one of the CVEs in one of the packages is retired, and asks for nothing any more.
 */
export function raisesOf(
  advisories: readonly AdvisoryDocument[],
  known: readonly PackageRules[],
): readonly { readonly cve: string; readonly raised: Raised }[] {
  return advisories.flatMap((advisory) => {
    const { name, cves = [], decision } = advisory;
    if (decision === undefined || isRetired(advisory, known)) return [];

    return (cves.length === 0 ? [name] : cves).map((cve) => ({ cve, raised: { to: decision, by: name } }));
  });
}

/** True when a real record of one of its CVEs is there for one of its packages. */
function isRetired(advisory: AdvisoryDocument, known: readonly PackageRules[]): boolean {
  const { cves = [] } = advisory;
  const names = new Set(rulesOf(advisory).map(({ ecosystem, package: of }) => `${ecosystem} ${of}`));

  return known.some(
    ({ feed, ecosystem, package: of, rules }) =>
      feed !== ADVISORY_FEED &&
      names.has(`${ecosystem} ${of}`) &&
      rules.some(
        (rule) => rule.withdrawn === undefined && cves.some((cve) => rule.cves.includes(cve) || rule.record === cve),
      ),
  );
}

/** As ../matching/sources.ts names it. */
export const ADVISORY_FEED = 'advisory';
