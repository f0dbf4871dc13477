import type { Timestamp } from '@selvage/shared/model/ids.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DISTRO_STATUSES, type Rule } from '../matching/rule.ts';
import { decodeGroups, decodeRules, encodeRule, joinRules } from './rules.ts';

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

it('groups know what each of their rules is about without making it', () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 5 }), (rules) => {
      for (const group of decodeGroups(joinRules(rules.map(encodeRule)), 'Debian:12', 'curl')) {
        const { record: _record, cves: _cves, published: _published, ...common } = group.rule(0);
        for (let place = 0; place < group.size; place += 1) {
          const { record, cves, published: _own, ...rest } = group.rule(place);
          const about = group.about(place);
          expect(typeof about === 'string' ? [about, [about]] : [record, about]).toEqual([record, cves]);
          expect(rest).toEqual(common);
          expect(rest.ranges).toBe(common.ranges);
        }
      }
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

it('rules that say the same of many records are written once', () => {
  const all = ['CVE-2024-1', 'CVE-2024-2', 'CVE-2024-3'].map(
    (record): Rule => ({
      ...{ ecosystem: 'Debian:12', package: 'curl', record, cves: [record], status: 'fixed', urgency: 'low' },
      ...{ ranges: [{ introduced: null, fixed: '7.88-1', lastAffected: null }] },
      published: '2024-01-01T00:00:00Z' as Timestamp,
    }),
  );
  const text = joinRules(all.map(encodeRule));

  expect(text.match(/7\.88-1/g)).toHaveLength(1);
  expect(decodeRules(text, 'Debian:12', 'curl')).toEqual(all);
});

it.each(['', '{}', '[1]', '[["CVE"]]', '[[99,[],0,["CVE"]]]', '[[0,[],0]]', '[[0,[],0,[1]]]', 'null'])(
  '%s is none of ours',
  (given) => {
    expect(() => decodeRules(given, 'Debian:12', 'curl')).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
  },
);
