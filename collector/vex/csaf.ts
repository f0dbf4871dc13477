// CSAF 2.0 documents (profile VEX, and advisories with their statuses) as statements. Pure. A component of a platform is a word about
// that platform only; one of a platform that is not understood is kept and not applied.
import { z } from 'zod';
import type { VexProduct, VexStatement, VexStatus } from '../store/vex-ports.ts';
import { ecosystemOfCpe } from './purl.ts';
import {
  decoded,
  id,
  instant,
  invalidVex,
  machineKey,
  type ReadVex,
  sentence,
  weaknesses,
  weaknessId,
} from './shapes.ts';

/** Branches in branches: vendors use some six. */
const MAX_DEPTH = 32;
const MAX_LIST = 100_000;
/** Beside the CVE. */
const MAX_NAMES = 60;

const helper = z.looseObject({ purl: id.optional(), cpe: id.optional() });
const fullName = z.looseObject({ product_id: id, name: sentence, product_identification_helper: helper.optional() });
const ids = z.array(id).max(MAX_LIST);
const tree = z.looseObject({
  branches: z.array(z.unknown()).max(MAX_LIST).optional(),
  full_product_names: z.array(fullName).max(MAX_LIST).optional(),
  relationships: z
    .array(z.looseObject({ product_reference: id, relates_to_product_reference: id, full_product_name: fullName }))
    .max(MAX_LIST)
    .optional(),
  product_groups: z
    .array(z.looseObject({ group_id: id, product_ids: ids }))
    .max(MAX_LIST)
    .optional(),
});
const branch = z.looseObject({ branches: z.array(z.unknown()).max(MAX_LIST).optional(), product: fullName.optional() });
/** Key of product_status → status. `recommended` is advice, no word about a weakness. */
const STATUSES = {
  known_not_affected: 'not_affected',
  fixed: 'fixed',
  first_fixed: 'fixed',
  known_affected: 'affected',
  first_affected: 'affected',
  last_affected: 'affected',
  under_investigation: 'under_investigation',
} as const satisfies Record<string, VexStatus>;
const about = { product_ids: ids.optional(), group_ids: ids.optional() };
const vulnerability = z.looseObject({
  cve: weaknessId.optional(),
  ids: z
    .array(z.looseObject({ text: weaknessId }))
    .max(MAX_NAMES)
    .optional(),
  product_status: z.record(z.string(), ids).optional(),
  flags: z
    .array(z.looseObject({ label: id, ...about }))
    .max(MAX_LIST)
    .optional(),
  threats: z
    .array(z.looseObject({ category: id, details: sentence, ...about }))
    .max(MAX_LIST)
    .optional(),
});
const document = z.looseObject({
  document: z.looseObject({
    csaf_version: z.enum(['2.0', '2.1']),
    publisher: z.looseObject({ name: sentence.refine((text) => text !== '', 'the publisher is not named') }),
    tracking: z.looseObject({ id, version: id, current_release_date: instant }),
  }),
  product_tree: tree.optional(),
  vulnerabilities: z.array(vulnerability).max(MAX_LIST).optional(),
});
type Vulnerability = z.output<typeof vulnerability>;

export function isCsaf(value: unknown): boolean {
  const own = typeof value === 'object' && value !== null ? (value as { document?: unknown }).document : null;

  return typeof own === 'object' && own !== null && 'csaf_version' in own;
}

/** Throws VEX_INVALID. */
export function readCsaf(value: unknown): ReadVex {
  const read = decoded(document, value, 'CSAF document');
  const { publisher, tracking } = read.document;
  const products = productsOf(read.product_tree ?? {});
  const groups = new Map(read.product_tree?.product_groups?.map((group) => [group.group_id, group.product_ids]));

  return {
    ...{ format: 'csaf', document: tracking.id, version: tracking.version, author: publisher.name },
    at: tracking.current_release_date,
    statements: (read.vulnerabilities ?? []).flatMap((one) =>
      statementsOf(one, products, groups).map((each) => ({ ...each, at: tracking.current_release_date })),
    ),
  };
}

function statementsOf(
  one: Vulnerability,
  products: ReadonlyMap<string, VexProduct>,
  groups: ReadonlyMap<string, readonly string[]>,
): readonly Omit<VexStatement, 'at'>[] {
  const names = weaknesses([...(one.cve === undefined ? [] : [one.cve]), ...(one.ids ?? []).map(({ text }) => text)]);
  if (names.length === 0) return [];
  const why = reasons(one, groups);
  const statements: Omit<VexStatement, 'at'>[] = [];

  for (const [key, status] of Object.entries(STATUSES)) {
    // One statement per reason, as the reasons are given per product.
    const byReason = Map.groupBy(one.product_status?.[key] ?? [], (product) => JSON.stringify(why(product)));
    for (const [reason, members] of byReason) {
      const { justification, detail } = JSON.parse(reason) as ReturnType<typeof why>;
      statements.push({
        ...{ vulnerabilities: names, status, justification, detail },
        products: members.map((member) => {
          const product = products.get(member);
          if (product === undefined) throw invalidVex(`product_status names ${member}, which product_tree has not`);

          return product;
        }),
      });
    }
  }

  return statements;
}

/** Flags and impact statements of a product. */
function reasons(one: Vulnerability, groups: ReadonlyMap<string, readonly string[]>) {
  const of = (each: {
    readonly product_ids?: readonly string[] | undefined;
    readonly group_ids?: readonly string[] | undefined;
  }) => [...(each.product_ids ?? []), ...(each.group_ids ?? []).flatMap((group) => groups.get(group) ?? [])];
  const labels = new Map<string, string>();
  const details = new Map<string, string>();
  for (const flag of one.flags ?? []) for (const product of of(flag)) labels.set(product, flag.label);
  for (const threat of one.threats ?? []) {
    if (threat.category === 'impact') for (const product of of(threat)) details.set(product, threat.details);
  }

  return (product: string) => ({ justification: labels.get(product) ?? null, detail: details.get(product) ?? null });
}

interface Named {
  readonly purl: string | null;
  readonly cpe: string | null;
}

function productsOf(given: z.output<typeof tree>): ReadonlyMap<string, VexProduct> {
  const named = new Map<string, Named>();
  const put = ({ product_id, product_identification_helper: own }: z.output<typeof fullName>) =>
    named.set(product_id, { purl: own?.purl ?? null, cpe: own?.cpe ?? null });
  const walk = (branches: readonly unknown[], depth: number) => {
    if (depth > MAX_DEPTH) throw invalidVex(`its branches are deeper than ${MAX_DEPTH}`);
    for (const each of branches) {
      const { product, branches: more } = decoded(branch, each, 'branch of a CSAF document');
      if (product !== undefined) put(product);
      if (more !== undefined) walk(more, depth + 1);
    }
  };
  walk(given.branches ?? [], 0);
  for (const each of given.full_product_names ?? []) put(each);
  const products = new Map<string, VexProduct>();
  for (const [key, { purl }] of named) products.set(key, { id: key, purl, ecosystem: null, machine: machineKey(key) });

  for (const { product_reference, relates_to_product_reference: on, full_product_name: whole } of given.relationships ??
    []) {
    const machine = machineKey(on);
    const cpe = named.get(on)?.cpe;
    const ecosystem = cpe ? ecosystemOfCpe(cpe) : null;
    const purl = whole.product_identification_helper?.purl ?? named.get(product_reference)?.purl ?? null;
    const understood = machine !== null || ecosystem !== null;
    products.set(whole.product_id, { id: whole.product_id, purl: understood ? purl : null, ecosystem, machine });
  }

  return products;
}
