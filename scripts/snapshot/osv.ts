// The shape of an OSV record as far as the snapshot keeps it, and how a full one is reduced to its facts: ids, dates, packages,
// versions, scores. Prose, links and lists of versions that the ranges say already stay behind.

export interface OsvAffected {
  readonly package: { readonly ecosystem: string; readonly name: string; readonly purl?: string };
  readonly ranges?: readonly { readonly type: string; readonly events: readonly Readonly<Record<string, string>>[] }[];
  readonly ecosystem_specific?: Readonly<Record<string, unknown>>;
  readonly database_specific?: Readonly<Record<string, unknown>>;
}

export interface OsvRecord {
  readonly id: string;
  readonly modified: string;
  readonly published?: string;
  readonly withdrawn?: string;
  readonly summary?: string;
  readonly aliases?: readonly string[];
  readonly upstream?: readonly string[];
  readonly related?: readonly string[];
  readonly severity?: readonly { readonly type: string; readonly score: string }[];
  readonly affected: readonly OsvAffected[];
}

const CVE = /^CVE-\d{4}-\d{4,}$/;

export function cvesOf(record: OsvRecord): readonly string[] {
  return [record.id, ...(record.aliases ?? []), ...(record.upstream ?? []), ...(record.related ?? [])].filter((id) =>
    CVE.test(id),
  );
}

/** One id, two files: what is affected, and what it is about, is that of both. */
export function joined(first: OsvRecord | undefined, second: OsvRecord): OsvRecord {
  if (first === undefined) return second;
  const related = [...new Set([...(first.related ?? []), ...(second.related ?? [])])];

  return { ...first, ...(related.length === 0 ? {} : { related }), affected: [...first.affected, ...second.affected] };
}

/** `modified` becomes the date of the whole set: it changes with every export and says nothing of the record. */
export function reducedOsv(record: OsvRecord, asOf: string): OsvRecord {
  const related = CVE.test(record.id) ? [] : (record.related ?? []).filter((id) => CVE.test(id));

  return {
    id: record.id,
    modified: asOf,
    ...(record.published === undefined ? {} : { published: record.published }),
    ...(record.withdrawn === undefined ? {} : { withdrawn: record.withdrawn }),
    ...(record.summary === undefined ? {} : { summary: record.summary }),
    ...(record.aliases === undefined ? {} : { aliases: record.aliases }),
    ...(record.upstream === undefined ? {} : { upstream: record.upstream }),
    ...(related.length === 0 ? {} : { related }),
    ...(record.severity === undefined ? {} : { severity: record.severity }),
    affected: record.affected.map(({ package: { ecosystem, name }, ranges, ecosystem_specific: specific }) => ({
      package: { ecosystem, name },
      ...(ranges === undefined ? {} : { ranges }),
      ...(specific?.urgency === undefined ? {} : { ecosystem_specific: { urgency: specific.urgency } }),
    })),
  };
}
