// What the API says of feeds, and how files of them come: shapes only.
import { CODES, type Code } from '@selvage/shared/errors/codes.ts';
import { z } from 'zod';
import { FEED_NAME } from '../../feeds/keeping/settings.ts';
import { FEED_STANDINGS } from '../../feeds/keeping/standing.ts';
import { selection } from './select.ts';

const instant = z.iso.datetime({ offset: true });
const count = z.number().int().nonnegative();
const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);
const MAX_NAME = 255;
const MAX_FEEDS = 64;

export const feedName = z.string().regex(FEED_NAME);

export const feed = z.strictObject({
  name: z.string(),
  title: z.string(),
  /** Before the colon of what is installed; `all` for facts about CVEs. */
  serves: z.array(z.string()),
  /** Where it is fetched; none: from files only. */
  sources: z.array(z.string()),
  /** The settings or the machines known here ask for it. */
  wanted: z.boolean(),
  standing: z.enum(FEED_STANDINGS),
  ageMs: z.number().nullable(),
  staleAfterMs: count,
  /** Date of the data. */
  asOf: instant.nullable(),
  importedAt: instant.nullable(),
  /** When its source was last asked, whatever it answered. */
  checkedAt: instant.nullable(),
  records: count,
  /** Records that were not understood. */
  skipped: count,
  sha256: z.string().nullable(),
  generation: count.nullable(),
  /** What stopped the last attempt; the current data counts all the same. */
  error: z.strictObject({ code, reason: z.string(), at: instant }).nullable(),
  next: z.string().nullable(),
});

export const feeds = z.strictObject({ feeds: z.array(feed), selection });

export const feedJob = z.strictObject({
  id: z.string(),
  feed: z.string().nullable(),
  state: z.enum(['waiting', 'running', 'done', 'failed']),
  step: z.enum(['waiting', 'fetching', 'reading', 'ended']),
  /** Written so far. */
  rows: count,
  bytesRead: count,
  error: z.looseObject({ code: z.string() }).nullable(),
  result: z
    .strictObject({
      changed: z.boolean(),
      records: count,
      skipped: count,
      /** Records that stood there twice. */
      duplicates: count,
      problems: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
    })
    .nullable(),
});

export const feedJobs = z.strictObject({ jobs: z.array(feedJob) });

export const feedUpload = z.strictObject({ id: z.string(), received: count, bytes: count.nullable() });

export const newUpload = z.strictObject({
  file: z.string().min(1).max(MAX_NAME) /** Null: known when it has arrived. */,
  bytes: z.number().int().positive().nullable(),
});

export const feedUpdate = z.strictObject({ acceptShrunk: z.boolean().optional() });

export const feedsUpdate = feedUpdate.extend({
  /** Those that the settings and the machines known here ask for, when left out. */
  names: z.array(feedName).min(1).max(MAX_FEEDS).optional(),
});

export const feedImport = feedUpdate.extend({ upload: z.uuid(), feed: feedName.optional() });
