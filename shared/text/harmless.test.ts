import { describe, expect, it } from 'vitest';
import { fc } from '../testing/properties.ts';
import { harmless, harmlessJson, harmlessLines } from './harmless.ts';

const TRICKS = ['\x1b[2J', '\x1b]0;title\x07', '\x9b31m', 'a\rb', 'a\bb', '\u202egnp.exe', '\u200f', '\u2028', '\x7f'];
// biome-ignore lint/suspicious/noControlCharactersInRegex: they must not be there
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

describe('when text comes from another machine', () => {
  it.each(TRICKS)('%j reaches no terminal', (trick) => {
    expect(harmless(trick)).not.toMatch(CONTROL);
    expect(harmlessLines(trick)).not.toMatch(CONTROL);
    expect(harmlessJson(JSON.stringify([trick]))).not.toMatch(CONTROL);
  });

  it('one line stays one line, several stay several, tabs and letters of every language stay', () => {
    expect(harmless('a\nb\tü漢')).toBe('a?b\tü漢');
    expect(harmlessLines('a\nb\tü漢')).toBe('a\nb\tü漢');
  });

  it('JSON means the same afterwards', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = harmlessJson(JSON.stringify({ [text]: text }));

        expect(JSON.parse(json)).toEqual({ [text]: text });
        expect(json).not.toMatch(CONTROL);
      }),
    );
  });
});
