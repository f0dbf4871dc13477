import { describe, expect, it } from 'vitest';
import { fc } from '../testing/properties.ts';
import { harmless } from './harmless.ts';
import { flawIn } from './printable.ts';

describe('when somebody types a text that is kept', () => {
  it.each(['web', 'ann@example.org', 'Straße 7', '日本', '<b>"it\'s" & `$(x)`</b>', 'a  b', '👩', 'a=b,c;d'])(
    '%j may be kept: markup and quotes are only text',
    (text) => expect(flawIn(text, 64)).toBeNull(),
  );

  it.each([
    ['', 'it is empty'],
    ['a\nb', 'column 2: U+000A is not printable'],
    ['\u001b[31mred', 'column 1: U+001B is not printable'],
    ['ab\u202ecod', 'column 3: U+202E is not printable'],
    ['a\u2066b\u2069', 'column 2: U+2066 is not printable'],
    ['👩\u0007', 'column 2: U+0007 is not printable'],
    ['a\u200db', 'column 2: U+200D is not printable'],
    ['a\u2028b', 'column 2: U+2028 is not printable'],
    ['\ufeffa', 'column 1: U+FEFF is not printable'],
    ['a\ud800', 'column 2: U+D800 is not printable'],
    ['a\u00a0b', 'column 2: U+00A0 is a blank of its own'],
    [' a', 'column 1: it begins with a blank'],
    ['ab ', 'column 3: it ends with a blank'],
    ['abcdefghi', 'it has 9 characters; 8 are the most'],
  ])('%j may not: %s', (text, flaw) => {
    expect(flawIn(text, 8)).toBe(flaw);
  });

  it('whatever may be kept is printed as it is: nothing in it commands a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 8 }), (text) => {
        if (flawIn(text, 40) === null) expect(harmless(text)).toBe(text);
      }),
    );
  });
});
