// The part of the collector's settings that is about feeds: which, how often, and from where. Pure.
import { isAbsolute } from 'node:path';
import { z } from 'zod';

const HOUR_MS = 3_600_000;
const MAX_HOURS = 24 * 31;
const MAX_SOURCES = 64;
const MAX_ADDRESS = 2000;
export const FEED_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

const name = z.string().regex(FEED_NAME, 'the name of a feed, see: selvage feed list');
const word = z
  .string()
  .trim()
  .min(1)
  .max(100)
  .regex(/^[^\p{Cc}\p{Cf}]+$/u, 'a name');
const address = z
  .string()
  .max(MAX_ADDRESS)
  .refine(isAddress, 'an https address, or the absolute path of a file or folder on this machine');

/** Whose announcements a source has: the settings say it, a source may be of anybody. */
const announcements = z
  .strictObject({
    vendor: word,
    /** Left out: all that the vendor has. */
    product: word.optional(),
    /** News (RSS, Atom) or documents (CSAF). */
    url: z.string().max(MAX_ADDRESS).refine(isUrl, 'an https address').optional(),
    /** A folder that mails of announcement lists are delivered to. */
    maildir: z.string().max(MAX_ADDRESS).refine(isAbsolute, 'an absolute path').optional(),
  })
  .refine(({ url, maildir }) => (url === undefined) !== (maildir === undefined), 'either url or maildir');

export const feedSettings = z.strictObject({
  /** `auto`: those that the machines known here need. `off`: none by itself; `selvage feed update NAME` still works. */
  list: z.union([z.enum(['auto', 'off']), z.array(name)]).default('auto'),
  everyHours: z.number().min(0.25).max(MAX_HOURS).default(1),
  /** Feed → where it is fetched in the place of its own addresses: a mirror, or a folder that something else fills. */
  sources: z.record(name, z.array(address).min(1).max(MAX_SOURCES)).default({}),
  /** Sources of the feed `bulletins`; none: it has nothing to fetch. */
  bulletins: z.array(announcements).max(MAX_SOURCES).default([]),
  /** Repositories of vendors, as globs over the origin of packages, every update of which counts as security: nobody else watches them. */
  everyUpdateIsSecurity: z.array(word).max(MAX_SOURCES).default([]),
  /** File of PEM certificates that are trusted beside the usual ones: of an internal mirror or a proxy that opens TLS. */
  ca: z.string().refine(isAbsolute, 'an absolute path').optional(),
  /** `none`: never through a proxy; else its address. Left out: as HTTPS_PROXY and NO_PROXY say. */
  proxy: z.string().max(MAX_ADDRESS).optional(),
});

export type FeedSettings = Readonly<z.infer<typeof feedSettings>>;

export const DEFAULT_FEED_SETTINGS: FeedSettings = feedSettings.parse({});

export function everyMs({ everyHours }: FeedSettings): number {
  return everyHours * HOUR_MS;
}

function isAddress(value: string): boolean {
  return isAbsolute(value) || isUrl(value);
}

function isUrl(value: string): boolean {
  const url = URL.canParse(value) ? new URL(value) : null;

  return url?.protocol === 'https:' && url.username === '' && url.password === '';
}
