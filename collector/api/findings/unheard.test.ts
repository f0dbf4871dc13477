// Nobody is told that a CVE is not here by data that cannot know it.
import { describe, expect, it } from 'vitest';
import { asWritten } from './cve-id.ts';
import { type UnheardQuestion, whyUnheard } from './unheard.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const question = (over: Partial<UnheardQuestion> = {}): UnheardQuestion => ({
  ...{ cve: 'CVE-2026-1000', isHeardOf: true, published: '2026-11-01T10:00:00Z' },
  ...{ ecosystems: ['Debian:12'], speaking: new Map([['Debian:12', ['osv-debian']]]) },
  ages: new Map([['osv-debian', DAY_MS]]),
  now: Temporal.Instant.from('2026-11-23T12:00:00Z'),
  ...over,
});
const old = (days: number) => ({ ages: new Map([['osv-debian', days * DAY_MS]]) });

describe('when no source connects a CVE with what is installed', () => {
  it('that is an answer of data that is younger than the CVE', () => {
    expect(whyUnheard(question())).toBeNull();
    expect(whyUnheard(question(old(22)))).toBeNull();
  });

  it('it is none where no feed has heard of it', () => {
    expect(whyUnheard(question({ isHeardOf: false, published: null }))).toContain('heard of CVE-2026-1000');
  });

  it('it is none of data from before it was published', () => {
    expect(whyUnheard(question(old(23)))).toBe(
      'CVE-2026-1000 may be newer than the data about what is installed here (osv-debian of 2026-10-31; published 2026-11-01)',
    );
  });

  it('by the year where nobody says when it was published, and not of data of today', () => {
    const undated = { published: null };
    expect(whyUnheard(question({ ...undated, ...old(1) }))).toBeNull();
    expect(whyUnheard(question({ ...undated, ...old(3) }))).toContain('nobody says when it was published');
    expect(whyUnheard(question({ ...undated, ...old(649), cve: 'CVE-2024-3094' }))).toBeNull();
    expect(whyUnheard(question({ ...undated, ...old(649), cve: 'GHSA-xxxx-1' }))).toBeNull();
  });

  it('one young feed for each ecosystem is enough, and one without a date is not called old', () => {
    const speaking = new Map([
      ['Debian:12', ['osv-debian', 'debian-tracker']],
      ['PyPI', ['osv-pypi']],
    ]);
    const ages = (tracker: number | null, pypi: number) =>
      new Map([
        ['osv-debian', 100 * DAY_MS],
        ['debian-tracker', tracker],
        ['osv-pypi', pypi * DAY_MS],
      ]);
    const ecosystems = ['Debian:12', 'PyPI', 'npm'];

    expect(whyUnheard(question({ speaking, ecosystems, ages: ages(DAY_MS, 1) }))).toBeNull();
    expect(whyUnheard(question({ speaking, ecosystems, ages: ages(DAY_MS, 50) }))).toContain('osv-pypi of 2026-10-04');
    expect(whyUnheard(question({ speaking: new Map(), ecosystems }))).toBeNull();
    expect(whyUnheard(question({ ages: new Map([['osv-debian', null]]) }))).toBeNull();
  });
});

describe('when an id is typed', () => {
  it.each([
    [' cve-2024-3094 ', 'CVE-2024-3094'],
    ['CVE-2024-3094', 'CVE-2024-3094'],
    [' GHSA-aBcd-1 ', 'GHSA-aBcd-1'],
  ])('%j is %j', (typed, id) => {
    expect(asWritten(typed)).toBe(id);
  });
});
