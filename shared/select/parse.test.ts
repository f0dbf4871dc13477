import { describe, expect, it } from 'vitest';
import { hasCode } from '../errors/coded-error.ts';
import { evaluate, fieldsOf, labelsOf, unknownOf } from './evaluate.ts';
import { MAX_DEPTH, MAX_SELECT_BYTES, MAX_VALUES, MAX_WORD_CHARACTERS } from './limits.ts';
import { parseSelect } from './parse.ts';
import { printSelect } from './print.ts';
import { MACHINE, type Machine, NOW, WORDS } from './testing/machines.ts';

const ask = (text: string, over: Partial<Machine> = {}) =>
  evaluate(parseSelect(text, WORDS), { ...MACHINE, ...over }, NOW);
const wrong = (text: string) => {
  try {
    parseSelect(text, WORDS);
  } catch (error) {
    if (hasCode(error, 'SELECT_INVALID')) return error.message;
    throw error;
  }

  return 'taken';
};

describe('when a text is asked of a machine', () => {
  it.each([
    'tier=web and os=debian-12 and seen>3d',
    'tier = web',
    'TIER=x or os=DEBIAN'.replace('TIER', 'tier'),
    'tier=web AND NOT reboot',
    'tier in (db, web)',
    'tier IN(web)',
    'tier not in (db)',
    'not tier in (db, cache)',
    'tier!=db',
    'tier="edge"',
    "name='web-*'",
    'name=WEB-1',
    'name=w*b*1',
    'label.os=label',
    'label.tier=web',
    'not reboot',
    'not (reboot or security>3)',
    'security>=3 and security<=3 and security=3 and security!=4 and security in (1, 3)',
    'agent<0.10 and agent>0.1 and agent=0.2* and agent>=0.2.0',
    'address in (192.168.0.0/16, 10.0.0.0/8)',
    'address=10.20.0.7 and address!=10.20.0.8',
    'seen>3d and seen<4d and seen>=73h and seen<=PT73H and seen!=never',
    'kind=server and kind!=laptop and kind=ser*',
    'missing!=x and not missing=*',
    'tier=*',
    'reboot or reboot or tier=web and os=linux',
    'reboot and reboot or os=linux',
    'tier=web\n  and os=linux',
  ])('%s: selected', (text) => expect(ask(text)).toBe('selected'));

  it.each(['tier=Web', 'tier=we', 'name=eb-1', 'os=debian-1', 'reboot', 'tier=*x', 'address=::/0', 'seen=never'])(
    '%s: not selected',
    (text) => expect(ask(text)).toBe('not selected'),
  );

  it('a star is any text, and a backslash in quotes makes it a star', () => {
    expect(ask("tier='a*b'", { labels: { tier: ['a-b'] } })).toBe('selected');
    expect(ask("tier='a\\*b'", { labels: { tier: ['a-b'] } })).toBe('not selected');
    expect(ask("tier='a\\*b'", { labels: { tier: ['a*b'] } })).toBe('selected');
  });

  it('one letter is one letter, however it was written', () => {
    expect(ask("name='J\u00f6rg'", { name: 'Jo\u0308rg' })).toBe('selected');
    expect(ask("tier='Jo\u0308rg'", { labels: { tier: ['J\u00f6rg'] } })).toBe('selected');
  });

  it('time that is left is none for what has ended, and more than any for what never ends', () => {
    const words = {
      ...WORDS,
      fields: { ends: { kind: 'left', about: 'end', of: ({ seen }: Machine) => seen } as const },
    };
    const left = (text: string, at: string | null) =>
      evaluate(parseSelect(text, words), { ...MACHINE, seen: { at } }, NOW);

    expect(left('ends<1d and ends>1h', '2026-11-23T18:00:00Z')).toBe('selected');
    expect(left('ends<=0s', '2026-11-22T12:00:00Z')).toBe('selected');
    expect(left('ends>90d and ends=never', null)).toBe('selected');
  });

  it('never is older than any age, and a clock that is ahead makes nothing old', () => {
    expect(ask('seen>90d', { seen: { at: null } })).toBe('selected');
    expect(ask('seen=never', { seen: { at: null } })).toBe('selected');
    expect(ask('seen<=0s', { seen: { at: '2027-01-01T00:00:00Z' } })).toBe('selected');
    // It enrolled and never came back: an age counts, and it was never seen.
    expect(ask('seen=never and seen<1h', { seen: { at: '2026-11-23T11:59:00Z', never: true } })).toBe('selected');
  });
});

describe('when something is not known', () => {
  const lost: Partial<Machine> = { security: null, labels: null, os: { atLeast: ['linux'] } };

  it.each([
    ['security>0', 'unknown', ['security']],
    ['not security>0', 'unknown', ['security']],
    ['security=0 or security!=0', 'unknown', ['security']],
    ['tier=web and security>0', 'unknown', ['tier', 'security']],
    ['tier=web and reboot', 'not selected', []],
    ['tier=web or not reboot', 'selected', []],
    ['os=linux', 'selected', []],
    ['os!=linux', 'not selected', []],
    ['os=debian', 'unknown', ['os']],
    ['tier in (web)', 'unknown', ['tier']],
    ['not reboot and (os=debian or tier=web)', 'unknown', ['os', 'tier']],
  ] as const)('%s: %s, because of %j', (text, expected, because) => {
    const facts = { ...MACHINE, ...lost };

    expect(ask(text, lost)).toBe(expected);
    expect(unknownOf(parseSelect(text, WORDS), facts, NOW)).toEqual(because);
  });

  it('fields and labels that a text asks for are named', () => {
    const select = parseSelect('tier=web and (security>0 or label.os=x) and not reboot', WORDS);

    expect([...fieldsOf(select)]).toEqual(['security', 'reboot']);
    expect([...labelsOf(select)]).toEqual(['tier', 'os']);
    expect(printSelect(select.tree, WORDS)).toBe('tier=web and (security>0 or label.os=x) and not reboot');
  });
});

describe('when a text is wrong', () => {
  it.each([
    ['', 'column 1: expected a name, not or (, found the end'],
    ['   ', 'column 4: expected a name, not or (, found the end'],
    ['tier==web', 'column 5: "==" is no comparison; write ='],
    ['tier=web && os=linux', 'column 10: "&" means nothing here; write and'],
    ['tier=web || os=linux', 'column 10: "|" means nothing here; write or'],
    ['!reboot', 'column 1: "!" means nothing here; write not'],
    ['tier=', 'column 6: expected a value after tier =, found the end'],
    ['tier= and os=linux', 'column 7: expected a value after tier = (in quotes where this word is meant), found "and"'],
    ['tier=web os=linux', 'column 10: expected and, or, or the end, found "os"'],
    ['(tier=web', 'column 10: expected and, or, or ), found the end'],
    ['tier=web)', 'column 9: expected and, or, or the end, found ")"'],
    ['tier in web', 'column 9: expected ( after in, as in tier in (a, b), found "web"'],
    ['tier in ()', 'column 10: expected a value after tier in (, found ")"'],
    ['tier in (a b)', 'column 12: expected , or ), found "b"'],
    ['tier in (a,', 'column 12: expected a value after tier in (, found the end'],
    ['=web', 'column 1: expected a name, not or (, found "="'],
    ["'tier'=web", 'column 1: expected a name, not or (, found "\'"'],
    ['Tier=web', 'column 1: "Tier" is no name (did you mean tier?); expected lower-case letters, digits and . _ / -'],
    [
      'os=linux and sécurité>0',
      'column 15: "é" cannot stand here: expected a name, a comparison or a value; quote other text',
    ],
    ['reboot=yes', 'column 7: reboot is yes or no: write reboot or not reboot, without a comparison'],
    [
      'name',
      "column 5: expected a comparison after name: = != < > or in, then a text, with * for any part of it: web-* or 'web servers'",
    ],
    ['rebot', 'column 1: rebot is no flag (did you mean reboot?); the flag, which stands alone: reboot'],
    ['tier and reboot', 'column 6: expected =, != or in after the label tier (the flag, which stands alone: reboot)'],
    ['name>web', 'column 5: name has no order: expected =, != or in'],
    ['secuity>0', 'column 1: the label secuity has no order: expected =, != or in (did you mean security?)'],
    ['tier>0', 'column 5: the label tier has no order: expected =, != or in'],
    ['security>many', 'column 10: after security > expected a number: 0, 10'],
    ['security=-1', 'column 10: after security = expected a number: 0, 10'],
    ['security in (1, x)', 'column 17: after security in expected a number: 0, 10'],
    ['seen>3', 'column 6: after seen > expected a duration: 30m, 8h, 3d, 2w'],
    ['seen>3*', 'column 6: after seen > expected a duration: 30m, 8h, 3d, 2w'],
    ['seen=3d', 'column 6: a time is compared with > or <: seen>3d; with = there is seen=never only'],
    ['seen>never', 'column 6: after seen > expected a duration: 30m, 8h, 3d, 2w'],
    ['agent<0.*', 'column 7: after agent < expected a version: 0.2 or 6.1*'],
    [
      'address=10.1.*',
      'column 9: after address = expected an address or a network: 10.1.2.3, 10.0.0.0/8, 2001:db8::/32',
    ],
    [
      'address in (10.0.0.0/8, 10.0.0.1/8)',
      'column 25: after address in expected an address or a network: 10.1.2.3, 10.0.0.0/8, 2001:db8::/32',
    ],
    ['kind=sever', 'column 6: kind is never "sever" (did you mean server?); expected one of: server, laptop'],
    ['secret=x', 'column 1: secret is refused here: nobody may know'],
    ["tier='web", "column 6: the quote opened here is not closed: expected ' before the end"],
    ["tier='a\\n'", 'column 8: a backslash stands before \\ \' " * only'],
    ['tier=web\u202e', 'column 9: U+202E, a character that cannot be seen, is refused: expected visible text'],
    ["tier='we\u200bb'", 'column 9: U+200B, a character that cannot be seen, is refused: expected visible text'],
    ["tier='we\u00a0b'", 'column 9: U+00A0, a character that cannot be seen, is refused: expected visible text'],
    ["tier='\ud800'", 'column 7: U+D800, a character that cannot be seen, is refused: expected visible text'],
    ["tier='😀' and x", 'column 15: expected =, != or in after the label x (the flag, which stands alone: reboot)'],
    ['tier=web\u0007', 'column 9: U+0007, a character that cannot be seen, is refused: expected visible text'],
  ])('%j: %s', (text, sentence) => expect(wrong(text)).toBe(sentence));

  it('a label of its own spelling is asked for with label. in front', () => {
    expect(wrong('label.secret=x')).toBe('taken');
    expect(wrong('label.and=x')).toBe('taken');
    expect(wrong("tier='and'")).toBe('taken');
  });

  it('each bound holds, and what is just inside it is read', () => {
    expect(wrong(`tier=${'a'.repeat(MAX_SELECT_BYTES)}`)).toMatch(/^column 1: the text has 4101 bytes, at most 4096/);
    expect(wrong(`tier='${'é'.repeat(MAX_SELECT_BYTES / 2)}'`)).toMatch(/^column 1: the text has 4103 bytes/);
    expect(wrong(`tier=${'a'.repeat(MAX_WORD_CHARACTERS)}`)).toBe('taken');
    expect(wrong(`tier=${'a'.repeat(MAX_WORD_CHARACTERS + 1)}`)).toMatch(/^column 6: longer than 256 characters/);
    expect(wrong(`tier='${'😀'.repeat(MAX_WORD_CHARACTERS + 1)}'`)).toMatch(/^column 6: longer than 256 characters/);
    expect(wrong(`tier in (${Array(MAX_VALUES).fill('a').join(',')})`)).toBe('taken');
    expect(
      wrong(
        `tier in (${Array(MAX_VALUES + 1)
          .fill('a')
          .join(',')})`,
      ),
    ).toMatch(/^column 6: more than 500 values/);
    expect(wrong(`${'('.repeat(MAX_DEPTH)}reboot${')'.repeat(MAX_DEPTH)}`)).toBe('taken');
    expect(wrong(`${'not '.repeat(MAX_DEPTH)}reboot`)).toBe('taken');
    expect(wrong(`${'not('.repeat(MAX_DEPTH)}reboot${')'.repeat(MAX_DEPTH)}`)).toMatch(/^column 68: deeper than 32/);
  });

  it('where there are no labels a name that is no field is refused, with those there are', () => {
    expect(() =>
      parseSelect('stat=open', { ...WORDS, label: null, fields: { state: WORDS.fields.name ?? never() } }),
    ).toThrow(
      expect.objectContaining({
        code: 'SELECT_INVALID',
        message: 'column 1: machines have no field stat (did you mean state?); expected one of: state',
      }),
    );
  });
});

function never(): never {
  throw new Error('the field is there');
}
