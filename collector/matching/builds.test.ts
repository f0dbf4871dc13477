// Which of several records speaks of this very build: other streams of a module, and what hosts tell, take nothing away from it.
import { describe, expect, it } from 'vitest';
import { judge, matchSoftware } from './matching.ts';
import type { Rule } from './rule.ts';
import type { Software } from './software.ts';
import { software } from './testing/data.ts';
import { before, rule, source } from './testing/rules.ts';

const CVE = 'CVE-2026-10001';
const modular = (version: string, module: string): Software => ({
  ...software('RedHat:8', 'nodejs', `1:${version}.module+el8`),
  module,
});
const nodejs = (more: Partial<Rule>): Rule =>
  rule({ ecosystem: 'RedHat:8', package: 'nodejs', cves: [CVE], names: 'binary', ...more });
const zlib = (more: Partial<Rule>): Rule =>
  rule({ ecosystem: 'Rocky:9', package: 'zlib', cves: [CVE], names: 'binary', record: 'RLSA-2026:1', ...more });
const installed = software('Rocky:9', 'zlib', '1.2.11-30.el9');
const fixedIn = (version: string) => ({ ranges: before(version) });

describe('a record about several streams of one module', () => {
  it('is not answered by the fix of another stream, whose numbers are lower', () => {
    const both = ['16.20.0', '18.19.0'].map((version) =>
      nodejs({
        record: 'RHSA-2026:1',
        module: `nodejs:${version.slice(0, 2)}`,
        ...fixedIn(`1:${version}-1.module+el8`),
      }),
    );
    const [match] = matchSoftware(modular('18.18.2-1', 'nodejs:18'), [source('redhat', ...both)]);

    expect(match).toMatchObject({ cve: CVE, state: 'fixable', fixed: '1:18.19.0-1.module+el8', disagreement: null });
    expect(match?.evidence).toHaveLength(2);
    expect(judge(modular('18.19.0-1', 'nodejs:18'), CVE, [source('redhat', ...both)]).says).toBe('fixed');
  });

  it('says nothing of this one where it is open or not affected in another, also when it is the record of the CVE itself', () => {
    const fix = nodejs({ record: 'RHSA-2026:1', module: 'nodejs:18', ...fixedIn('1:18.19.0-1.module+el8') });

    for (const status of ['open', 'not-affected'] as const) {
      const ranges = status === 'open' ? before(null) : [];
      const other = nodejs({ record: CVE, module: 'nodejs:20', names: 'source', status, ranges });
      const rules = [source('redhat', fix, other)];

      expect(matchSoftware(modular('18.18.2-1', 'nodejs:18'), rules), status).toMatchObject([{ state: 'fixable' }]);
      expect(judge(modular('18.19.0-1', 'nodejs:18'), CVE, rules).says, status).toBe('fixed');
    }
  });

  it('is no disagreement with the word of another source about that stream, which one about this stream is', () => {
    const here = nodejs({ record: 'RHSA-2026:1', module: 'nodejs:18', ...fixedIn('1:18.19.0-1.module+el8') });
    const there = nodejs({ record: 'X-1', module: 'nodejs:20', ...fixedIn('1:20.1.0-1.module+el8') });
    const other = nodejs({ record: 'X-1', module: 'nodejs:18', ...fixedIn('1:18.20.0-1.module+el8') });
    const said = (rule: Rule) =>
      judge(modular('18.18.2-1', 'nodejs:18'), CVE, [source('redhat', here), source('osv', rule)]).disagreement;

    expect(said(there)).toBeNull();
    expect(said(other)).toContain('but osv (X-1');
  });

  it('nor does the record of the CVE in an extension that is for others take the word of everybody else', () => {
    const fix = nodejs({ record: 'RHSA-2026:1', ...fixedIn('1:18.19.0-1.el8') });
    const extended = nodejs({ record: CVE, names: 'source', status: 'open', pocket: 'eus-8.6', ranges: before(null) });

    expect(
      matchSoftware(software('RedHat:8', 'nodejs', '1:18.18.2-1.el8'), [source('redhat', fix, extended)]),
    ).toMatchObject([{ state: 'fixable', fixed: '1:18.19.0-1.el8' }]);
  });
});

describe('what hosts tell', () => {
  const honest = zlib(fixedIn('0:1.2.11-40.el9'));
  const found = (...rules: Rule[]) => matchSoftware(installed, [source('host-updateinfo', ...rules)]);

  it('never looks fixed because another host says that another build of the same advisory is enough', () => {
    const lies = ['x:y', undefined].map((module) =>
      zlib({ ...fixedIn('0:1-1.el9'), ...(module === undefined ? {} : { module }) }),
    );
    for (const lie of lies) expect(found(honest, lie)).toMatchObject([{ cve: CVE, state: 'fixable' }]);
  });

  it('never counts as the record of the CVE itself, whatever a host calls its advisory', () => {
    for (const record of [CVE, `X-${CVE}`]) {
      expect(found(honest, zlib({ record, ...fixedIn('0:1-1.el9') })), record).toMatchObject([{ cve: CVE }]);
    }
  });

  it('takes the word of nobody else: neither of feeds nor of own advisories', () => {
    const lie = source('host-updateinfo', zlib(fixedIn('0:1-1.el9')));

    for (const feed of ['osv', 'osv-rocky', 'advisory']) {
      const said = source(feed, zlib({ record: 'X-1', ...fixedIn('0:1.2.11-40.el9') }));
      for (const sources of [
        [lie, said],
        [said, lie],
      ]) {
        expect(matchSoftware(installed, sources), feed).toMatchObject([{ cve: CVE, state: 'fixable' }]);
      }
    }
  });

  it('retires an own advisory only together with a feed that speaks of the CVE', () => {
    const own = source('advisory', zlib({ record: 'X-1', status: 'open', ranges: before(null) }));
    const told = source('host-updateinfo', zlib(fixedIn('0:1.2.11-20.el9')));
    const feed = source('osv-rocky', zlib(fixedIn('0:1.2.11-20.el9')));

    expect(matchSoftware(installed, [own, told])).toHaveLength(1);
    expect(matchSoftware(installed, [own, told, feed])).toEqual([]);
  });
});
