// Product ids of a CSAF document of Red Hat → which package of which release of RHEL they are. Pure.
import { PackageURL } from 'packageurl-js';
import * as z from 'zod';
import type { Csaf } from '../csaf/document.ts';

export interface RpmProduct {
  /** `RedHat:9`. */
  readonly ecosystem: string;
  /** A paid extension of a minor release, such as `eus-8.6`; null: for everybody. */
  readonly pocket: string | null;
  readonly name: string;
  /** epoch:version-release; null where the product is the package as such. */
  readonly version: string | null;
  readonly isSource: boolean;
  /** `nodejs:18`. */
  readonly module: string | null;
}

const product = z.object({
  product_id: z.string().max(1000),
  name: z.string().optional(),
  product_identification_helper: z.object({ cpe: z.string().optional(), purl: z.string().optional() }).optional(),
});
const branch = z.object({ branches: z.array(z.unknown()).optional(), product: z.unknown().optional() });

/** Branches below each other; Red Hat has four. */
const MAX_DEPTH = 12;
/** Products and relationships of one document; a kernel advisory has some 20,000. */
const MAX_PRODUCTS = 500_000;

interface Named {
  readonly cpe: string | null;
  readonly purl: string | null;
}

/** Product id → package. What is no package of RHEL (containers, OpenShift, middleware) is left out. Throws RangeError above the bounds. */
export function productsOf(tree: Csaf['product_tree']): ReadonlyMap<string, RpmProduct> {
  const named = namedIn(tree?.branches ?? []);
  for (const one of tree?.full_product_names ?? []) add(named, one);
  const found = new Map<string, RpmProduct>();
  const relationships = tree?.relationships ?? [];
  if (relationships.length > MAX_PRODUCTS) throw new RangeError(`more than ${MAX_PRODUCTS} relationships`);

  for (const { product_reference, relates_to_product_reference, full_product_name } of relationships) {
    const release = releaseOf(named.get(relates_to_product_reference)?.cpe ?? null);
    const rpm = rpmOf(product_reference, named.get(product_reference)?.purl ?? null);
    if (release !== null && rpm !== null) found.set(full_product_name.product_id, { ...release, ...rpm });
  }

  return found;
}

function namedIn(branches: readonly unknown[]): Map<string, Named> {
  const named = new Map<string, Named>();
  let level = branches;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth >= MAX_DEPTH) throw new RangeError(`branches more than ${MAX_DEPTH} deep`);
    const next: unknown[] = [];
    for (const one of level) {
      const parsed = branch.safeParse(one);
      if (!parsed.success) continue;
      if (parsed.data.product !== undefined) add(named, parsed.data.product);
      for (const each of parsed.data.branches ?? []) next.push(each);
      if (next.length > MAX_PRODUCTS) throw new RangeError(`more than ${MAX_PRODUCTS} branches`);
    }
    level = next;
  }

  return named;
}

function add(named: Map<string, Named>, value: unknown): void {
  const parsed = product.safeParse(value);
  if (!parsed.success) return;
  const { product_id, product_identification_helper: helper } = parsed.data;
  named.set(product_id, { cpe: helper?.cpe ?? null, purl: helper?.purl ?? null });
}

/** `cpe:/o:redhat:enterprise_linux:9::baseos`, `cpe:/a:redhat:rhel_eus:8.6::appstream`. */
export function releaseOf(cpe: string | null): { readonly ecosystem: string; readonly pocket: string | null } | null {
  const parts = /^cpe:\/[oa]:redhat:(enterprise_linux|rhel_([a-z0-9_]+)):(\d{1,2})(\.\d{1,2})?(?::|$)/.exec(cpe ?? '');
  if (!parts) return null;
  const [, , extension, major, minor = ''] = parts;
  if (extension === undefined) return { ecosystem: `RedHat:${major}`, pocket: null };
  // Those that serve packages of RHEL itself; rhel_software_collections and others are products of their own.
  if (!['eus', 'aus', 'tus', 'e4s', 'els', 'eus_long_life'].includes(extension)) return null;

  return { ecosystem: `RedHat:${major}`, pocket: `${extension}-${major}${minor}` };
}

/** `sudo-0:1.9.5p2-1.el8_6.src`, `firefox`, `nodejs:18/nodejs`; the package URL says the rest. */
export function rpmOf(id: string, purl: string | null): Omit<RpmProduct, 'ecosystem' | 'pocket'> | null {
  const url = purl === null ? null : parsed(purl);
  if (purl !== null && (url === null || url.type !== 'rpm')) return null;
  const inModule = /^([a-z0-9._+-]+:[A-Za-z0-9._+-]+)\/(.+)$/.exec(id);
  const name = url?.name ?? inModule?.[2] ?? id;
  if (!/^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$/.test(name)) return null;

  const stream = /^([^:]+:[^:]+)/.exec(url?.qualifiers?.rpmmod ?? '')?.[1] ?? inModule?.[1] ?? moduleSuffix(id);
  const arch = url?.qualifiers?.arch ?? /\.([a-z0-9_]+)(?:\.rpm.*)?$/.exec(id)?.[1];
  const epoch = url?.qualifiers?.epoch ?? /-(\d{1,9}):/.exec(id)?.[1] ?? '0';

  return {
    name,
    version: url?.version ? `${epoch}:${url.version}` : null,
    isSource: arch === 'src' || url === null,
    module: stream,
  };
}

/** `ruby-2.5.9-111.module+el8.9.0+19193+435404ae.x86_64.rpm-ruby:2.5`, and `….x86_64::ruby:2.5` since 2025. */
function moduleSuffix(id: string): string | null {
  return /(?:\.rpm-|::)([a-z0-9._+-]+:[A-Za-z0-9._+-]+)$/.exec(id)?.[1] ?? null;
}

function parsed(purl: string): PackageURL | null {
  if (purl.length > 1000) return null;
  try {
    return PackageURL.fromString(purl);
  } catch {
    // Not a package URL: then it names no package.
    return null;
  }
}
