// What the API says of changes of packages on a host and of all else that happened to it: shapes only.
import { toldChange } from '@selvage/shared/model/changes.ts';
import { z } from 'zod';
import { ROW_SOURCES } from '../../history/rows.ts';
import { EVENT_KINDS, ORIGINS } from '../../history/timeline.ts';
import { selection } from './select.ts';

const instant = z.iso.datetime({ offset: true });
const count = z.number().int().nonnegative();

export const historyEvent = z.strictObject({
  /** When it was; of a difference between two inventories: the second one. */
  at: instant,
  /** The first of the two inventories; null where it is no such difference. */
  since: instant.nullable(),
  kind: z.enum(EVENT_KINDS),
  /** Whether the collector saw it, the runner signed it, or who else is to be believed. */
  origin: z.enum(ORIGINS),
  /** `admin:NAME`, `host:ID`, or a user as the host's logs name them; null: nobody is named. */
  actor: z.string().nullable(),
  text: z.string(),
  /** What tells of changes of packages; null for all else. */
  source: z.enum(ROW_SOURCES).nullable(),
  command: z.string().nullable(),
  run: z.string().nullable(),
  /** False: local time that was there twice, or never. */
  certain: z.boolean(),
  problem: z.string().nullable(),
  packages: z.array(toldChange),
  /** All of them, where `packages` is cut. */
  packageCount: count,
});

export const hostHistory = z.strictObject({
  host: z.string(),
  name: z.string(),
  enrolledAt: instant,
  /** Newest first. */
  events: z.array(historyEvent),
  /** What this history lacks, in sentences. */
  gaps: z.array(z.string()),
  selection,
});

/** Hosts that something else than Selvage has changed, the newest first. */
export const changedOutside = z.strictObject({
  /** First heard of by the collector since then. */
  since: instant,
  hosts: z.array(
    z.strictObject({ id: z.string(), name: z.string(), transactions: count, last: historyEvent.nullable() }),
  ),
  selection,
});
