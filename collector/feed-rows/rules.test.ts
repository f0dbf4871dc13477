import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DISTRO_STATUSES, type Rule } from '../matching/rule.ts';
import { decodeRules, encodeRule, joinRules } from './rules.ts';

const text = fc.string({ minLength: 1, maxLength: 12 });
const maybe = fc.option(text);
const optional = <K extends string>(name: K) =>
  fc.option(
    text.map((value) => ({ [name]: value })),
    { nil: {} },
  );
const rule: fc.Arbitrary<Rule> = fc
  .tuple(
    fc.record({
      record: text,
      cves: fc.array(text, { maxLength: 3 }),
      status: fc.constantFrom(...DISTRO_STATUSES),
      ranges: fc.array(fc.record({ introduced: maybe, fixed: maybe, lastAffected: maybe }), { maxLength: 3 }),
    }),
    ...(['module', 'pocket', 'urgency', 'published', 'withdrawn'] as const).map(optional),
    fc.option(
      fc.array(text, { minLength: 1, maxLength: 3 }).map((versions) => ({ versions })),
      { nil: {} },
    ),
    fc.constantFrom({}, { names: 'binary' as const }),
  )
  .map((parts) => Object.assign({ ecosystem: 'Debian:12', package: 'curl' }, ...parts) as Rule);

it('any rules come back as they were', () => {
  fc.assert(
    fc.property(fc.uniqueArray(rule, { selector: encodeRule, maxLength: 5 }), (rules) => {
      const back = decodeRules(joinRules(rules.map(encodeRule)), 'Debian:12', 'curl');
      const sorted = (all: readonly Rule[]) => all.map((each) => JSON.stringify(each, Object.keys(each).sort())).sort();

      expect(sorted(back)).toEqual(sorted(rules));
      expect(back).toHaveLength(rules.length);
    }),
  );
});

it('the text is the same for any order, and holds each rule once', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 5 }), (rules) => {
      const texts = rules.map(encodeRule);

      expect(joinRules([...texts, ...texts].reverse())).toBe(joinRules(texts));
    }),
  );
});

it.each(['', '{}', '[1]', '[["CVE"]]', '[["CVE",0,99,[]]]', 'null'])('%s is none of ours', (given) => {
  expect(() => decodeRules(given, 'Debian:12', 'curl')).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
});
