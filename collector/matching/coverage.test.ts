// Who watches a package: a feed, a rule of ours, or nobody, which is never clean.
import { describe, expect, it } from 'vitest';
import { coverageOf, vendorEcosystem } from './coverage.ts';
import { judge, matchSoftware, packagesOf } from './matching.ts';
import { software } from './testing/data.ts';
import { before, rule, source } from './testing/rules.ts';

const FEEDS = new Map([['Debian:12', ['debian-tracker', 'osv-debian']]]);
const chrome = software('Debian:12', 'google-chrome-stable', '156.0.8078.79-1', {
  origin: 'dl.google.com/linux/chrome',
});

describe('when a package comes from the distribution', () => {
  it('is covered by the feeds that speak of its release, by name', () => {
    expect(coverageOf(software('Debian:12', 'curl', '1-1'), FEEDS)).toEqual({
      by: 'feed',
      feeds: ['debian-tracker', 'osv-debian'],
    });
  });

  it('is unknown where no feed speaks of the release', () => {
    for (const ecosystem of ['Debian:13', 'deb:raspbian:12', 'PyPI']) {
      expect(coverageOf(software(ecosystem, 'curl', '1-1'), FEEDS)).toMatchObject({
        by: 'unknown',
        reason: expect.stringContaining(ecosystem),
      });
    }
    expect(coverageOf(software('Debian:12', 'curl', '1-1'), new Map([['Debian:12', []]])).by).toBe('unknown');
  });

  it('is not watched because we wrote one advisory about something else there', () => {
    const feeds = new Map([
      ['Debian:11', ['advisory']],
      [vendorEcosystem('dl.google.com/linux/chrome'), ['advisory']],
    ]);

    expect(coverageOf(software('Debian:11', 'curl', '1-1'), feeds).by).toBe('unknown');
    expect(coverageOf(chrome, feeds).by).toBe('unknown');
    expect(
      coverageOf(software('Debian:11', 'curl', '1-1'), new Map([['Debian:11', ['advisory', 'osv-debian']]])),
    ).toEqual({ by: 'feed', feeds: ['osv-debian'] });
  });
});

describe('when a package comes from a vendor', () => {
  it('is unknown, and says from where, though the distribution is watched', () => {
    expect(coverageOf(chrome, FEEDS)).toEqual({
      ...{ by: 'unknown', reason: 'it comes from dl.google.com/linux/chrome, and no feed speaks of builds from there' },
    });
  });

  it('is covered by rule where every update of the repository counts as security', () => {
    const settings = { everyUpdateIsSecurity: ['download.docker.com*', 'dl.google.com/linux/*'] };

    expect(coverageOf(chrome, FEEDS, settings)).toEqual({ by: 'rule', repository: 'dl.google.com/linux/*' });
    expect(coverageOf({ ...chrome, origin: 'dl.google.example/linux/chrome' }, FEEDS, settings).by).toBe('unknown');
    // A dot is a dot, and a pattern is the whole name.
    expect(coverageOf({ ...chrome, origin: 'dlxgoogle.com/linux/chrome' }, FEEDS, settings).by).toBe('unknown');
    expect(coverageOf({ ...chrome, origin: 'evil.example/dl.google.com/linux/' }, FEEDS, settings).by).toBe('unknown');
  });

  it('is covered by a feed that speaks of that repository', () => {
    const feeds = new Map([...FEEDS, [vendorEcosystem('dl.google.com/linux/chrome'), ['chrome-releases']]]);

    expect(coverageOf(chrome, feeds)).toEqual({ by: 'feed', feeds: ['chrome-releases'] });
  });

  it('is held against the distribution only to say unknown, with who built it', () => {
    const postgres = software('Debian:12', 'postgresql-15', '15.4-1.pgdg120+1', { origin: 'apt.postgresql.org' });
    const rules = [source('osv-debian', rule({ package: 'postgresql-15', ranges: before('15.5-0+deb12u1') }))];
    const [match] = matchSoftware(postgres, rules);

    expect(match).toMatchObject({ state: 'open', status: 'undetermined', fixed: null });
    expect(match?.evidence[0]).toMatchObject({
      says: 'unknown',
      rule: expect.stringContaining('built by apt.postgresql.org'),
    });
    expect(matchSoftware({ ...postgres, origin: null }, rules)[0]).toMatchObject({ state: 'fixable' });
    expect(judge(postgres, 'CVE-2026-1', rules).says).toBe('unknown');
  });

  it('is matched by rules of that repository and by own advisories as any other', () => {
    const ecosystem = vendorEcosystem('dl.google.com/linux/chrome');
    const own = rule({ package: 'google-chrome-stable', ranges: before('156.0.8078.99-1') });

    expect(packagesOf(chrome)).toContainEqual({ ecosystem, package: 'google-chrome-stable' });
    // The order of versions is that of the package, whoever built it.
    expect(matchSoftware(chrome, [source('chrome', { ...own, ecosystem })])[0]).toMatchObject({ state: 'fixable' });
    expect(matchSoftware(chrome, [source('advisory', own)])[0]).toMatchObject({ state: 'fixable' });
  });
});
