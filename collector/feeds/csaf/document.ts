// The parts of a CSAF 2.0 document that are used here, of whatever vendor: what is checked, and what it says of itself. Pure.
// docs.oasis-open.org/csaf/csaf/v2.0: section 3.2 (properties), 4 (profiles: csaf_security_advisory, csaf_vex …).
import * as z from 'zod';
import type { CveFactsPart, CvssScore } from '../../triage/cve-facts.ts';
import { cvssScore } from '../decode/cvss.ts';
import { CVE_ID, shortened, timeOf } from '../decode/words.ts';
import type { Bulletin } from '../feed.ts';

const text = z.string();
const ids = z.array(text);
const statuses = z.object({
  ...{ fixed: ids.optional(), first_fixed: ids.optional(), known_affected: ids.optional() },
  ...{ known_not_affected: ids.optional(), under_investigation: ids.optional() },
});
const remediation = z.object({
  category: text,
  details: text.optional(),
  date: text.optional(),
  url: text.optional(),
  product_ids: ids.optional(),
  group_ids: ids.optional(),
});
const score = z.object({ cvss_v2: z.unknown(), cvss_v3: z.unknown(), cvss_v4: z.unknown() }).partial();
const vulnerability = z.object({
  cve: text.optional(),
  cwe: z.object({ id: text }).optional(),
  title: text.optional(),
  release_date: text.optional(),
  product_status: statuses.optional(),
  remediations: z.array(remediation).optional(),
  references: z.array(z.object({ url: text })).optional(),
  scores: z.array(score).optional(),
  threats: z.array(z.object({ category: text, details: text.optional() })).optional(),
});

const csaf = z.object({
  document: z.object({
    category: text,
    title: text.optional(),
    publisher: z.object({ name: text }).optional(),
    aggregate_severity: z.object({ text: text }).optional(),
    references: z.array(z.object({ category: text.optional(), url: text })).optional(),
    tracking: z.object({
      id: text.min(1).max(200),
      status: text.optional(),
      initial_release_date: text.optional(),
      current_release_date: text.optional(),
    }),
  }),
  product_tree: z
    .object({
      branches: z.array(z.unknown()).optional(),
      full_product_names: z.array(z.unknown()).optional(),
      relationships: z
        .array(
          z.object({
            product_reference: text,
            relates_to_product_reference: text,
            full_product_name: z.object({ product_id: text }),
          }),
        )
        .optional(),
    })
    .optional(),
  vulnerabilities: z.array(vulnerability).optional(),
});

export type Csaf = z.infer<typeof csaf>;
export type CsafVulnerability = z.infer<typeof vulnerability>;
export type CsafRemediation = z.infer<typeof remediation>;

/** References kept of one CVE, and the characters of one. */
const MAX_REFERENCES = 20;
const MAX_URL = 500;
const MAX_TITLE = 200;

/** The document, or what is wrong with it in words. */
export function parseCsaf(value: unknown): Csaf | string {
  const parsed = csaf.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;

  return `this is no CSAF document: ${issue?.path.join('.') || 'the whole'}: ${issue?.message}`;
}

/** What it announces; null where it has no date. */
export function bulletinOf(
  csaf: Csaf,
  { vendor, product }: { vendor: string; product: string | null },
): Bulletin | null {
  const { document } = csaf;
  const published = timeOf(document.tracking.initial_release_date);
  if (published === null) return null;
  const self = document.references?.find(({ category, url }) => category === 'self' && !url.endsWith('.json'));

  return {
    id: shortened(document.tracking.id, MAX_TITLE),
    vendor,
    product,
    title: shortened(document.title ?? document.tracking.id, MAX_TITLE),
    url: httpsUrl(self?.url),
    published,
    cves: [...new Set((csaf.vulnerabilities ?? []).map(({ cve }) => cve ?? '').filter((cve) => CVE_ID.test(cve)))],
  };
}

/** What it says of a CVE wherever that is; null where the vulnerability has no CVE. */
export function factsOf(one: CsafVulnerability, source: string): { cve: string; facts: CveFactsPart } | null {
  if (one.cve === undefined || !CVE_ID.test(one.cve)) return null;
  const scores = (one.scores ?? []).flatMap(({ cvss_v2, cvss_v3, cvss_v4 }) =>
    [cvss_v4, cvss_v3, cvss_v2].flatMap((each) => cvssScore(each, source) ?? []),
  );
  const published = timeOf(one.release_date);
  const references = (one.references ?? []).flatMap(({ url }) => httpsUrl(url) ?? []);

  return {
    cve: one.cve,
    facts: {
      ...(scores.length > 0 && { cvss: distinct(scores) }),
      ...(published !== null && { published }),
      ...(one.cwe && /^CWE-\d{1,6}$/.test(one.cwe.id) && { cwe: [one.cwe.id] }),
      ...(one.title && { title: shortened(one.title, MAX_TITLE) }),
      ...(references.length > 0 && { references: [...new Set(references)].slice(0, MAX_REFERENCES) }),
    },
  };
}

export function distinct(scores: readonly CvssScore[]): readonly CvssScore[] {
  return [...new Map(scores.map((each) => [`${each.vector} ${each.source}`, each])).values()];
}

/** An address that may be shown; null for anything else. */
export function httpsUrl(url: string | undefined): string | null {
  return url !== undefined && url.length <= MAX_URL && /^https?:\/\/[^\s"'<>]+$/.test(url) ? url : null;
}
