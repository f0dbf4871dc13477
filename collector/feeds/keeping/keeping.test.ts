import { existsSync, readFileSync } from 'node:fs';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { SMALL_DISK_PARTS, smallDisk } from '@selvage/shared/testing/small-disk.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { feedAlarms } from '../../alarms/feeds.ts';
import type { FeedState } from '../../store/feed-ports.ts';
import type { Feed } from '../feed.ts';
import { FEEDS } from '../list.ts';
import { Jobs } from './jobs.ts';
import { keepFeeds } from './keeper.ts';
import { feedSettings } from './settings.ts';
import { isWanted, viewOf } from './standing.ts';
import { Uploads } from './uploads.ts';

const NOW = '2026-11-23T20:00:00Z';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const code = (expected: string) => expect.objectContaining({ code: expected });
const feedOf = (name: string): Feed => {
  const found = FEEDS.find((each) => each.name === name);
  if (!found) throw new Error(name);

  return found;
};

describe('when it is decided which feeds are needed', () => {
  const wanted = (ecosystems: readonly string[], given: object = {}) =>
    FEEDS.filter((feed) => isWanted(feed, { settings: feedSettings.parse(given), ecosystems })).map(({ name }) => name);

  it('what is installed decides, and without machines nothing is fetched', () => {
    expect(wanted([])).toEqual([]);
    expect(wanted(['Debian:12'])).toEqual(expect.arrayContaining(['osv-debian', 'debian-tracker', 'kev', 'epss']));
    expect(wanted(['Debian:12'])).not.toContain('osv-ubuntu');
    expect(wanted(['Ubuntu:22.04', 'PyPI'])).toEqual(expect.arrayContaining(['osv-ubuntu', 'osv-pypi', 'kev']));
  });

  it('settings decide over it', () => {
    expect(wanted(['Debian:12'], { list: 'off' })).toEqual([]);
    expect(wanted([], { list: ['kev'] })).toEqual(['kev']);
  });

  it('announcements are needed where the settings say whose', () => {
    const bulletins = [{ vendor: 'Debian', maildir: '/var/mail/announce' }];

    expect(wanted(['Debian:12'])).not.toContain('bulletins');
    expect(wanted(['Debian:12'], { bulletins })).toContain('bulletins');
  });

  it.each([
    [{ list: 'some' }],
    [{ list: ['NO SUCH'] }],
    [{ sources: { kev: ['http://mirror.example/kev.json'] } }],
    [{ sources: { kev: ['https://user:password@mirror.example/kev.json'] } }],
    [{ sources: { kev: ['relative/path'] } }],
    [{ sources: { kev: [] } }],
    [{ everyHours: 0 }],
    [{ ca: 'mirror.pem' }],
    [{ other: 1 }],
  ])('%j is no setting', (given) => {
    expect(feedSettings.safeParse(given).success).toBe(false);
  });
});

describe('when it is said how a feed stands', () => {
  const state = (over: Partial<FeedState> = {}): FeedState => ({
    ...{
      name: 'kev',
      generation: 3,
      asOf: NOW as Timestamp,
      importedAt: NOW as Timestamp,
      checkedAt: NOW as Timestamp,
    },
    ...{ records: 10, skipped: 0, sha256: null, format: 1, etag: null, lastModified: null, error: null },
    ...over,
  });
  const error = (of: 'UNREACHABLE' | 'FEED_SHRUNK' | 'FEED_INVALID') => ({
    code: of,
    reason: 'why',
    at: NOW as Timestamp,
  });
  const view = (of: FeedState | null, later = 0, name = 'kev') =>
    viewOf(feedOf(name), of, {
      ...{ settings: feedSettings.parse({}), ecosystems: ['Debian:12'] },
      now: Temporal.Instant.from(NOW).add({ milliseconds: later }),
    });

  it('it is fresh, failed, stale or was never there, with the next step', () => {
    const after = feedOf('kev').staleAfterMs + DAY_MS;

    expect(view(state())).toMatchObject({ standing: 'fresh', next: null, ageMs: 0 });
    expect(view(state({ error: error('UNREACHABLE') }))).toMatchObject({
      standing: 'failed',
      next: 'selvage feed update kev',
    });
    expect(view(state({ error: error('UNREACHABLE') }), after)).toMatchObject({ standing: 'stale', ageMs: after });
    expect(view(null)).toMatchObject({ standing: 'never', ageMs: null, next: 'selvage feed update kev' });
    expect(view(state({ error: error('FEED_SHRUNK') })).next).toContain('--accept-shrunk');
    expect(view(null, 0, 'osv')).toMatchObject({ wanted: false, next: null });
  });

  it('data without a date is as old as the last time its source had nothing newer', () => {
    const undated = state({ asOf: null, importedAt: '2026-11-01T00:00:00Z' as Timestamp });

    expect(view(undated).ageMs).toBe(0);
    expect(view({ ...undated, error: error('UNREACHABLE') }).ageMs).toBeGreaterThan(20 * DAY_MS);
  });

  it('data that says it is of the future is as old as its arrival, and no younger for ever', () => {
    const ahead = state({ asOf: '2099-01-01T00:00:00Z' as Timestamp });

    expect(view(ahead, HOUR_MS)).toMatchObject({ standing: 'fresh', ageMs: HOUR_MS });
    expect(view(ahead, feedOf('kev').staleAfterMs + 1)).toMatchObject({ standing: 'stale' });
  });

  it('alarms are of needed feeds only, and one failure of a server is none', () => {
    const short = (views: Parameters<typeof feedAlarms>[0]) =>
      feedAlarms(views).map(({ severity, subject }) => `${severity} ${subject}`);
    const stale = feedOf('kev').staleAfterMs;

    expect(short([view(state()), view(state({ error: error('UNREACHABLE') }))])).toEqual([]);
    expect(short([view(state({ error: error('FEED_SHRUNK') }))])).toEqual(['urgent kev']);
    expect(short([view(state(), stale + 1)])).toEqual(['warning kev']);
    expect(short([view(state(), stale * 4)])).toEqual(['urgent kev']);
    expect(short([view(null)])).toEqual(['warning kev']);
    expect(short([{ ...view(null), wanted: false }])).toEqual([]);
  });
});

describe('when feeds are kept up to date', () => {
  interface Said {
    readonly level: string;
    readonly message: string;
  }

  function kept(outcomes: (name: string, turn: number) => Error | null) {
    const clock = fakeClock(NOW);
    const said: Said[] = [];
    const asked: string[] = [];
    const note = (level: string) => (_facts: object, message: string) => void said.push({ level, message });
    const log = { info: note('info'), warn: note('warn'), error: note('error') } as unknown as Log;
    const stop = new AbortController();
    const wanted = [feedOf('kev'), feedOf('epss')];
    const ended = keepFeeds(
      {
        ...{ feeds: FEEDS, wanted: async () => wanted, everyMs: HOUR_MS, clock, random: seededRandom(7), log },
        update: async ({ name }) => {
          asked.push(name);
          const error = outcomes(name, asked.filter((each) => each === name).length);
          if (error) throw error;
        },
      },
      stop.signal,
    );
    const pass = (minutes: number) => clock.advance(minutes * 60_000);

    return {
      pass,
      said,
      asked,
      stop: () => {
        stop.abort();

        return ended;
      },
      wanted,
    };
  }

  it('each is asked at once and then about every hour, not in step', async () => {
    const { pass, asked, stop } = kept(() => null);
    await pass(1);
    expect(asked).toEqual(['kev', 'epss']);
    await pass(47);
    expect(asked).toHaveLength(2);
    await pass(26);
    expect([...asked].sort()).toEqual(['epss', 'epss', 'kev', 'kev']);
    await stop();
  });

  it('where there is no internet one line says so, with growing pauses, and one when it is over', async () => {
    const down = new CodedError('UNREACHABLE', 'no way out');
    const { pass, asked, said, stop } = kept((name, turn) => (name === 'kev' && turn < 6 ? down : null));
    await pass(24 * 60);

    expect(said.filter(({ message }) => message.includes('kev')).map(({ level }) => level)).toEqual(['warn', 'info']);
    expect(asked.filter((name) => name === 'kev').length).toBeLessThan(35);
    await stop();
  });

  it('another fault is said again', async () => {
    const faults = [
      new CodedError('UNREACHABLE', 'a'),
      new CodedError('FEED_INVALID', 'b'),
      new CodedError('FEED_INVALID', 'c'),
    ];
    const { pass, said, stop } = kept((name, turn) => (name === 'kev' ? (faults[turn - 1] ?? null) : null));
    await pass(24 * 60);

    expect(said.map(({ level }) => level)).toEqual(['warn', 'warn', 'info']);
    await stop();
  });
});

describe('when files of feeds arrive in pieces', () => {
  const folder = temporaryFolder('uploads');
  const made = () => {
    const clock = fakeClock(NOW);

    return {
      clock,
      uploads: new Uploads({ folder, clock, random: seededRandom(Math.trunc(performance.now() * 1000)) }),
    };
  };
  const piece = (text: string) => new TextEncoder().encode(text);

  it('they are put together in order, and handed over once, to who sent them', async () => {
    const { uploads } = made();
    const { id } = await uploads.begin({ name: '../../etc/passwd', bytes: 6, by: 'admin:ann' });
    await uploads.add(id, 'admin:ann', 0, piece('abc'));
    expect(() => uploads.take(id, 'admin:ann')).toThrow(code('REQUEST_INVALID'));
    await expect(uploads.add(id, 'admin:ann', 0, piece('abc'))).rejects.toThrow(code('REQUEST_INVALID'));
    await expect(uploads.add(id, 'admin:ann', 3, piece('defg'))).rejects.toThrow(code('REQUEST_TOO_LARGE'));
    await expect(uploads.add(id, 'admin:bob', 3, piece('def'))).rejects.toThrow(code('NOT_FOUND'));
    await uploads.add(id, 'admin:ann', 3, piece('def'));
    expect(() => uploads.take(id, 'admin:bob')).toThrow(code('NOT_FOUND'));
    const { path } = uploads.take(id, 'admin:ann');

    expect(path.startsWith(folder)).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('abcdef');
    expect(() => uploads.take(id, 'admin:ann')).toThrow(code('NOT_FOUND'));
  });

  it('they are bounded in number and size, and given up when nothing comes', async () => {
    const { uploads, clock } = made();
    const begin = () => uploads.begin({ name: 'x', bytes: null, by: 'admin:ann' });
    await expect(uploads.begin({ name: 'x', bytes: 5 * 2 ** 30, by: 'admin:ann' })).rejects.toThrow(
      code('REQUEST_TOO_LARGE'),
    );
    const first = await begin();
    await uploads.add(first.id, 'admin:ann', 0, piece('x'));
    for (let count = 1; count < 4; count++) await begin();
    await expect(begin()).rejects.toThrow(code('RATE_LIMITED'));
    await clock.advance(16 * 60_000);
    await begin();
    await expect(uploads.add(first.id, 'admin:ann', 1, piece('x'))).rejects.toThrow(code('NOT_FOUND'));
    expect(existsSync(`${folder}/upload-${first.id}.part`)).toBe(false);
  });
});

needs(SMALL_DISK_PARTS, 'when the disk is full while a file of a feed arrives', () => {
  it('no part of a piece is taken for all of it, and nothing keeps a place', async () => {
    const disk = await smallDisk({ bytes: 512 * 1024, inodes: 24 });
    const uploads = new Uploads({ folder: disk.path, clock: fakeClock(NOW), random: seededRandom(1) });
    const begin = () => uploads.begin({ name: 'x', bytes: null, by: 'admin:ann' });
    const { id } = await begin();
    disk.fill(8192);
    const large = new Uint8Array(64 * 1024);
    await expect(uploads.add(id, 'admin:ann', 0, large)).rejects.toThrow(code('DISK_FULL'));
    expect(() => uploads.take(id, 'admin:ann')).toThrow(code('REQUEST_INVALID'));

    disk.free();
    disk.fillInodes();
    for (let count = 0; count < 4; count++) await expect(begin()).rejects.toThrow(code('DISK_FULL'));
    disk.free();
    expect(await begin()).toMatchObject({ received: 0 });
    expect(await uploads.add(id, 'admin:ann', 0, large)).toMatchObject({ received: large.length });
  });
});

describe('when work on feeds is done', () => {
  const result = { changed: true, records: 1, skipped: 0, duplicates: 0, problems: [] };

  it('it is done one after the other, and how each ended can be asked', async () => {
    const jobs = new Jobs(seededRandom(1));
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(`${name} began`);
      await Promise.resolve();
      order.push(`${name} ended`);
      if (name === 'b') throw new CodedError('FEED_INVALID', 'no');

      return result;
    };
    const [a, b, c] = ['a', 'b', 'c'].map((name) => jobs.start(name, work(name)));
    expect(a).toMatchObject({ state: 'waiting', feed: 'a' });
    await expect(jobs.ended(b?.id ?? '')).rejects.toThrow(code('FEED_INVALID'));
    await jobs.ended(c?.id ?? '');

    expect(order).toEqual(['a began', 'a ended', 'b began', 'b ended', 'c began', 'c ended']);
    expect([a, b, c].map((each) => jobs.get(each?.id ?? '').state)).toEqual(['done', 'failed', 'done']);
    expect(jobs.get(b?.id ?? '').error).toMatchObject({ code: 'FEED_INVALID' });
    expect(() => jobs.get('unknown')).toThrow(code('NOT_FOUND'));
    await jobs.close();
    expect(() => jobs.start('d', work('d'))).toThrow(code('STATE'));
  });

  it('no more wait than there is room for', async () => {
    const jobs = new Jobs(seededRandom(1));
    const gate = Promise.withResolvers<typeof result>();
    for (let count = 0; count < 32; count++) jobs.start('a', () => gate.promise);
    expect(() => jobs.start('a', () => gate.promise)).toThrow(code('RATE_LIMITED'));
    gate.resolve(result);
    await jobs.close();
  });
});
