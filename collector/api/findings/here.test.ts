// A good answer is given only where somebody could have known: what nobody watches, cannot compare or has not reported is unknown.
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../findings/fleet.ts';
import { sampleSoftware } from '../../findings/testing/sample-fleet.ts';
import { coverageText, type Here, unwatchedOf, whyHere, whyNot } from './here.ts';

const machine = (unknown: string | null = null) => ({ unknown }) as unknown as Machine;
const feeds = new Map([['Debian:12', ['debian-tracker']]]);
const deb = sampleSoftware({ name: 'openssl', version: '3.0.19' });
const chrome = sampleSoftware({ name: 'google-chrome-stable', version: '156', origin: 'dl.google.com' });
const here = (over: Partial<Here>): Here => ({
  ...{ package: { ...deb }, says: 'fixed', state: null, status: 'fixed', firstSeen: null, note: null, fixed: '3.0.8' },
  ...{ pocket: null, evidence: [], disagreement: null, coverage: '' },
  ...over,
});
const ask = (found: readonly Here[], software = [deb], of = machine(), unheard: string | null = null) =>
  whyNot(found, of, 'CVE-2026-1', { unwatched: unwatchedOf(software, feeds), unheard });

describe('when a CVE is no finding on a machine', () => {
  it('says no with the reason, and how much nobody watches', () => {
    expect(ask([here({})])).toEqual({ here: 'no', reason: 'openssl 3.0.19 has the fix, which came in 3.0.8' });
    expect(ask([], [deb, chrome])).toEqual({
      here: 'no',
      reason:
        'no source connects CVE-2026-1 with any package that is installed here; 1 of 2 packages are watched by nobody',
    });
  });

  it('says unknown where no feed speaks of anything that is there', () => {
    expect(ask([], [chrome])).toMatchObject({ here: 'unknown', reason: expect.stringContaining('dl.google.com') });
    expect(ask([], [])).toMatchObject({ here: 'unknown' });
    const unwatched = unwatchedOf([deb], new Map());
    expect(whyNot([], machine(), 'CVE-2026-1', { unwatched, unheard: null })).toEqual({
      ...{ here: 'unknown', reason: 'no feed that was imported speaks of Debian:12' },
    });
  });

  it('says unknown where versions cannot be compared, or the packages are not known', () => {
    expect(ask([here({}), here({ says: 'unknown' })])).toMatchObject({
      ...{ here: 'unknown', reason: 'openssl 3.0.19 cannot be compared: nobody knows yet' },
    });
    expect(ask([], [deb], machine('its packages are not known'))).toEqual({
      ...{ here: 'unknown', reason: 'its packages are not known' },
    });
  });

  it('says unknown where nobody here has heard of it, but keeps what a source does say', () => {
    expect(ask([], [deb], machine(), 'never heard of')).toEqual({ here: 'unknown', reason: 'never heard of' });
    expect(ask([here({})], [deb], machine(), 'never heard of')).toMatchObject({ here: 'no' });
  });

  it('names every package with its own answer', () => {
    const other = here({
      package: { ...deb, name: 'vim' },
      says: 'not-affected',
      evidence: [{ feed: 'debian-tracker' } as never],
    });

    expect(ask([here({}), other]).reason).toBe(
      'openssl 3.0.19 has the fix, which came in 3.0.8; vim 3.0.19 is not affected, says debian-tracker',
    );
  });
});

describe('when a CVE is a finding on a machine', () => {
  it('says yes where a source does, and unknown where none can tell', () => {
    const open = here({ state: 'no-fix', says: 'affected' });
    const doubtful = here({ state: 'no-fix', says: 'unknown', status: 'undetermined' });

    expect(whyHere([open, doubtful])).toEqual({ here: 'yes', reason: null });
    expect(whyHere([doubtful, here({})])).toEqual({
      ...{ here: 'unknown', reason: 'nobody can say whether openssl 3.0.19 has it, so that it counts' },
    });
  });
});

describe('when coverage is said', () => {
  it.each([
    [{ by: 'feed', feeds: ['a', 'b'] } as const, 'covered by feed a, b'],
    [
      { by: 'rule', repository: 'dl.google.com' } as const,
      'covered by rule: every update of dl.google.com counts as security',
    ],
    [{ by: 'unknown', reason: 'nobody' } as const, 'unknown: nobody'],
  ])('%j', (coverage, text) => {
    expect(coverageText(coverage)).toBe(text);
  });
});

describe('when every update of a repository counts as security', () => {
  it('its packages are not called unwatched', () => {
    const chrome = {
      ...{ ecosystem: 'Debian:12', name: 'google-chrome-stable', version: '1-1', source: 'google-chrome-stable' },
      ...{ module: null, kernel: null, origin: 'dl.google.com/linux/chrome' },
    };

    expect(unwatchedOf([chrome], new Map()).count).toBe(1);
    expect(unwatchedOf([chrome], new Map(), { everyUpdateIsSecurity: ['dl.google.com/*'] }).count).toBe(0);
  });
});
