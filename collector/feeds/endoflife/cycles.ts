// The three shapes in which endoflife.date gives release cycles → one. Pure.
import * as z from 'zod';
import { dateOf, shortened } from '../decode/words.ts';
import type { ReleaseCycle } from '../feed.ts';

const NAME = /^[a-z0-9][a-z0-9._+-]{0,99}$/;
/** Cycles of one product; Google's Chrome has some 150. */
const MAX_CYCLES = 2000;

const word = z.union([z.string(), z.number()]).transform(String).pipe(z.string().min(1).max(200));
const when = z.union([z.string().max(40), z.boolean()]).nullish();

/** `/api/v1/products/NAME` and `/api/v1/products/full`. */
const release = z.object({
  ...{ name: word, releaseDate: when, isEol: z.boolean().nullish(), eolFrom: when, isEoas: z.boolean().nullish() },
  ...{ eoasFrom: when, isEoes: z.boolean().nullish(), eoesFrom: when },
  latest: z.object({ name: word, date: when }).nullish(),
});
const product = z.object({ name: z.string().regex(NAME), releases: z.array(z.unknown()).max(MAX_CYCLES) });
const v1 = z.object({ result: z.union([product, z.array(z.unknown())]), generated_at: z.string().optional() });

/** `/api/NAME.json`, and `releases:` of `products/NAME.md`. */
const cycle = z.object({
  ...{ cycle: word.optional(), releaseCycle: word.optional(), releaseDate: when, eol: when, support: when, eoas: when },
  ...{ extendedSupport: when, eoes: when, latest: word.nullish(), latestReleaseDate: when },
});

export interface CyclesReading {
  readonly cycles: readonly ReleaseCycle[];
  readonly problems: readonly { readonly name: string; readonly reason: string }[];
  readonly asOf: string | null;
}

/** Of either API; null where it is neither. `name`: of the file, which is the product's in the old one. */
export function cyclesOfApi(value: unknown, name: string): CyclesReading | null {
  if (Array.isArray(value)) return cyclesOfList(nameOf(name), value);
  const parsed = v1.safeParse(value);
  if (!parsed.success) return null;
  const { result, generated_at } = parsed.data;
  const readings = (Array.isArray(result) ? result : [result]).map((one) => {
    const read = product.safeParse(one);
    return read.success
      ? each(read.data.name, read.data.releases, release, ofRelease)
      : { cycles: [], problems: [{ name: 'product', reason: 'it has no name or no releases' }] };
  });

  return {
    cycles: readings.flatMap(({ cycles }) => cycles),
    problems: readings.flatMap(({ problems }) => problems),
    asOf: generated_at ?? null,
  };
}

/** Null where the product has no name that could be one. */
export function cyclesOfList(name: string, list: readonly unknown[]): CyclesReading | null {
  if (!NAME.test(name) || list.length > MAX_CYCLES) return null;

  return { ...each(name, list, cycle, ofCycle), asOf: null };
}

/** `api/debian.json`, `products/debian.md` → `debian`. */
export function nameOf(file: string): string {
  return (/([^/\\?]+?)(\.json|\.md)?(\?.*)?$/.exec(file)?.[1] ?? '').toLowerCase();
}

function each<T>(
  name: string,
  list: readonly unknown[],
  shape: z.ZodType<T>,
  make: (name: string, one: T) => ReleaseCycle | null,
): Pick<CyclesReading, 'cycles' | 'problems'> {
  const cycles: ReleaseCycle[] = [];
  const problems: { name: string; reason: string }[] = [];
  const seen = new Set<string>();
  for (const one of list) {
    const parsed = shape.safeParse(one);
    const made = parsed.success ? make(name, parsed.data) : null;
    if (made === null) problems.push({ name, reason: 'a release is not what it must be' });
    else if (seen.has(made.cycle)) problems.push({ name, reason: `${shortened(made.cycle, 40)} is there twice` });
    else {
      seen.add(made.cycle);
      cycles.push(made);
    }
  }

  return { cycles, problems };
}

function ofRelease(name: string, one: z.infer<typeof release>): ReleaseCycle {
  return {
    ...{ product: name, cycle: one.name, released: date(one.releaseDate) },
    eol: end(one.eolFrom ?? one.isEol),
    support: end(one.eoasFrom ?? one.isEoas),
    extended: end(one.eoesFrom ?? one.isEoes),
    latest: one.latest?.name ?? null,
    latestDate: date(one.latest?.date),
  };
}

function ofCycle(name: string, one: z.infer<typeof cycle>): ReleaseCycle | null {
  const called = one.cycle ?? one.releaseCycle;
  if (called === undefined) return null;

  return {
    ...{ product: name, cycle: called, released: date(one.releaseDate), eol: end(one.eol) },
    support: turned(end(one.support ?? one.eoas), one.support !== undefined && one.support !== null),
    extended: turned(
      end(one.extendedSupport ?? one.eoes),
      one.extendedSupport !== undefined && one.extendedSupport !== null,
    ),
    latest: one.latest ?? null,
    latestDate: date(one.latestReleaseDate),
  };
}

/** In the old API `support: true` is "there is support", everywhere else true is "has ended". */
function turned(value: string | boolean | null, isOld: boolean): string | boolean | null {
  return typeof value === 'boolean' && isOld ? !value : value;
}

/** A date, whether it has ended where only that is said, or null. */
function end(value: string | boolean | null | undefined): string | boolean | null {
  return typeof value === 'boolean' ? value : date(value);
}

function date(value: string | boolean | null | undefined): string | null {
  return typeof value === 'string' ? dateOf(value) : null;
}
