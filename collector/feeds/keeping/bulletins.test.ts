// Bulletins over time: what a source no longer has is kept, and a source that is away takes nothing from the others.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { describe, expect, it } from 'vitest';
import { markOf, withoutMark } from '../bulletins/mark.ts';
import { bulletins } from '../bulletins.ts';
import { importLabs } from '../testing/import-lab.ts';
import { DEFAULT_FEED_SETTINGS, feedSettings } from './settings.ts';
import { sourcesOf } from './standing.ts';
import { updateFeed } from './updating.ts';

const makeLab = importLabs('bulletins');
const rss = (...days: readonly number[]) =>
  `<rss><channel><title>x</title>${days.map((day) => `<item><guid>g-${day}</guid><title>Flaw ${day}</title><pubDate>${day} Aug 2024 10:00:00 GMT</pubDate></item>`).join('')}</channel></rss>`;
const mail = (id: string) =>
  `From: a@b\nDate: Tue, 24 Oct 2023 20:11:05 +0000\nMessage-ID: <x@y>\nSubject: [${id}] OpenSSL\n\nCVE-2023-5363\n`;

async function make() {
  const lab = await makeLab();
  const asked: string[] = [];
  const parts = {
    ...{ store: lab.store, events: { publish: () => undefined }, random: systemRandom, folder: lab.folder },
    // Waiting between attempts is not what is tested here.
    clock: { ...lab.clock, now: () => lab.clock.now(), sleep: async () => undefined },
    way: {
      connect: async (target: { readonly host: string }) => {
        asked.push(target.host);
        throw new CodedError('UNREACHABLE', 'nobody is there');
      },
      ...{ authorities: [], agentName: 'selvage/test' },
    } as never,
  };

  return {
    ...lab,
    asked,
    update: (...sources: readonly string[]) => updateFeed(parts, bulletins, sources),
    known: async () =>
      (await lab.store.read.feeds.bulletins({ limit: 100 })).map(({ vendor, id }) => `${vendor} ${id}`),
  };
}
const marked = (path: string, vendor: string) => `${path}${markOf({ vendor, product: null })}`;

describe('when bulletins are updated again and again', () => {
  it('what a source has no longer is kept, and nothing is there twice', async () => {
    const { update, known, file } = await make();
    const path = file('news.xml', rss(1, 2));
    await update(marked(path, 'Example'));
    writeFileSync(path, rss(2, 3));
    await update(marked(path, 'Example'));

    expect(await known()).toEqual(['Example g-3', 'Example g-2', 'Example g-1']);
  });

  it('the same again ends in no new generation', async () => {
    const { update, file } = await make();
    const source = marked(file('news.xml', rss(1)), 'Example');
    await update(source);
    await update(source);

    expect((await update(source))?.changed).toBe(false);
  });

  it('a maildir is read as the mails in it, with whose the list is', async () => {
    const { update, known, folder } = await make();
    const maildir = join(folder, 'Maildir');
    for (const each of ['cur', 'new', 'tmp']) mkdirSync(join(maildir, each), { recursive: true });
    writeFileSync(join(maildir, 'cur/1700000000.M1.host:2,S'), mail('USN-6450-1'));
    writeFileSync(join(maildir, 'new/1700000001.M2.host'), mail('USN-6451-1'));
    writeFileSync(join(maildir, 'tmp/1700000002.M3.host'), mail('USN-6452-1'));
    await update(marked(maildir, 'Canonical'));

    expect((await known()).sort()).toEqual(['Canonical USN-6450-1', 'Canonical USN-6451-1']);
  });

  it('a source that is away is said, and takes nothing away', async () => {
    const { update, known, file, store } = await make();
    const path = marked(file('news.xml', rss(1)), 'Example');
    const away = marked('https://away.example/rss.xml', 'Away');

    await expect(update(away, path)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect(await known()).toEqual(['Example g-1']);
    expect((await store.read.feeds.byName('bulletins'))?.error).toMatchObject({ code: 'UNREACHABLE' });
    await expect(update(away)).rejects.toMatchObject({ code: 'UNREACHABLE' });
    expect(await known()).toEqual(['Example g-1']);
  });
});

describe('when the settings name sources of bulletins', () => {
  const from = (...list: readonly unknown[]) => feedSettings.safeParse({ bulletins: list });

  it('each is fetched with whose it is behind it, which no server sees', () => {
    const parsed = feedSettings.parse({
      bulletins: [
        { vendor: 'Google', product: 'Chrome', url: 'https://e.org/rss?x=1' },
        { vendor: 'Debian', maildir: '/var/mail/dsa' },
      ],
    });

    expect(sourcesOf(bulletins, parsed)).toEqual([
      'https://e.org/rss?x=1#vendor=Google&product=Chrome',
      '/var/mail/dsa#vendor=Debian',
    ]);
    expect(sourcesOf(bulletins, DEFAULT_FEED_SETTINGS)).toEqual([]);
    expect(withoutMark('/a#b')).toEqual({ address: '/a#b', mark: '' });
  });

  it.each([
    [{ vendor: 'x' }],
    [{ vendor: 'x', url: 'https://e.org', maildir: '/x' }],
    [{ vendor: 'x', url: 'http://e.org' }],
    [{ vendor: 'x', url: 'https://user:secret@e.org' }],
    [{ vendor: 'x', maildir: 'mail' }],
    [{ vendor: '', url: 'https://e.org' }],
    [{ vendor: 'a\nb', url: 'https://e.org' }],
    [{ url: 'https://e.org' }],
  ])('%o is refused', (one) => {
    expect(from(one).success).toBe(false);
  });
});
