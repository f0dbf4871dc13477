// What every format owes: a new one is covered by its document in testing/documents.ts.
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { FORMATS } from './formats.ts';
import { readList } from './reading.ts';
import { DOCUMENTS, NOW } from './testing/documents.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const options = { skipInvalid: false, now: NOW };
const invalid = expect.objectContaining({ code: 'ASSETS_INVALID' });

it('every format has a document here', () => {
  expect(DOCUMENTS.map(({ format }) => format)).toEqual(FORMATS.map(({ name }) => name));
});

describe.each(DOCUMENTS)('a list of the format $format', ({ format, text, machines, web, twice, cut }) => {
  it('is told by what is in it, and each machine is in it once', () => {
    const read = readList(bytes(text), options);

    expect(read.format).toBe(format);
    expect(read.assets.map(({ name, expected }) => [name, expected])).toEqual(machines);
    expect(read.skipped).toEqual([]);
  });

  it('says what tells a machine apart', () => {
    const found = readList(bytes(text), options).assets.find(({ name }) => name === 'web-1');

    expect(found).toMatchObject(web);
    expect(found?.line).toBeGreaterThan(0);
  });

  it('is the same in UTF-16, with and without its mark, and with line ends of Windows', () => {
    const wanted = readList(bytes(text), options).assets;
    const wide = Buffer.from(text, 'utf16le');
    const variants = [
      bytes(`\uFEFF${text}`),
      Buffer.from(`\uFEFF${text}`, 'utf16le'),
      wide,
      Buffer.from(`\uFEFF${text}`, 'utf16le').swap16(),
      Buffer.from(wide).swap16(),
      bytes(text.replaceAll('\n', '\r\n')),
    ];
    for (const variant of variants) expect(readList(variant, options).assets).toEqual(wanted);
  });

  it('that has a machine twice is refused with both places, and nothing is silently one', () => {
    if (twice === null) return;
    expect(() => readList(bytes(twice), options)).toThrow(
      expect.objectContaining({ code: 'ASSETS_INVALID', details: expect.objectContaining({ count: 1 }) }),
    );
    const left = readList(bytes(twice), { ...options, skipInvalid: true });
    expect([left.assets.length, left.skipped.length]).toEqual([machines.length, 1]);
  });

  it('that is cut is refused', () => {
    expect(() => readList(bytes(cut), { ...options, format: format as 'csv' })).toThrow(invalid);
  });

  it('that is empty, or of another kind, is refused', () => {
    for (const other of ['', ' ', '{}', '[]', 'null', '<html></html>', 'lease', '0']) {
      expect(() => readList(bytes(other), { ...options, format: format as 'csv' })).toThrow(invalid);
    }
  });

  it('whatever is changed in it, it is read or refused', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(text.length - 1), fc.string({ maxLength: 3 })), { maxLength: 8 }),
        (changes) => {
          let changed = text;
          for (const [at, piece] of changes) changed = changed.slice(0, at) + piece + changed.slice(at + 1);
          try {
            for (const { name } of readList(bytes(changed), options).assets) expect(name).not.toBe('');
          } catch (error) {
            expect(error).toEqual(invalid);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
