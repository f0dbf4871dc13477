// One CSAF document of Red Hat (an advisory, or the VEX of one CVE) → rules. Pure.
import type { DistroStatus, Rule } from '../../matching/rule.ts';
import type { Csaf, CsafRemediation, CsafVulnerability } from '../csaf/document.ts';
import { CVE_ID, shortened, timeOf } from '../decode/words.ts';
import { productsOf, type RpmProduct } from './products.ts';

const ALL = { introduced: null, fixed: null, lastAffected: null } as const;
const DEBUG = /-(debuginfo|debugsource|debuginfo-common|debug-debuginfo)$/;
const ADVISORY = /\b(RH[SBE]A-\d{4}:\d{3,6})\b/;

interface Draft {
  readonly rule: Omit<Rule, 'cves'>;
  readonly cves: Set<string>;
}

/** Throws RangeError where the document has more products than any has. */
export function rulesOfCsaf(csaf: Csaf): readonly Rule[] {
  const products = productsOf(csaf.product_tree);
  const drafts = new Map<string, Draft>();
  const isVex = csaf.document.category === 'csaf_vex';

  for (const vulnerability of csaf.vulnerabilities ?? []) {
    const cve = vulnerability.cve && CVE_ID.test(vulnerability.cve) ? vulnerability.cve : null;
    const take = (
      ids: readonly string[] | undefined,
      ruleOf: (product: RpmProduct, id: string) => Omit<Rule, 'cves'> | null,
    ) => {
      for (const id of ids ?? []) {
        const product = products.get(id);
        const rule = product && !DEBUG.test(product.name) ? ruleOf(product, id) : null;
        if (rule !== null) add(drafts, rule, cve);
      }
    };

    const fix = fixesOf(csaf, vulnerability);
    const binaries = new Set(
      (vulnerability.product_status?.fixed ?? []).flatMap((id) => {
        const product = products.get(id);
        return product && !product.isSource ? [buildKey(product)] : [];
      }),
    );
    take(vulnerability.product_status?.fixed, (product, id) => {
      if (product.version === null) return null;
      // The source package of what is there as binary packages too would only say it a second time. A VEX is about many sources.
      if (product.isSource && binaries.has(buildKey(product))) return null;

      return {
        ...base(product, fix.record(id), 'fixed'),
        ranges: [{ ...ALL, fixed: product.version }],
        ...fix.about(id),
      };
    });
    // Only the VEX of a CVE speaks of packages as such; an advisory's "not affected" is about the builds it brings.
    if (!isVex) continue;
    const remediations = byProduct(vulnerability.remediations ?? []);
    const about = publishedOf(vulnerability, csaf);
    const record = csaf.document.tracking.id;
    const asSuch = (status: (id: string) => DistroStatus) => (product: RpmProduct, id: string) =>
      product.version === null
        ? {
            ...base(product, record, status(id)),
            ranges: status(id) === 'not-affected' ? [] : [ALL],
            ...about,
          }
        : null;
    take(
      vulnerability.product_status?.known_affected,
      asSuch((id) => affectedStatus(remediations.get(id))),
    );
    take(
      vulnerability.product_status?.known_not_affected,
      asSuch(() => 'not-affected'),
    );
    take(
      vulnerability.product_status?.under_investigation,
      asSuch(() => 'undetermined'),
    );
  }

  return [...drafts.values()].map(({ rule, cves }) => ({ ...rule, cves: [...cves] }));
}

function base(product: RpmProduct, record: string, status: DistroStatus) {
  const { ecosystem, pocket, name, module, isSource } = product;

  return {
    ...{ ecosystem, package: name, record, status, names: isSource ? ('source' as const) : ('binary' as const) },
    ...(module !== null && { module }),
    ...(pocket !== null && { pocket }),
  };
}

/** The same package of several architectures and repositories is one rule. */
function add(drafts: Map<string, Draft>, rule: Omit<Rule, 'cves'>, cve: string | null): void {
  const { ecosystem, pocket, module, names, record, status, ranges } = rule;
  const key = JSON.stringify([ecosystem, pocket, rule.package, module, names, record, status, ranges[0]?.fixed]);
  const draft = drafts.get(key) ?? { rule, cves: new Set<string>() };
  if (cve !== null) draft.cves.add(cve);
  drafts.set(key, draft);
}

/** Binary packages have version and release of their source, and say an epoch that it may not say. */
function buildKey({ ecosystem, pocket, module, version }: RpmProduct): string {
  return `${ecosystem} ${pocket} ${module} ${version?.replace(/^\d+:/, '')}`;
}

interface Fixes {
  record(id: string): string;
  about(id: string): { readonly published?: Rule['published'] & string; readonly urgency?: string };
}

/** Which advisory fixed a product, and when it came: an advisory is that itself, a VEX names them one by one. */
function fixesOf(csaf: Csaf, vulnerability: CsafVulnerability): Fixes {
  const { tracking, category } = csaf.document;
  if (category !== 'csaf_vex') {
    const about = { ...urgencyOf(csaf, vulnerability), ...published(tracking.initial_release_date) };

    return { record: () => tracking.id, about: () => about };
  }
  const fixes = byProduct((vulnerability.remediations ?? []).filter(({ category: each }) => each === 'vendor_fix'));

  return {
    record: (id) => ADVISORY.exec(fixes.get(id)?.url ?? '')?.[1] ?? tracking.id,
    about: (id) => ({ ...urgencyOf(csaf, vulnerability), ...published(fixes.get(id)?.date) }),
  };
}

function publishedOf(vulnerability: CsafVulnerability, csaf: Csaf) {
  return { ...urgencyOf(csaf, vulnerability), ...published(vulnerability.release_date) };
}

function published(text: string | undefined) {
  const time = timeOf(text);

  return time === null ? {} : { published: time };
}

function urgencyOf(csaf: Csaf, { threats }: CsafVulnerability) {
  const impact = threats?.find(({ category }) => category === 'impact')?.details;
  const word = impact ?? csaf.document.aggregate_severity?.text;

  return word === undefined ? {} : { urgency: shortened(word, 40) };
}

/** Workarounds are no answer to "will there be a fix"; of two answers the first stands. */
function byProduct(remediations: readonly CsafRemediation[]): ReadonlyMap<string, CsafRemediation> {
  const found = new Map<string, CsafRemediation>();
  for (const one of remediations) {
    if (one.category === 'workaround' || one.category === 'mitigation') continue;
    for (const id of one.product_ids ?? []) if (!found.has(id)) found.set(id, one);
  }

  return found;
}

/** Red Hat's words: access.redhat.com/articles/5554431 ("Affected", "Fix deferred", "Will not fix", "Out of support scope"). */
function affectedStatus(remediation: CsafRemediation | undefined): DistroStatus {
  const details = remediation?.details?.slice(0, 200).toLowerCase() ?? '';
  if (remediation?.category === 'no_fix_planned') return details.includes('out of support') ? 'end-of-life' : 'ignored';
  if (remediation?.category === 'none_available' && details.includes('deferred')) return 'postponed';

  return 'open';
}
