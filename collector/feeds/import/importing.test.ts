// Whole imports into a real store, through a real thread: what is current before, during and after, whatever is brought.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { PackageName } from '../../store/feed-ports.ts';
import { type ImportLab, importLabs, lines, osvOf } from '../testing/import-lab.ts';
import type { ImportOptions } from './importing.ts';

const labs = importLabs('feed-import');
const code = (expected: string) => expect.objectContaining({ code: expected });
const debian = (name: string): PackageName => ({ ecosystem: 'Debian:12', package: name });
const two = lines([osvOf('CVE-2025-0001', { curl: '8.1-1', zlib: null }), osvOf('CVE-2025-0002', { curl: '8.2-1' })]);
/** More than what may shrink without anybody looking. */
const many = (count: number, from = 1) =>
  lines(
    Array.from({ length: count }, (_, n) =>
      osvOf(`CVE-2025-${String(n + from).padStart(4, '0')}`, { [`p${n % 40}`]: '1-1' }),
    ),
  );

async function curl({ store }: ImportLab): Promise<readonly string[]> {
  const [found] = await store.read.feeds.rules([debian('curl')]);

  return found?.rules.map(({ record, ranges }) => `${record} ${ranges[0]?.fixed ?? 'open'}`) ?? [];
}

describe('when a feed is imported for the first time', () => {
  it('what it says is found by package, its state tells all of it, and the ledger who brought it', async () => {
    const lab = await labs();
    const done = await lab.take('osv-debian', lab.file('two.jsonl', two), { by: 'admin:ann' });

    expect(done).toMatchObject({ feed: 'osv-debian', changed: true, from: null, to: 1, duplicates: 0, problems: [] });
    expect(done.state).toMatchObject({
      ...{ records: 2, skipped: 0, asOf: '2025-02-01T00:00:00Z', importedAt: '2026-11-23T20:00:00Z', error: null },
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await curl(lab)).toEqual(['CVE-2025-0001 8.1-1', 'CVE-2025-0002 8.2-1']);
    const [zlib] = await lab.store.read.feeds.rules([debian('zlib')]);
    expect(zlib).toEqual({
      ...{ feed: 'osv-debian', asOf: '2025-02-01T00:00:00Z', ecosystem: 'Debian:12', package: 'zlib' },
      rules: [
        {
          ...{
            ecosystem: 'Debian:12',
            package: 'zlib',
            record: 'CVE-2025-0001',
            cves: ['CVE-2025-0001'],
            status: 'open',
          },
          ...{ ranges: [{ introduced: null, fixed: null, lastAffected: null }], published: '2025-01-01T00:00:00Z' },
        },
      ],
    });
    expect(await lab.store.read.feeds.ecosystems()).toEqual(new Map([['Debian:12', ['osv-debian']]]));
    expect(await lab.store.read.feeds.facts(['CVE-2025-0001', 'CVE-1999-0001'])).toEqual(
      new Map([['CVE-2025-0001', [{ published: '2025-01-01T00:00:00Z' }]]]),
    );
    expect(lab.events).toEqual([{ type: 'feed.changed', feed: 'osv-debian', from: null, to: 1, records: 2 }]);
    expect(await lab.store.read.audit.head()).toMatchObject({
      actor: 'admin:ann',
      action: 'feed.imported',
      subject: 'osv-debian',
    });
  });

  it('its content says what it is', async () => {
    const lab = await labs();

    expect((await lab.take(null, lab.file('x', two))).feed).toBe('osv-debian');
    expect(
      (
        await lab.take(
          null,
          lab.file('y', '#m,score_date:2025-02-20T00:00:00Z\ncve,epss,percentile\nCVE-2025-0001,0.1,0.2\n'),
        )
      ).feed,
    ).toBe('epss');
    const facts = await lab.store.read.feeds.facts(['CVE-2025-0001']);
    expect(facts.get('CVE-2025-0001')).toEqual([
      { epss: { score: 0.1, percentile: 0.2, asOf: '2025-02-20' } },
      { published: '2025-01-01T00:00:00Z' },
    ]);
  });
});

describe('when the same comes again', () => {
  it('nothing changes but when it was looked at', async () => {
    const lab = await labs();
    const path = lab.file('two.jsonl', two);
    const first = await lab.take('osv-debian', path, { etag: '"a"' });
    await lab.clock.advance(60_000);
    const again = await lab.take('osv-debian', path, { etag: '"b"' });

    expect(again).toMatchObject({ changed: false, from: 1, to: 1 });
    expect(again.state).toEqual({ ...first.state, checkedAt: '2026-11-23T20:01:00Z', etag: '"b"' });
    expect(lab.events).toHaveLength(1);
    expect((await lab.store.read.audit.head())?.sequence).toBe(1);
  });

  it('packed otherwise it is another file, and no package has changed', async () => {
    const lab = await labs();
    await lab.take('osv-debian', lab.file('two.jsonl', two));
    const again = await lab.take('osv-debian', lab.file('two.jsonl.gz', gzipSync(two)));

    expect(again).toMatchObject({ changed: true, from: 1, to: 2 });
    expect(await lab.store.read.feeds.changed(1, 2)).toEqual([]);
  });
});

describe('when newer data comes', () => {
  it('it takes the place of all of it, and which packages it changes is known', async () => {
    const lab = await labs();
    await lab.take('osv-debian', lab.file('a', two));
    const records = [osvOf('CVE-2025-0002', { curl: '8.3-1' }), osvOf('CVE-2025-0003', { xz: '5.6-1' })];
    const { from, to } = await lab.take('osv-debian', lab.file('b', lines(records)));

    expect(await curl(lab)).toEqual(['CVE-2025-0002 8.3-1']);
    expect(await lab.store.read.feeds.rules([debian('zlib')])).toEqual([]);
    const { feeds } = lab.store.read;
    expect((await feeds.changed(from, to)).map((each) => each.package).sort()).toEqual(['curl', 'xz', 'zlib']);
    expect((await feeds.changed(null, to)).map((each) => each.package).sort()).toEqual(['curl', 'xz']);
    expect((await feeds.facts(['CVE-2025-0001'])).size).toBe(0);
  });

  it('what was before the one before is forgotten, and asking about it says so', async () => {
    const lab = await labs();
    for (const fixed of ['1', '2', '3'])
      await lab.take('osv-debian', lab.file(fixed, lines([osvOf('CVE-2025-0001', { a: fixed })])));

    await expect(lab.store.read.feeds.changed(1, 3)).rejects.toThrow(code('NOT_FOUND'));
    expect(await lab.store.read.feeds.changed(2, 3)).toEqual([debian('a')]);
    expect(await lab.store.transaction(({ feeds }) => feeds.leftovers(new Set()))).toEqual([]);
  });

  it('whoever reads meanwhile sees the old copy or the new one, never some of both', async () => {
    const lab = await labs();
    const all = (fixed: string) =>
      lines(Array.from({ length: 3000 }, (_, n) => osvOf(`CVE-2025-${1000 + n}`, { [`p${n}`]: fixed })));
    await lab.take('osv-debian', lab.file('old', all('1')));
    const asked = Array.from({ length: 60 }, (_, n) => debian(`p${n * 50}`));
    const seen = new Set<string>();
    let running = true;
    const looking = (async () => {
      while (running) {
        const found = await lab.store.read.feeds.rules(asked);
        seen.add(`${found.length} ${[...new Set(found.map(({ rules }) => rules[0]?.ranges[0]?.fixed))].join(' and ')}`);
        await new Promise((done) => setImmediate(done));
      }
    })();
    await lab.take('osv-debian', lab.file('new', all('2')));
    running = false;
    await looking;
    await lab.store.read.feeds
      .rules(asked)
      .then((found) => seen.add(`${found.length} ${found[0]?.rules[0]?.ranges[0]?.fixed}`));

    expect([...seen].sort()).toEqual(['60 1', '60 2']);
  });

  it('of two records with one id the newer counts, wherever it stands', async () => {
    const older = osvOf('CVE-2025-0001', { curl: '1', old: '1' }, { modified: '2025-01-01T00:00:00Z' });
    const newer = osvOf('CVE-2025-0001', { curl: '2' }, { modified: '2025-01-01T00:00:00.5Z' });

    for (const records of [
      [older, newer],
      [newer, older],
      [older, newer, older],
    ]) {
      const lab = await labs();
      const { duplicates, state } = await lab.take('osv-debian', lab.file('x', lines(records)));

      expect([duplicates, state.records]).toEqual([records.length - 1, 1]);
      expect(await curl(lab)).toEqual(['CVE-2025-0001 2']);
      expect(await lab.store.read.feeds.rules([debian('old')])).toEqual([]);
    }
  });

  it('a CVE twice in a list without records counts once, the last one, and is said', async () => {
    const lab = await labs();
    const text =
      '#m,score_date:2025-02-20T00:00:00Z\ncve,epss,percentile\nCVE-2025-0001,0.1,0.2\nCVE-2025-0001,0.3,0.4\n';
    const { duplicates } = await lab.take('epss', lab.file('x', text));

    expect(duplicates).toBe(1);
    expect((await lab.store.read.feeds.facts(['CVE-2025-0001'])).get('CVE-2025-0001')).toMatchObject([
      { epss: { score: 0.3 } },
    ]);
  });
});

describe('when what comes is wrong', () => {
  it.each<[string, (lab: ImportLab) => string, ImportOptions?]>([
    ['a page of a portal', (lab) => lab.file('x', '<!DOCTYPE html><title>Please log in</title>')],
    ['half of a gzip', (lab) => lab.file('x.gz', gzipSync(many(500)).subarray(0, 2000))],
    ['more than it has memory for', (lab) => lab.file('x', many(4000)), { limits: { memoryMib: 4 } }],
    ['too slow', (lab) => lab.file('x', many(4000)), { limits: { deadlineMs: 1 } }],
  ])('%s is refused, and the copy from before counts', async (_what, make, options) => {
    const lab = await labs();
    await lab.take('osv-debian', lab.file('good', two));
    await expect(lab.take('osv-debian', make(lab), options)).rejects.toThrow(code('FEED_INVALID'));

    expect(await curl(lab)).toEqual(['CVE-2025-0001 8.1-1', 'CVE-2025-0002 8.2-1']);
    expect(await lab.store.transaction(({ feeds }) => feeds.leftovers(new Set()))).toEqual([]);
    expect(await lab.store.read.feeds.byName('osv-debian')).toMatchObject({
      generation: 1,
      error: { code: 'FEED_INVALID' },
    });
  });

  it('the error goes away with the next good copy', async () => {
    const lab = await labs();
    await expect(lab.take('osv-debian', lab.file('x', '<html>'))).rejects.toThrow(code('FEED_INVALID'));
    expect(await lab.store.read.feeds.byName('osv-debian')).toMatchObject({
      generation: null,
      error: { code: 'FEED_INVALID' },
    });
    await lab.take('osv-debian', lab.file('y', two));

    expect((await lab.store.read.feeds.byName('osv-debian'))?.error).toBeNull();
  });

  it.each([
    ['a file that is not there', 'osv-debian', '/nowhere/at/all', 'NOT_FOUND'],
    ['a device', 'osv-debian', '/dev/zero', 'FILE_UNSAFE'],
    ['a name that is no feed', 'osv-debain', '/etc/hostname', 'NOT_FOUND'],
  ])('%s is said as such', async (_what, feed, path, expected) => {
    const lab = await labs();
    await expect(lab.take(feed, path)).rejects.toThrow(code(expected));
    if (feed === 'osv-debain') expect(await lab.store.read.feeds.list()).toEqual([]);
  });

  it('what is too long in a record is left out and counted', async () => {
    const lab = await labs();
    const absurd = [
      osvOf('CVE-2025-0003', { curl: '9'.repeat(401) }),
      osvOf('CVE-2025-0004', { ['n'.repeat(501)]: '1' }),
      osvOf(`CVE-${'x'.repeat(300)}`, { curl: '1' }),
    ];
    const { state, problems } = await lab.take('osv-debian', lab.file('x', `${many(20, 100)}${lines(absurd)}`));

    expect(state.skipped).toBe(3);
    expect(problems.map(({ reason }) => reason)).toEqual([
      'a version has 401 characters',
      'the name of a package has 501 characters',
      'its id has 304 characters',
    ]);
    expect(await curl(lab)).toEqual([]);
  });
});

describe('when a feed has suddenly become small', () => {
  it('it is refused until somebody says that it is right', async () => {
    const lab = await labs();
    await lab.take('osv-debian', lab.file('a', many(200)));
    const small = lab.file('b', many(20));

    await expect(lab.take('osv-debian', small)).rejects.toThrow(code('FEED_SHRUNK'));
    expect(await lab.store.read.feeds.byName('osv-debian')).toMatchObject({
      ...{ generation: 1, records: 200 },
      error: { code: 'FEED_SHRUNK', reason: expect.stringContaining('20 records') },
    });
    const taken = await lab.take('osv-debian', small, { by: 'admin:ann', acceptShrunk: true });
    expect(taken.state).toMatchObject({ records: 20, error: null });
    expect((await lab.store.read.audit.head())?.details).toMatchObject({ acceptShrunk: true });
  });

  it('the same for one of its ecosystems, however much there is of the others', async () => {
    const lab = await labs();
    const packages = (ecosystem: string, count: number) =>
      Array.from({ length: count }, (_, n) => ({ package: { ecosystem, name: `p${n}` }, versions: ['1'] }));
    const of = (debian: number, alpine: number) =>
      lab.file(
        'x',
        lines([
          osvOf('CVE-2025-0001', {}, { affected: packages('Debian:12', debian) }),
          osvOf('CVE-2025-0002', {}, { affected: packages('Debian:13', alpine) }),
        ]),
      );
    await lab.take('osv-debian', of(100, 100));
    const debian = { ecosystem: 'Debian:12', package: 'p99' };

    for (const [left, others] of [
      [10, 500],
      [0, 500],
    ] as const) {
      await expect(lab.take('osv-debian', of(left, others))).rejects.toThrow(code('FEED_SHRUNK'));
      expect(await lab.store.read.feeds.rules([debian])).toHaveLength(1);
    }
    expect((await lab.store.read.feeds.byName('osv-debian'))?.error?.reason).toBe(
      'osv-debian has 0 packages of Debian:12, the copy from before has 100',
    );
    expect((await lab.take('osv-debian', of(11, 500))).changed).toBe(true);
    expect((await lab.take('osv-debian', of(0, 500), { acceptShrunk: true })).changed).toBe(true);
  });

  it('one more than a tenth is enough, and small ones may shrink', async () => {
    const lab = await labs();
    await lab.take('osv-debian', lab.file('a', many(200)));
    expect((await lab.take('osv-debian', lab.file('b', many(21)))).changed).toBe(true);
    expect((await lab.take('osv-debian', lab.file('c', many(1)))).changed).toBe(true);
  });
});
