// What several records of one feed say about one CVE, as one. Pure: the same for any order of them.
import type { CveFactsPart, CvssScore } from '../../triage/cve-facts.ts';

/** Lists are joined, each entry once; of a date the earliest counts, of anything else the first by its text. */
export function mergeFacts(parts: readonly CveFactsPart[]): CveFactsPart {
  const [first, ...others] = [...new Map(parts.map((part) => [JSON.stringify(part), part]))].sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  if (first === undefined) return {};
  if (others.length === 0) return first[1];
  const all = [first, ...others].map(([, part]) => part);
  const cvss = new Map<string, CvssScore>();
  for (const score of all.flatMap((part) => part.cvss ?? [])) cvss.set(JSON.stringify(score), score);
  const published = all.flatMap((part) => part.published ?? []).sort((a, b) => Temporal.Instant.compare(a, b));
  const lists = {
    ...(cvss.size === 0 ? {} : { cvss: [...cvss.values()] }),
    ...joined('cwe', all),
    ...joined('references', all),
    ...(published[0] === undefined ? {} : { published: published[0] }),
  };

  return { ...Object.assign({}, ...all.toReversed()), ...lists };
}

function joined(name: 'cwe' | 'references', parts: readonly CveFactsPart[]): CveFactsPart {
  const texts = [...new Set(parts.flatMap((part) => part[name] ?? []))].sort();

  return texts.length === 0 ? {} : { [name]: texts };
}
