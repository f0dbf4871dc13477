// Releases of vendors as they cross the API: when they came, and how long fixes took. Shapes only.
import { z } from 'zod';

const instant = z.iso.datetime({ offset: true });
const day = z.iso.date();
const ended = z.union([day, z.boolean()]).nullable();
const count = z.number().int().nonnegative();

const CADENCES = ['monthly', 'weekly', 'days', 'irregular', 'unknown'] as const;

const release = z.strictObject({
  vendor: z.string(),
  /** A release of a distribution (`Debian:12`) or a product; null: all that the vendor announces. */
  product: z.string().nullable(),
  /** Feeds that it was seen in. */
  from: z.array(z.string()),
  cadence: z.enum(CADENCES),
  /** The same in words: `2nd Tuesday of the month (11 of 12)`. */
  words: z.string(),
  /** Days with a release that this was seen in; first and newest. */
  releases: count,
  first: day.nullable(),
  last: day.nullable(),
  /** What was released after that day is not known here: the data is no newer. Today where it is fresh. */
  knownUntil: day,
  /** Null where nothing is regular, or where it may have come since the data ended. `lateDays`: beyond the longest usual gap. */
  next: z.strictObject({ date: day, until: day, lateDays: count }).nullable(),
});

export const calendar = z.strictObject({
  now: instant,
  /** False soon after a start: not all machines have been read yet. */
  complete: z.boolean(),
  releases: z.array(release),
  /** Releases that are installed here, and when their support ends; true: it has ended, and nobody says when. */
  ends: z.array(z.strictObject({ ecosystem: z.string(), eol: ended, extended: ended })),
  /** Announcements of vendors and products that no machine here has. */
  elsewhere: count,
});

const vendorDelay = z.strictObject({
  vendor: z.string(),
  /** Empty: whatever the vendor announced. */
  product: z.string(),
  number: count,
  ahead: count,
  median: z.number().nullable(),
  p90: z.number().nullable(),
  worst: z.strictObject({ days: z.number(), cve: z.string(), record: z.string() }).nullable(),
  unknown: z.strictObject({ publication: count, fix: count, open: count }),
});

export const vendorReport = z.strictObject({
  now: instant,
  complete: z.boolean(),
  vendors: z.array(vendorDelay),
  /** What these numbers cannot say, in sentences. */
  cannot: z.array(z.string()),
});
