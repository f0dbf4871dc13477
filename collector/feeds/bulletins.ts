// Bulletins of vendors: RSS, Atom, CSAF documents and announcement mails, whatever lies at the addresses and maildirs of the settings. They
// are linked to findings by CVE id and product, and decide nothing. History is kept: a source only has its newest.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { z } from 'zod';
import { bulletinOfMail } from './bulletins/mail.ts';
import { BULLETINS, type BulletinMark, readMark } from './bulletins/mark.ts';
import { createNewsReader, type NewsItem } from './bulletins/news.ts';
import { bulletinOf, httpsUrl, parseCsaf } from './csaf/document.ts';
import { invalid, parseJson, readBytes } from './decode/whole.ts';
import { CVE_ID, shortened, timeOf } from './decode/words.ts';
import type { Bulletin, Feed, FeedProblem, FeedRecord, FeedSource } from './feed.ts';

/** Milliseconds; of several vendors somebody announces something in a month. */
const STALE_AFTER_MS = 31 * 86_400_000;
/** Bytes of one source; the longest news have 2 MB. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_MAIL_BYTES = 4 * 1024 * 1024;
const MAX_ITEMS = 20_000;
const MAX_TITLE = 300;
const MAX_ID = 200;

/** What is kept from before, written by this collector itself: one document with all of it. */
const kept = z.object({
  selvageBulletins: z.array(
    z.object({
      ...{
        id: z.string(),
        vendor: z.string(),
        product: z.string().nullable(),
        title: z.string(),
        url: z.string().nullable(),
      },
      published: z.string(),
      cves: z.array(z.string().regex(CVE_ID)),
    }),
  ),
});

export const bulletins: Feed = {
  name: BULLETINS,
  title: 'Bulletins of vendors',
  urls: [],
  staleAfterMs: STALE_AFTER_MS,
  serves: ['all'],
  keepsHistory: true,
  // A maildir has unfinished mails in tmp.
  member: (name) => !/(^|\/)tmp\//.test(name),
  read: (source) => ({ records: read(source), asOf: () => null }),
};

async function* read(source: FeedSource): AsyncGenerator<FeedRecord | FeedProblem> {
  const mark = readMark(source.name);
  const bytes = await readBytes(source, MAX_BYTES);
  // Old mails and news are in other encodings: of those only what is ASCII counts here, and that is the same in all.
  const text = new TextDecoder('utf-8').decode(bytes);
  if (/^\uFEFF?\s*</.test(text)) yield* news(source, text, mark);
  else if (/^\uFEFF?\s*[{[]/.test(text)) yield* documents(source, text, mark);
  else yield* mail(source, bytes, mark);
}

function* news(source: FeedSource, text: string, mark: BulletinMark | null): Generator<FeedRecord | FeedProblem> {
  const items: NewsItem[] = [];
  let title = '';
  try {
    const reader = createNewsReader({
      item: (item) => {
        if (items.length >= MAX_ITEMS) throw invalid(source, `has more than ${MAX_ITEMS} announcements`);
        items.push(item);
      },
      channel: (found) => {
        title = found;
      },
    });
    reader.write(text);
    reader.end();
  } catch (error) {
    throw invalid(source, `is not read: ${asCoded(error).message}`, error);
  }
  if (items.length === 0) throw invalid(source, 'has no announcement');
  const vendor = mark?.vendor ?? shortened(title, 100);
  if (vendor === '') throw invalid(source, 'does not say whose announcements it has; name the vendor in the settings');
  for (const { id, title: called, url, published, cves } of items) {
    if (id === '')
      yield { name: shortened(called, MAX_ID) || 'an announcement', reason: 'it has no id, address or title' };
    else if (published === null) yield { name: shortened(id, MAX_ID), reason: 'it has no date that can be read' };
    else {
      const bulletin = {
        ...{ vendor, product: mark?.product ?? null, url: httpsUrl(url ?? undefined), published, cves },
        ...{ id: shortened(id, MAX_ID), title: shortened(called || id, MAX_TITLE) },
      };
      yield* said(bulletin);
    }
  }
}

function* documents(source: FeedSource, text: string, mark: BulletinMark | null): Generator<FeedRecord | FeedProblem> {
  const value = parseJson(source, text);
  const before = kept.safeParse(value);
  if (before.success) {
    for (const { published, ...rest } of before.data.selvageBulletins) {
      const at = timeOf(published);
      if (at !== null) yield* said({ ...rest, published: at });
    }
    return;
  }
  for (const one of Array.isArray(value) ? value : [value]) {
    const csaf = parseCsaf(one);
    if (typeof csaf === 'string') throw invalid(source, csaf);
    const vendor = mark?.vendor ?? shortened(csaf.document.publisher?.name ?? '', 100);
    const bulletin = vendor === '' ? null : bulletinOf(csaf, { vendor, product: mark?.product ?? null });
    if (bulletin === null) yield { name: csaf.document.tracking.id, reason: 'it has no publisher or no date' };
    else yield* said(bulletin);
  }
}

async function* mail(
  source: FeedSource,
  bytes: Uint8Array,
  mark: BulletinMark | null,
): AsyncGenerator<FeedRecord | FeedProblem> {
  if (bytes.length > MAX_MAIL_BYTES) throw invalid(source, `is a mail of more than ${MAX_MAIL_BYTES} bytes`);
  if (!/^[!-9;-~]+:[ \t]/m.test(new TextDecoder('latin1').decode(bytes.subarray(0, 4096))))
    throw invalid(source, 'is neither news nor a document nor a mail');
  const bulletin = await bulletinOfMail(bytes, mark);
  if (typeof bulletin === 'string') yield { name: source.name.slice(-MAX_ID), reason: bulletin };
  else yield* said(bulletin);
}

function* said(bulletin: Bulletin): Generator<FeedRecord> {
  yield { type: 'record', id: `${bulletin.vendor} ${bulletin.id}`.slice(0, MAX_ID), modified: bulletin.published };
  yield { type: 'bulletin', bulletin };
}
