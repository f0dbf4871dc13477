import type { Notice } from '@selvage/shared/model/updateinfo.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { NoticeMerge } from './merge.ts';

const notice = (
  id: string,
  version: string,
  over: Partial<Notice> & { name?: string; module?: string } = {},
): Notice => {
  const { name = 'zlib', module = null, ...rest } = over;
  const one = { name, epoch: '0', version, release: '1.el9', arch: 'x86_64', module };

  return {
    id,
    type: 'security',
    severity: null,
    issued: '2026-01-02',
    cves: ['CVE-2026-1000'],
    packages: [one],
    ...rest,
  };
};
const merged = (...told: readonly (readonly [string, readonly Notice[]])[]) => {
  const merge = new NoticeMerge();
  for (const [ecosystem, notices] of told) merge.add(ecosystem, notices);

  return [...merge.notices()];
};

describe('when several hosts tell of advisories', () => {
  it('each is there once for each release, with what all of them have installed', () => {
    const found = merged(
      ['Rocky:9', [notice('A', '1')]],
      ['Rocky:9', [notice('A', '1', { name: 'curl', cves: ['CVE-2026-1001'] })]],
      ['Rocky:8', [notice('A', '1')]],
    );

    expect(found.map(({ ecosystem, packages, cves }) => [ecosystem, packages.map(({ name }) => name), cves])).toEqual([
      ['Rocky:8', ['zlib'], ['CVE-2026-1000']],
      ['Rocky:9', ['curl', 'zlib'], ['CVE-2026-1000', 'CVE-2026-1001']],
    ]);
  });

  it('of two versions the higher counts, whoever comes first: no host makes others look fixed', () => {
    const [honest, lies] = [notice('A', '10'), notice('A', '9')];

    for (const order of [
      [honest, lies],
      [lies, honest],
    ]) {
      expect(merged(['Rocky:9', order])[0]?.packages.map(({ version }) => version)).toEqual(['10']);
    }
  });

  it('no host makes an advisory of security vanish by calling it another thing', () => {
    const [honest, lies] = [notice('A', '10', { cves: [] }), notice('A', '9', { type: 'bugfix', cves: [] })];

    for (const order of [
      [honest, lies],
      [lies, honest],
    ]) {
      expect(merged(['Rocky:9', order])[0]?.type).toBe('security');
    }
  });

  it('streams of a module are packages of their own', () => {
    const found = merged(['Rocky:9', [notice('A', '1', { module: 'a:1' }), notice('A', '2', { module: 'a:2' })]]);

    expect(found[0]?.packages.map(({ version, module }) => [version, module])).toEqual([
      ['1', 'a:1'],
      ['2', 'a:2'],
    ]);
  });

  it('packages, versions and CVEs do not depend on the order of hosts', () => {
    const any = fc
      .tuple(fc.constantFrom('A', 'B'), fc.constantFrom('1', '2', '1.10'), fc.constantFrom('zlib', 'curl'))
      .map(([id, version, name]) => notice(id, version, { name, cves: [`CVE-2026-${1000 + name.length}`] }));
    fc.assert(
      fc.property(fc.array(any, { maxLength: 12 }), (all) => {
        const [one, other] = [merged(['Rocky:9', all]), merged(['Rocky:9', all.toReversed()])];

        expect(other).toEqual(one);
      }),
    );
  });
});
