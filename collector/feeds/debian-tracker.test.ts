import { describe, expect, it } from 'vitest';
import { debianTracker } from './debian-tracker.ts';
import type { FeedSource } from './feed.ts';
import { codeOf, fixture, readAll, sourceOf } from './testing/reading.ts';

const sample = fixture(new URL('debian-tracker/fixtures/tracker.json', import.meta.url));
const host = fixture(new URL('debian-tracker/fixtures/host-changelog.tracker.json.gz', import.meta.url));

const one = (release: unknown, { id = 'CVE-2024-10001', codename = 'bookworm', name = 'openssl' } = {}) =>
  JSON.stringify({ [name]: { [id]: { releases: { [codename]: release } } } });
const ruleOf = async (release: unknown, place?: Parameters<typeof one>[1]) =>
  (await readAll(debianTracker, sourceOf('json', one(release, place)))).rules[0];

describe('when the tracker is read as it is served', () => {
  it('every package and CVE has a rule for each release that has a number', async () => {
    const { rules, problems, asOf } = await readAll(debianTracker, sourceOf('json', sample, 13));

    expect(problems).toEqual([]);
    expect(asOf).toBeNull();
    expect(rules.filter(({ package: name }) => name === '389-ds-base')).toEqual([
      {
        ...{ ecosystem: 'Debian:11', package: '389-ds-base', record: 'CVE-2012-0833', cves: ['CVE-2012-0833'] },
        ...{ status: 'not-affected', ranges: [], urgency: 'unimportant' },
      },
      {
        ...{ ecosystem: 'Debian:11', package: '389-ds-base', record: 'CVE-2016-5405', cves: ['CVE-2016-5405'] },
        ...{ status: 'fixed', ranges: [{ introduced: null, fixed: '1.3.5.15-1', lastAffected: null }] },
      },
      {
        ...{ ecosystem: 'Debian:11', package: '389-ds-base', record: 'CVE-2016-5416', cves: ['CVE-2016-5416'] },
        ...{ status: 'ignored', ranges: [{ introduced: null, fixed: null, lastAffected: null }] },
      },
    ]);
    expect(rules.find(({ record }) => record === 'TEMP-0000000-0CA7E3')).toMatchObject({
      cves: [],
      ecosystem: 'Debian:11',
    });
    expect(rules.filter(({ status }) => status === 'end-of-life').length).toBeGreaterThan(0);
  });

  it('all pairs of a host come out, whatever pieces the bytes come in', async () => {
    const { rules, problems } = await readAll(debianTracker, sourceOf('json', host, 1 << 16));

    expect(problems).toEqual([]);
    expect(new Set(rules.map(({ package: name, record }) => `${name} ${record}`)).size).toBe(2391);
    expect(new Set(rules.map(({ ecosystem }) => ecosystem))).toEqual(new Set(['Debian:12']));
  });

  it('records come out before the last byte is there', async () => {
    let asked = 0;
    const source: FeedSource = {
      name: 'json',
      bytes: (async function* () {
        for (let at = 0; at < host.length; at += 4096) {
          asked = at;
          yield host.subarray(at, at + 4096);
        }
      })(),
    };

    for await (const _ of debianTracker.read(source).records) break;
    expect(asked).toBeLessThan(host.length / 4);
  });
});

describe('when the tracker gives its verdict', () => {
  it.each([
    [{ status: 'resolved', fixed_version: '0' }, 'not-affected'],
    [{ status: 'resolved', fixed_version: '1.2-1' }, 'fixed'],
    [{ status: 'resolved' }, 'undetermined'],
    [{ status: 'undetermined' }, 'undetermined'],
    [{ status: 'open' }, 'open'],
    [{ status: 'open', nodsa: 'x' }, 'minor'],
    [{ status: 'open', nodsa: 'x', nodsa_reason: '' }, 'minor'],
    [{ status: 'open', nodsa: 'x', nodsa_reason: 'postponed' }, 'postponed'],
    [{ status: 'open', nodsa: 'x', nodsa_reason: 'ignored' }, 'ignored'],
    [{ status: 'open', urgency: 'unimportant' }, 'minor'],
    [{ status: 'open', urgency: 'end-of-life' }, 'end-of-life'],
    [{ status: 'open', urgency: 'end-of-life', nodsa: 'x', nodsa_reason: 'ignored' }, 'end-of-life'],
  ])('%o is %s', async (release, status) => {
    expect((await ruleOf(release))?.status).toBe(status);
  });

  it('its word for the urgency is kept, and "not yet assigned" is none', async () => {
    expect(await ruleOf({ status: 'open', urgency: 'medium**' })).toMatchObject({ urgency: 'medium**' });
    expect(await ruleOf({ status: 'open', urgency: 'not yet assigned' })).not.toHaveProperty('urgency');
  });
});

describe('when a fix is not in the security suite', () => {
  const fixed_version = '1:9.2p1-2+deb12u3';

  it('an update of the release that only the release has is one of a point release', async () => {
    const repositories = { bookworm: fixed_version, 'bookworm-security': '1:9.2p1-2+deb12u2' };

    expect(await ruleOf({ status: 'resolved', fixed_version, repositories })).toMatchObject({
      pocket: 'point-release',
    });
    expect(
      await ruleOf({ status: 'resolved', fixed_version, repositories: { bookworm: fixed_version } }),
    ).toMatchObject({ pocket: 'point-release' });
  });

  it('one that the security suite has, or that the release had from the start, is for everybody', async () => {
    const both = { bookworm: fixed_version, 'bookworm-security': fixed_version };

    expect(await ruleOf({ status: 'resolved', fixed_version, repositories: both })).not.toHaveProperty('pocket');
    expect(
      await ruleOf({ status: 'resolved', fixed_version: '1:8.0-1', repositories: { bookworm: fixed_version } }),
    ).not.toHaveProperty('pocket');
    // Where the tracker does not say which suite has what, nobody knows.
    expect(await ruleOf({ status: 'resolved', fixed_version })).not.toHaveProperty('pocket');
  });
});

describe('when something else comes instead', () => {
  it.each([
    ['nothing', ''],
    ['a page of a proxy', '<html><body>blocked</body></html>'],
    ['half of it', sample.subarray(0, sample.length - 40)],
    ['a list', '[1, 2, 3]'],
    ['a text', '"tracker"'],
    ['an object of numbers', '{"openssl": 1, "curl": 2}'],
    ['another JSON', '{"schema": {"version": "1"}, "data": {"a": 1}}'],
    ['two documents', `${one({ status: 'open' })}{}`],
    ['bytes that are no text', new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['a hundred thousand brackets', '['.repeat(100_000)],
    ['a deep entry', `{"a":{"CVE-2024-1000":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}}`],
  ])('%s is refused', async (_, content) => {
    expect(await codeOf(debianTracker, sourceOf('json', content, 4096))).toBe('FEED_INVALID');
  });

  it('a text that does not end is refused long before it is kept', async () => {
    let served = 0;
    const bytes = (async function* () {
      yield Buffer.from('{"openssl":{"CVE-2024-1000":{"description":"');
      for (;;) {
        served += 65_536;
        yield Buffer.alloc(65_536, 0x61);
      }
    })();

    expect(await codeOf(debianTracker, { name: 'json', bytes })).toBe('FEED_INVALID');
    expect(served).toBeLessThan(32 * 1024 * 1024);
  });

  it('an entry that is not understood is said, and the others stand', async () => {
    const good = { releases: { bookworm: { status: 'open' } } };
    const { rules, problems } = await readAll(
      debianTracker,
      sourceOf(
        'json',
        JSON.stringify({
          openssl: {
            'CVE-2024-1000': good,
            'CVE-24-1': good,
            'CVE-2024-1001': { releases: 'none' },
            'CVE-2024-1002': { releases: { bookworm: { status: 'fixed' }, potato: { status: 'open' }, sid: 7 } },
          },
          '../../etc': { 'CVE-2024-1003': good },
          __proto__x: { 'CVE-2024-1003': good },
        }),
      ),
    );

    expect(rules.map(({ record }) => record)).toEqual(['CVE-2024-1000']);
    expect(problems.map(({ name }) => name)).toEqual([
      'openssl CVE-24-1',
      'openssl CVE-2024-1001',
      'openssl CVE-2024-1002',
      'openssl CVE-2024-1002',
      '../../etc CVE-2024-1003',
      '__proto__x CVE-2024-1003',
    ]);
  });

  it('of an entry that is there twice the first one stands, and it is said', async () => {
    const entry = (status: string) => `"CVE-2024-1000":{"releases":{"bookworm":{"status":"${status}"}}}`;
    const { rules, problems } = await readAll(
      debianTracker,
      sourceOf('json', `{"openssl":{${entry('open')},${entry('undetermined')}}}`),
    );

    expect(rules.map(({ status }) => status)).toEqual(['open']);
    expect(problems).toHaveLength(1);
  });
});
