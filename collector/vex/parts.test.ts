import { expect, it } from 'vitest';
import type { VexStatement } from '../store/vex-ports.ts';
import { inParts, PRODUCTS_AT_ONCE, statementsOf } from './parts.ts';
import type { ReadVex } from './shapes.ts';
import { productSample, statementSample } from './testing/samples.ts';

const products = (count: number) => Array.from({ length: count }, (_, n) => productSample(`pkg:deb/debian/p${n}`));
const read = (statements: readonly VexStatement[]): ReadVex => ({
  ...{ format: 'openvex', document: 'd', version: null, author: 'a', at: '2026-11-10T08:00:00Z', statements },
});
function taken(parts: readonly Uint8Array[]) {
  const steps = statementsOf(parts);
  for (let count = 0; ; count++) {
    const step = steps.next();
    if (step.done) return { count, statements: step.value };
  }
}

it('what a thread has read comes out word for word in its order, no part of it large', () => {
  const said = [
    statementSample({ detail: 'one', products: products(1) }),
    statementSample({ detail: 'large', status: 'fixed', products: products(2 * PRODUCTS_AT_ONCE + 1) }),
    ...Array.from({ length: 1200 }, (_, n) => statementSample({ detail: `small ${n}`, products: products(1) })),
  ];
  const { parts, statements, statuses } = inParts(read(said));
  const found = taken(parts);

  // As its author counts them, whatever it takes to keep them.
  expect([statements, statuses]).toEqual([1202, { not_affected: 1201, fixed: 1 }]);
  expect(found.count).toBe(parts.length);
  for (const part of parts) {
    const some = JSON.parse(new TextDecoder().decode(part)) as readonly VexStatement[];
    expect(some.flatMap((each) => each.products).length).toBeLessThanOrEqual(PRODUCTS_AT_ONCE);
  }
  const [one, ...rest] = found.statements;
  expect(one).toEqual(said[0]);
  expect(rest.slice(0, 3).flatMap((each) => each.products)).toEqual(said[1]?.products);
  expect(rest.slice(3)).toEqual(said.slice(2));
});

it('the latest moment of a document is told, of whichever statement or of the document itself', () => {
  const later = statementSample({ at: '2026-11-12T08:00:00+02:00' as VexStatement['at'] });

  expect(inParts(read([statementSample(), later, statementSample()])).latest).toBe('2026-11-12T06:00:00Z');
  expect(inParts(read([statementSample({ at: '2026-01-01T00:00:00Z' as VexStatement['at'] })])).latest).toBe(
    '2026-11-10T08:00:00Z',
  );
});
