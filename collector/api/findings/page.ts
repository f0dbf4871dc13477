// One page of a list that is never held whole: the best so far in order, the rest only counted. Pure.

/** What findings are ordered by, the first difference decides. Null comes last: it is not known, which is not zero. */
export type SortKey = readonly [
  decision: number,
  due: string | null,
  epss: number | null,
  cve: string,
  machine: string,
  software: number,
];

export class Page<T> {
  readonly #limit: number;
  readonly #after: SortKey | null;
  readonly #kept: { readonly key: SortKey; readonly thing: T }[] = [];
  #isMore = false;

  constructor(limit: number, after: SortKey | null) {
    this.#limit = limit;
    this.#after = after;
  }

  /** `make` is called only for what may be on the page. */
  offer(key: SortKey, make: () => T): void {
    if (this.#after !== null && compareKeys(key, this.#after) <= 0) return;
    const last = this.#kept.at(-1);
    if (this.#kept.length === this.#limit && last !== undefined && compareKeys(key, last.key) > 0) {
      this.#isMore = true;

      return;
    }
    this.#kept.splice(this.#placeOf(key), 0, { key, thing: make() });
    if (this.#kept.length > this.#limit) {
      this.#kept.pop();
      this.#isMore = true;
    }
  }

  things(): readonly T[] {
    return this.#kept.map(({ thing }) => thing);
  }

  /** Where the next page begins; null: there is none. */
  next(): SortKey | null {
    return this.#isMore ? (this.#kept.at(-1)?.key ?? null) : null;
  }

  #placeOf(key: SortKey): number {
    let [low, high] = [0, this.#kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.#kept[middle];
      if (at !== undefined && compareKeys(at.key, key) <= 0) low = middle + 1;
      else high = middle;
    }

    return low;
  }
}

export function compareKeys(one: SortKey, other: SortKey): number {
  return (
    one[0] - other[0] ||
    nullLast(one[1], other[1], compareTexts) ||
    // The highest first.
    nullLast(one[2], other[2], (a, b) => b - a) ||
    compareTexts(one[3], other[3]) ||
    compareTexts(one[4], other[4]) ||
    one[5] - other[5]
  );
}

function nullLast<V>(one: V | null, other: V | null, compare: (a: V, b: V) => number): number {
  if (one === null || other === null) return (one === null ? 1 : 0) - (other === null ? 1 : 0);

  return compare(one, other);
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function encodeKey(key: SortKey): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** Null for what no page has given out. */
export function decodeKey(text: string): SortKey | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    // Not ours; the caller says so.
    return null;
  }
  if (!Array.isArray(value) || value.length !== 6) return null;
  const [decision, due, epss, cve, machine, id] = value;
  const isKey =
    typeof decision === 'number' &&
    (due === null || typeof due === 'string') &&
    (epss === null || typeof epss === 'number') &&
    typeof cve === 'string' &&
    typeof machine === 'string' &&
    typeof id === 'number';

  return isKey ? [decision, due, epss, cve, machine, id] : null;
}
