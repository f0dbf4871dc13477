// Days from the publication of a CVE to its fix, by vendor and product. Pure. It only speaks of what has both dates, and counts the rest.
import { percentile } from './cadence.ts';

export interface FixedCve {
  readonly vendor: string;
  readonly product: string;
  readonly cve: string;
  /** What brought the fix. */
  readonly record: string;
  /** Date; null: whoever says that it is fixed does not say since when. */
  readonly fixed: string | null;
}

export interface OpenCve {
  readonly vendor: string;
  readonly product: string;
  readonly cve: string;
}

export interface VendorDelay {
  readonly vendor: string;
  readonly product: string;
  /** CVEs with both dates. */
  readonly number: number;
  /** Of those, fixed on the day of publication or before. */
  readonly ahead: number;
  /** Days; null where there is none. Negative: before publication. */
  readonly median: number | null;
  readonly p90: number | null;
  readonly worst: { readonly days: number; readonly cve: string; readonly record: string } | null;
  readonly unknown: {
    /** Fixed, but nobody says when the CVE was published. */
    readonly publication: number;
    /** Fixed, but nobody says since when. */
    readonly fix: number;
    /** Not fixed yet: in no number above, which is why a vendor that fixes little can look fast. */
    readonly open: number;
  };
}

/** One CVE of one product counts once, by its first fix. `published`: CVE → date. */
export function delaysOf(
  fixed: Iterable<FixedCve>,
  open: Iterable<OpenCve>,
  published: ReadonlyMap<string, string>,
): readonly VendorDelay[] {
  const products = new Map<
    string,
    { vendor: string; product: string; first: Map<string, FixedCve>; open: Set<string> }
  >();
  const of = (vendor: string, product: string) => {
    const key = JSON.stringify([vendor, product]);
    const found = products.get(key) ?? { vendor, product, first: new Map<string, FixedCve>(), open: new Set<string>() };
    products.set(key, found);

    return found;
  };
  for (const one of fixed) {
    const { first } = of(one.vendor, one.product);
    const before = first.get(one.cve);
    if (before === undefined || isEarlier(one.fixed, before.fixed)) first.set(one.cve, one);
  }
  for (const { vendor, product, cve } of open) of(vendor, product).open.add(cve);

  return [...products.values()].map((each) => delayOf(each, published)).sort(slowestFirst);
}

function isEarlier(one: string | null, other: string | null): boolean {
  return one !== null && (other === null || one < other);
}

function delayOf(
  {
    vendor,
    product,
    first,
    open,
  }: { vendor: string; product: string; first: Map<string, FixedCve>; open: Set<string> },
  published: ReadonlyMap<string, string>,
): VendorDelay {
  const known: { days: number; cve: string; record: string }[] = [];
  let [publication, fix] = [0, 0];
  for (const { cve, record, fixed } of first.values()) {
    const since = published.get(cve);
    if (fixed === null) fix += 1;
    else if (since === undefined) publication += 1;
    else known.push({ days: daysBetween(since, fixed), cve, record });
  }
  known.sort((a, b) => a.days - b.days || (a.cve < b.cve ? -1 : 1));
  const days = known.map((each) => each.days);

  return {
    ...{ vendor, product, number: known.length, ahead: days.filter((each) => each <= 0).length },
    median: days.length === 0 ? null : percentile(days, 0.5),
    p90: days.length === 0 ? null : percentile(days, 0.9),
    worst: known.at(-1) ?? null,
    // Fixed in one package and open in another is both, and is counted as open too.
    unknown: { publication, fix, open: open.size },
  };
}

function daysBetween(from: string, to: string): number {
  return Temporal.PlainDate.from(from).until(Temporal.PlainDate.from(to)).days;
}

/** Who has no number comes last. */
function slowestFirst(a: VendorDelay, b: VendorDelay): number {
  return (
    (b.median ?? -Infinity) - (a.median ?? -Infinity) ||
    `${a.vendor} ${a.product}`.localeCompare(`${b.vendor} ${b.product}`, 'en')
  );
}
