import { describe, expect, it } from 'vitest';
import type { HostGroupDocument, PatchPolicyDocument } from './documents.ts';
import { type SelectableHost, selectorOf } from './select.ts';
import { hostGroupSample, patchPolicySample } from './testing/sample-documents.ts';

const host: SelectableHost = {
  id: '7f7c0c7e-0000-4000-8000-000000000001',
  name: 'web-1',
  os: { id: 'debian', idLike: [], version: '12' },
  labels: { tier: ['web'], site: ['north', 'edge'] },
};
const of = (select: PatchPolicyDocument['select'], over: Partial<SelectableHost> = {}) =>
  selectorOf([]).selectionOf(patchPolicySample({ select }), { ...host, ...over });

describe('when a policy selects hosts', () => {
  it.each<[PatchPolicyDocument['select'], string]>([
    [{}, 'selected'],
    [{ os: 'linux' }, 'selected'],
    [{ os: 'debian' }, 'selected'],
    [{ os: 'debian-12' }, 'selected'],
    [{ os: 'debian-1' }, 'not selected'],
    [{ os: 'ubuntu' }, 'not selected'],
    [{ hosts: ['web-1'] }, 'selected'],
    [{ hosts: [host.id] }, 'selected'],
    [{ hosts: ['web-10'] }, 'not selected'],
    [{ hosts: [] }, 'not selected'],
    [{ labels: { tier: ['db', 'web'] } }, 'selected'],
    [{ labels: { tier: ['web'], site: ['edge'] } }, 'selected'],
    [{ labels: { tier: ['web'], site: ['south'] } }, 'not selected'],
    [{ labels: { toString: ['x'] } }, 'not selected'],
    [{ os: 'debian-12', hosts: ['web-2'] }, 'not selected'],
  ])('%j: %s', (select, expected) => expect(of(select)).toBe(expected));

  it('takes a derivative for its family, by name and not by version', () => {
    const os = { id: 'linuxmint', idLike: ['ubuntu', 'debian'], version: '12' };

    expect(of({ os: 'debian' }, { os })).toBe('selected');
    expect(of({ os: 'debian-12' }, { os })).toBe('not selected');
  });

  it('says unknown when what is not known decides, and no when something known does', () => {
    expect(of({ os: 'debian' }, { os: null })).toBe('unknown');
    expect(of({ os: 'linux' }, { os: null })).toBe('selected');
    expect(of({ labels: { tier: ['web'] } }, { labels: null })).toBe('unknown');
    expect(of({ hosts: ['web-2'], labels: { tier: ['web'] } }, { labels: null })).toBe('not selected');
  });
});

describe('when a policy selects by a text', () => {
  it.each([
    ['tier=web and os=debian-12', 'selected'],
    ['tier in (db, web) and not site=south', 'selected'],
    ['name=web-* and id=7f7c*', 'selected'],
    ['name=WEB-1', 'selected'],
    ['tier=WEB', 'not selected'],
    ['tier=web and missing=*', 'not selected'],
    ['label.name=x', 'not selected'],
  ])('%s: %s', (select, expected) => expect(of(select)).toBe(expected));

  it('what is not known of the host decides nothing, also behind a not', () => {
    expect(of('tier=web', { labels: null })).toBe('unknown');
    expect(of('not tier=web', { labels: null })).toBe('unknown');
    expect(of('not os=ubuntu', { os: null })).toBe('unknown');
    expect(of('name=web-1 or tier=web', { labels: null })).toBe('selected');
  });

  it.each(['seen>3d', 'owner=ops', 'connected', 'security>0', 'address=10.0.0.0/8', 'state=active', 'mode=managed'])(
    '%s is refused: only the collector knows',
    (select) => expect(() => of(select)).toThrow(expect.objectContaining({ code: 'SELECT_INVALID' })),
  );
});

describe('when groups sign labels', () => {
  const gold = (over: Partial<HostGroupDocument>) => hostGroupSample({ labels: { tier: ['gold'] }, ...over });
  const asked = (
    select: PatchPolicyDocument['select'],
    groups: HostGroupDocument[],
    over: Partial<SelectableHost> = {},
  ) => selectorOf(groups).selectionOf(patchPolicySample({ select }), { ...host, ...over });

  it.each([
    ['by name', gold({ hosts: ['web-1'] }), 'selected'],
    ['by id', gold({ hosts: [host.id] }), 'selected'],
    ['by a beginning of its name', gold({ hosts: ['web'] }), 'not selected'],
    ['by a text', gold({ hosts: undefined, select: 'site=north and os=debian' }), 'selected'],
    ['by a text about others', gold({ hosts: undefined, select: 'site=south' }), 'not selected'],
  ])('%s', (_how, group, expected) => {
    expect(asked('tier=gold', [group])).toBe(expected);
    expect(asked({ labels: { tier: ['gold'] } }, [group])).toBe(expected);
  });

  it('they add to what the host says, and several add up: two values of one label are both there', () => {
    const groups = [
      gold({ name: 'a', hosts: ['web-1'] }),
      gold({ name: 'b', hosts: ['web-1'], labels: { tier: ['silver'] } }),
    ];

    for (const tier of ['web', 'gold', 'silver']) expect(asked(`tier=${tier}`, groups)).toBe('selected');
    expect(selectorOf(groups).labelsOf(host)).toEqual({ labels: { tier: ['gold', 'silver'] }, open: new Set() });
    expect(selectorOf(groups.toReversed()).labelsOf(host).labels.tier?.toSorted()).toEqual(['gold', 'silver']);
  });

  it('a group does not see what groups sign, so that their order means nothing', () => {
    const first = gold({ name: 'a', hosts: ['web-1'] });
    const second = gold({ name: 'b', hosts: undefined, select: 'tier=gold', labels: { more: ['yes'] } });

    for (const groups of [
      [first, second],
      [second, first],
    ])
      expect(asked('more=yes', groups)).toBe('not selected');
  });

  it('a group whose members are not known leaves open what its labels decide, and nothing else', () => {
    const group = gold({ hosts: undefined, select: 'site=north' });

    expect(asked('tier=gold', [group], { labels: null })).toBe('unknown');
    expect(asked('not tier=gold', [group], { labels: null })).toBe('unknown');
    expect(asked('os=debian', [group], { labels: null })).toBe('selected');
    const byOs = gold({ hosts: undefined, select: 'os=debian' });
    for (const text of ['tier=gold', 'not tier=gold']) expect(asked(text, [byOs], { os: null })).toBe('unknown');
    expect(asked('tier=web', [byOs], { os: null })).toBe('selected');
    // What a group signs is known before the host has reported.
    expect(asked('tier=gold', [gold({ hosts: ['web-1'] })], { labels: null })).toBe('selected');
  });

  it('what else a row of the collector carries is not looked at', () => {
    const row = { ...host, collectorLabels: { tier: ['gold'] }, signedLabels: { tier: ['gold'] }, owner: 'ops' };

    expect(selectorOf([]).selectionOf(patchPolicySample({ select: 'tier=gold' }), row)).toBe('not selected');
  });

  it('a label that is called like a property of every object is none of its own', () => {
    expect(asked('constructor=*', [gold({ hosts: ['web-1'] })])).toBe('not selected');
    expect(asked('tier=gold', [gold({ hosts: ['constructor'] })])).toBe('not selected');
  });
});
