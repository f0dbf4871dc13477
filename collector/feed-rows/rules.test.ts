import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { expect, it } from 'vitest';
import { DISTRO_STATUSES, type Rule } from '../matching/rule.ts';
import { decodeGroups, decodeRules, encodeRule, joinRules, rulesIn } from './rules.ts';

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

/** The same CVE in several records, whose names may have whatever parts a text. */
const few = fc.constantFrom('CVE-1', 'CVE-2', 'CVE-3', 'DSA 1', 'DSA\n2');
const fewSubjects: fc.Arbitrary<Rule> = fc
  .tuple(rule, few, fc.array(few, { maxLength: 3 }), fc.constantFrom('1', '2', '3'))
  .map(([{ ecosystem, package: name }, record, cves, fixed]) => ({
    ...{ ecosystem, package: name, record, cves, status: 'fixed' },
    ranges: [{ introduced: null, fixed, lastAffected: null }],
  }));

it('any rules come back as they were', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(rule, fewSubjects), { selector: encodeRule, maxLength: 5 }), (rules) => {
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
      for (const group of decodeGroups(joinRules(rules.map(encodeRule)), 'Debian:12', 'curl').groups) {
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

it('what more than one group speaks of is told with all of their places, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(fewSubjects, { maxLength: 12 }), (rules) => {
      const { groups, shared } = decodeGroups(joinRules(rules.map(encodeRule)), 'Debian:12', 'curl');
      const places = new Map<string, number[]>();
      for (const [place, group] of groups.entries()) {
        const each = Array.from({ length: group.size }, (_, index) => group.rule(index));
        const subjects = each.flatMap(({ record, cves }) => (cves.length > 0 ? cves : [record]));
        for (const subject of new Set(subjects)) places.set(subject, [...(places.get(subject) ?? []), place]);
      }

      expect(new Map(shared?.map(([subject, ...those]) => [subject, those]))).toEqual(
        new Map([...places].filter(([, those]) => those.length > 1)),
      );
    }),
  );
});

it('rules that an earlier program wrote are read until their feed is read anew', () => {
  const old =
    '[[0,["7.88-1"],{"u":"low"},["CVE-2024-1 2024-01-01T00:00:00Z",["DSA-1",["CVE-2024-1","CVE-2024-2"]]]],[1,[0],0,["CVE-2024-3"]]]';
  const { groups, shared } = decodeGroups(old, 'Debian:12', 'curl');

  expect(shared).toBeNull();
  expect(decodeRules(old, 'Debian:12', 'curl')).toEqual(groups.flatMap((group) => [...rulesIn([group])]));
  expect(decodeRules(old, 'Debian:12', 'curl').map(({ record, cves, status }) => [record, cves, status])).toEqual([
    ['CVE-2024-1', ['CVE-2024-1'], 'fixed'],
    ['DSA-1', ['CVE-2024-1', 'CVE-2024-2'], 'fixed'],
    ['CVE-2024-3', ['CVE-2024-3'], 'open'],
  ]);
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

it.each([
  '',
  '{}',
  '[1]',
  '[["CVE"]]',
  '[[99,[],0,["CVE"]]]',
  '[[0,[],0]]',
  '[[0,[],0,[1]]]',
  '[[0,[],0,1]]',
  'null',
  '{"groups":[]}',
  '{"shared":[]}',
])('%s is none of ours', (given) => {
  expect(() => decodeRules(given, 'Debian:12', 'curl')).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }));
});
