// RSS 2.0, RSS 1.0 (RDF) and Atom → announcements. Pure. Only what is short is kept while it is read; of the content only CVE ids.
// RSS: rssboard.org/rss-specification · Atom: RFC 4287.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { createXmlReader, type XmlReader } from '@selvage/shared/packages/xml.ts';
import { cvesIn, mailTimeOf, timeOf } from '../decode/words.ts';

export interface NewsItem {
  readonly id: string;
  readonly title: string;
  readonly url: string | null;
  /** Null where no date of it can be read. */
  readonly published: Timestamp | null;
  readonly cves: readonly string[];
}

export interface NewsHandler {
  item(item: NewsItem): void;
  /** Title of the whole. */
  channel(title: string): void;
}

/** Outermost element → what one announcement is called there. */
const FORMATS: ReadonlyMap<string, string> = new Map([
  ['rss', 'item'],
  ['rdf:RDF', 'item'],
  ['feed', 'entry'],
]);
/** Element → what it says. Updated only counts where nothing says when it was published. */
const MEANS: ReadonlyMap<string, 'title' | 'id' | 'url' | 'published' | 'updated' | 'content'> = new Map([
  ...(['title'] as const).map((name) => [name, 'title'] as const),
  ...(['guid', 'id'] as const).map((name) => [name, 'id'] as const),
  ...(['link'] as const).map((name) => [name, 'url'] as const),
  ...(['pubDate', 'published', 'dc:date', 'issued'] as const).map((name) => [name, 'published'] as const),
  ...(['updated', 'modified', 'dcterms:modified'] as const).map((name) => [name, 'updated'] as const),
  ...(['description', 'summary', 'content', 'content:encoded', 'category'] as const).map(
    (name) => [name, 'content'] as const,
  ),
]);
/** Characters kept of each. */
const MAX_SHORT = 2000;
const MAX_CONTENT = 512 * 1024;

type Draft = Record<'title' | 'id' | 'url' | 'published' | 'updated' | 'content', string>;

const EMPTY: Draft = { title: '', id: '', url: '', published: '', updated: '', content: '' };

/** Throws PARSE where it is no XML, or neither RSS nor Atom. */
export function createNewsReader(handler: NewsHandler): XmlReader {
  let depth = 0;
  let called: string | undefined;
  let draft: Draft | null = null;
  let draftDepth = 0;
  let meaning: keyof Draft | null = null;
  let channel: string | null = null;
  let path: string[] = [];

  return createXmlReader({
    open: (name, attributes) => {
      depth += 1;
      path.push(name);
      if (depth === 1) {
        called = FORMATS.get(name);
        if (called === undefined)
          throw new CodedError(
            'PARSE',
            `this is no news: its outermost element is ${JSON.stringify(name.slice(0, 40))}`,
          );
      }
      if (draft === null && name === called) {
        draft = { ...EMPTY };
        draftDepth = depth;
        if (attributes['rdf:about'] !== undefined) draft.id = attributes['rdf:about'].slice(0, MAX_SHORT);
        return;
      }
      if (draft === null) {
        if (name === 'title' && channel === null && !path.includes('image')) channel = '';
        return;
      }
      apart(draft);
      // Only its own children: an Atom entry may carry the title of where it comes from.
      meaning = depth === draftDepth + 1 ? (MEANS.get(name) ?? null) : meaning === 'content' ? 'content' : null;
      if (
        name === 'link' &&
        depth === draftDepth + 1 &&
        attributes.href !== undefined &&
        (attributes.rel ?? 'alternate') === 'alternate'
      ) {
        draft.url = attributes.href.slice(0, MAX_SHORT);
      }
    },
    text: (text) => {
      if (draft === null) {
        if (channel === '' && path.at(-1) === 'title') channel = text.slice(0, MAX_SHORT);
        return;
      }
      if (meaning === null) return;
      const room = (meaning === 'content' ? MAX_CONTENT : MAX_SHORT) - draft[meaning].length;
      if (room > 0) draft[meaning] += text.slice(0, room);
    },
    close: () => {
      depth -= 1;
      path = path.slice(0, depth);
      if (draft === null) return;
      if (depth < draftDepth) {
        handler.item(itemOf(draft));
        draft = null;
        meaning = null;
      } else {
        apart(draft);
        if (depth === draftDepth) meaning = null;
      }
      if (channel !== null) handler.channel(channel);
    },
  });
}

/** Ids of CVEs in neighbouring elements (cells of a table, categories) are not one word. */
function apart(draft: Draft): void {
  if (draft.content !== '' && !draft.content.endsWith(' ')) draft.content += ' ';
}

function itemOf(draft: Draft): NewsItem {
  const [title, id, url] = [draft.title.trim(), draft.id.trim(), draft.url.trim()];
  const dates = [draft.published, draft.updated];

  return {
    id: id || url || title,
    title,
    url: url || (/^https?:/.test(id) ? id : null),
    published: dates.map((text) => mailTimeOf(text) ?? timeOf(text)).find((time) => time !== null) ?? null,
    cves: cvesIn(draft.title, draft.content, draft.url),
  };
}
