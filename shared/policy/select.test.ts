import { describe, expect, it } from 'vitest';
import type { PatchPolicyDocument } from './documents.ts';
import { type SelectableHost, selectorOf } from './select.ts';
import { patchPolicySample } from './testing/sample-documents.ts';

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
