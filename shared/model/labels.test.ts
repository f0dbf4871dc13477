import { describe, expect, it } from 'vitest';
import { labelsFlaw, MAX_LABEL_VALUES, MAX_LABELS, parseLabel, parseLabels } from './labels.ts';

const code = (expected: string) => expect.objectContaining({ code: expected });

describe('when labels are typed', () => {
  it('a name that comes twice has two values, and a value may hold "="', () => {
    expect(parseLabels(['tier=web', 'tier=db', 'tier=web', 'site/x.y=a=b c'])).toEqual({
      tier: ['web', 'db'],
      'site/x.y': ['a=b c'],
    });
  });

  it.each([
    ['tier', 'it has no "="'],
    ['=web', 'the name "" does not fit'],
    ['Tier=web', 'the name "Tier" does not fit'],
    ['<b>=web', 'the name "<b>" does not fit'],
    ['tier=', 'the value of tier: it is empty'],
    ['tier=we\nb', 'the value of tier: column 3: U+000A is not printable'],
    ['tier=\u202ebew', 'the value of tier: column 1: U+202E is not printable'],
    [`tier=${'x'.repeat(129)}`, '129 characters; 128 are the most'],
    [`${'x'.repeat(64)}=a`, 'more than 63 characters'],
    ['__proto__=x', 'does not fit'],
  ])('%j is refused, and it is said why: %s', (text, why) => {
    expect(() => parseLabel(text)).toThrow(code('USAGE'));
    expect(() => parseLabel(text)).toThrow(why);
  });

  it('too many names or values are refused', () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => `${index}`);
    expect(labelsFlaw(Object.fromEntries(many(MAX_LABELS + 1).map((name) => [name, ['x']])))).toContain('are the most');
    expect(labelsFlaw({ a: many(MAX_LABEL_VALUES + 1) })).toContain('are the most');
    expect(labelsFlaw({ a: [] })).toBe('a has no value');
    expect(() => parseLabels(many(MAX_LABELS + 1).map((name) => `${name}=x`))).toThrow(code('USAGE'));
  });

  it('names of the language itself are labels like others', () => {
    const labels = parseLabels(['constructor=a', 'tostring=b', 'constructor=c']);

    expect(Object.entries(labels)).toEqual([
      ['constructor', ['a', 'c']],
      ['tostring', ['b']],
    ]);
  });
});
