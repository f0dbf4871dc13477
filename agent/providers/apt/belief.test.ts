import { listRepositories } from '@selvage/shared/packages/apt-repositories.ts';
import { parseOneLine } from '@selvage/shared/packages/apt-sources.ts';
import { describe, expect, it } from 'vitest';
import { type Belief, believe, type RefreshRecord } from './belief.ts';
import { parseRelease } from './release.ts';

const now = Temporal.Instant.from('2026-11-23T12:00:00Z');
const HOUR = 3_600_000;
const head = (fields: string) => `Origin: Debian\nLabel: Debian\nSuite: stable\n${fields}\n`;
const good = parseRelease(head('Date: Mon, 23 Nov 2026 06:00:00 UTC'), 'Release');
const fresh: RefreshRecord = {
  lastAttempt: now.subtract({ hours: 1 }),
  lastSuccess: now.subtract({ hours: 1 }),
  newestDate: good.date,
  error: null,
};

function judge(facts: Partial<Belief> & { readonly suite?: string }) {
  const [repository] = listRepositories(parseOneLine(`deb http://a.example/x ${facts.suite ?? 'stable'} main`, 'x'));
  if (!repository) throw new Error('no repository');

  return believe({ repository, release: good, signed: true, record: fresh, now, maxAge: 24 * HOUR, ...facts });
}
const code = (facts: Parameters<typeof judge>[0]) => judge(facts).problem?.code ?? null;
const failed = (error: RefreshRecord['error'], hours = 2): RefreshRecord => ({
  ...fresh,
  lastSuccess: now.subtract({ hours }),
  error,
});

describe('when it is asked whether a list may be believed', () => {
  it.each<[string, Parameters<typeof judge>[0], string | null]>([
    ['a fresh, signed list', {}, null],
    ['no memory of a refresh', { record: null }, 'REPOSITORY_NEVER_FETCHED'],
    ['a list that went away', { release: null, signed: false }, 'REPOSITORY_NEVER_FETCHED'],
    ['no signature', { signed: false }, 'REPOSITORY_UNSIGNED'],
    ['ten days', { record: failed(null, 240) }, 'REPOSITORY_OLD'],
    ['one millisecond too old', { maxAge: HOUR - 1 }, 'REPOSITORY_OLD'],
    ['exactly at its limit', { maxAge: HOUR }, null],
    ['a refresh in the future', { record: failed(null, -48) }, 'REPOSITORY_OLD'],
    [
      'a list of tomorrow',
      { release: parseRelease(head('Date: Tue, 24 Nov 2026 06:00:00 UTC'), 'r') },
      'REPOSITORY_EXPIRED',
    ],
    [
      'an expired list',
      {
        release: parseRelease(
          head('Date: Mon, 23 Nov 2026 06:00:00 UTC\nValid-Until: Mon, 23 Nov 2026 11:59:59 UTC'),
          'r',
        ),
      },
      'REPOSITORY_EXPIRED',
    ],
    [
      'an older list than before',
      { record: { ...fresh, newestDate: good.date.add({ hours: 1 }) } },
      'REPOSITORY_ROLLED_BACK',
    ],
    ['a server away for a moment', { record: failed({ code: 'REPOSITORY_UNREACHABLE', reason: 'x' }) }, null],
    [
      'a server away for a day',
      { record: failed({ code: 'REPOSITORY_UNREACHABLE', reason: 'x' }, 25) },
      'REPOSITORY_UNREACHABLE',
    ],
    [
      'a bad signature now',
      { record: failed({ code: 'REPOSITORY_BAD_SIGNATURE', reason: 'x' }) },
      'REPOSITORY_BAD_SIGNATURE',
    ],
    [
      'a subscription that ended',
      { record: failed({ code: 'REPOSITORY_NOT_ENTITLED', reason: 'x' }) },
      'REPOSITORY_NOT_ENTITLED',
    ],
    ['an archive that is gone', { record: failed({ code: 'REPOSITORY_GONE', reason: 'x' }) }, 'REPOSITORY_GONE'],
  ])('answers for %s', (_, facts, expected) => {
    expect(code(facts)).toBe(expected);
  });

  it('always tells the last error, also while the list is believed', () => {
    const error = { code: 'REPOSITORY_UNREACHABLE', reason: 'Could not resolve' } as const;

    expect(judge({ record: failed(error) })).toMatchObject({ problem: null, lastError: error });
  });
});

describe('when it is asked whether a repository is of security', () => {
  const release = (fields: string) => parseRelease(`${fields}\nDate: Mon, 23 Nov 2026 06:00:00 UTC\n`, 'r');

  it.each<[string, Parameters<typeof judge>[0], boolean]>([
    ['Debian by its label', { release: release('Label: Debian-Security\nSuite: stable') }, true],
    ['Ubuntu by its suite', { suite: 'jammy-security' }, true],
    ['Ubuntu ESM', { suite: 'jammy-infra-security' }, true],
    ['ESM by origin', { release: release('Origin: UbuntuESMApps') }, true],
    ['old Debian by its path', { suite: 'buster/updates' }, true],
    ['the point release', {}, false],
    ['the updates suite', { suite: 'jammy-updates' }, false],
  ])('says so for %s', (_, facts, expected) => {
    expect(judge(facts).security).toBe(expected);
  });
});

describe('when the head of an index is read', () => {
  it('reads a clear-signed one without its signature', () => {
    const text = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nLabel: Debian-Security\nDate: Sat, 21 Nov 2026 00:53:02 UTC\nSHA256:\n e3b0 0 x\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n`;

    expect(parseRelease(text, 'InRelease')).toMatchObject({ label: 'Debian-Security', validUntil: null });
    expect(parseRelease(text, 'InRelease').date.toString()).toBe('2026-11-21T00:53:02Z');
  });

  it.each([
    ['no date', 'Label: x\n'],
    ['a date in another zone', 'Date: Sat, 21 Nov 2026 00:53:02 +0200\n'],
    ['a day that is none', 'Date: Sat, 31 Feb 2026 00:53:02 UTC\n'],
    ['a page of a portal', '<html>\n'],
    ['a cut message', '-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nDate: Sat, 21 Nov 2026 00:53:02 UTC\n'],
  ])('refuses %s', (_, text) => {
    expect(() => parseRelease(text, 'InRelease')).toThrow(expect.objectContaining({ code: 'PARSE' }));
  });
});
