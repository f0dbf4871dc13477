// What a thread has read, in parts that the event loop can take one by one: its statements as JSON, some products at a time. Bytes are
// handed over without being copied; plain objects would be copied all at once. Pure.
import type { VexStatement } from '../store/vex-ports.ts';
import type { ReadVex } from './shapes.ts';

/** Products of one statement as it is kept, and of one part; what is said of more is said in several. */
export const PRODUCTS_AT_ONCE = 1000;
/** Statements about few products each. */
const STATEMENTS_AT_ONCE = 500;

/** What a thread answers. */
export interface VexInParts extends Omit<ReadVex, 'statements'> {
  /** JSON of a list of statements each, in their order. */
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
  /** Statements as the document counts them, and by their status. */
  readonly statements: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** The latest moment of which it says that something was said then. */
  readonly latest: string;
}

export function inParts({ statements, ...head }: ReadVex): VexInParts {
  const groups = Map.groupBy(statements, ({ status }) => status);
  const moments = [head.at, ...statements.map(({ at }) => at)].map((at) => Temporal.Instant.from(at));
  const encoder = new TextEncoder();
  const parts = Array.from(grouped(statements.flatMap(divided)), (some) => encoder.encode(JSON.stringify(some)));

  return {
    ...head,
    ...{ parts, statements: statements.length },
    statuses: Object.fromEntries([...groups].map(([status, all]) => [status, all.length])),
    latest: moments.reduce((one, other) => (Temporal.Instant.compare(one, other) < 0 ? other : one)).toString(),
  };
}

/** The statements again, a step for each part. */
export function* statementsOf(parts: readonly Uint8Array[]): Generator<void, readonly VexStatement[]> {
  const decoder = new TextDecoder();
  const all: VexStatement[] = [];
  for (const part of parts) {
    // The thread is ours, and the store checks each of them before it is kept.
    all.push(...(JSON.parse(decoder.decode(part)) as VexStatement[]));
    yield;
  }

  return all;
}

/** The same said of some products at a time. */
function divided(statement: VexStatement): readonly VexStatement[] {
  const { products } = statement;
  if (products.length <= PRODUCTS_AT_ONCE) return [statement];

  return Array.from({ length: Math.ceil(products.length / PRODUCTS_AT_ONCE) }, (_, index) => ({
    ...statement,
    products: products.slice(index * PRODUCTS_AT_ONCE, (index + 1) * PRODUCTS_AT_ONCE),
  }));
}

function* grouped(statements: readonly VexStatement[]): Generator<readonly VexStatement[]> {
  let some: VexStatement[] = [];
  let products = 0;
  for (const statement of statements) {
    if (
      some.length === STATEMENTS_AT_ONCE ||
      (some.length > 0 && products + statement.products.length > PRODUCTS_AT_ONCE)
    ) {
      yield some;
      [some, products] = [[], 0];
    }
    some.push(statement);
    products += statement.products.length;
  }
  if (some.length > 0) yield some;
}
