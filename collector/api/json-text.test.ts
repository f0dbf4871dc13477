import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { jsonPieces, jsonSteps } from './json-text.ts';

describe('when a long answer is written in pieces', () => {
  it.each([0, 2])('together they are the JSON of the value, indented by %i', (indent) => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 12 }), (value) => {
        expect([...jsonPieces(value, indent)].join('')).toBe(JSON.stringify(value, null, indent));
      }),
    );
  });

  it('what is not said is left out, and empty lists and objects are as they are', () => {
    const value = { a: undefined, b: [], c: {}, d: [undefined, { e: undefined }], f: null };

    for (const indent of [0, 2])
      expect([...jsonPieces(value, indent)].join('')).toBe(JSON.stringify(value, null, indent));
  });

  it('no piece is long, also of one long text, and a text that is cut within a character is read again as it was', () => {
    const text = 'x'.repeat(16 * 1024 - 1) + '😀"\n'.repeat(20_000);
    const value = { list: Array.from({ length: 50_000 }, (_, number) => ({ number })), text };
    const pieces = [...jsonPieces(value)];

    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(200 * 1024);
    expect(pieces.length).toBeGreaterThan(20);
    expect(JSON.parse(pieces.join(''))).toEqual(value);
  });

  it('as one text it is the same, with a step for every piece', () => {
    const value = { list: Array.from({ length: 50_000 }, (_, number) => ({ number })) };
    const steps = jsonSteps(value, 2);
    let count = 0;
    let step = steps.next();
    for (; !step.done; step = steps.next()) count += 1;

    expect(step.value).toBe(JSON.stringify(value, null, 2));
    expect(count).toBeGreaterThan(20);
  });
});
