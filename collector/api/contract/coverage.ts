// Of the machines that ought to exist: which are here. Shapes only.
import { z } from 'zod';
import { ROWS } from '../../coverage/coverage.ts';
import { MARK_KINDS } from '../../coverage/machines.ts';
import { assetList } from './assets.ts';
import { selection } from './select.ts';

const instant = z.iso.datetime({ offset: true });
const count = z.number().int().nonnegative();
const text = z.string();

/** They add up to what is expected. */
const counts = z.strictObject(
  Object.fromEntries(ROWS.map((row) => [row, count])) as Record<(typeof ROWS)[number], typeof count>,
);

/** A machine that is known here. */
const known = z.strictObject({
  id: text,
  name: text,
  kind: z.enum(['agent', 'imported', 'pending']),
  /** Last contact, or as of when it was imported. */
  seen: instant.nullable(),
});

const whole = z.strictObject({
  /** What the whole of every share is: the machines of the lists, or, without any, those that are known. */
  basis: z.enum(['listed', 'known']),
  expected: count,
  counts,
  unexpected: count,
});

export const coverageSummary = whole.extend({
  /** How old what it is counted by is: the oldest list. */
  oldestList: z.strictObject({ source: text, at: instant }).nullable(),
});

export const coverage = whole.extend({
  now: instant,
  lists: z.array(assetList),
  machines: z.array(
    z.strictObject({
      name: text,
      row: z.enum(ROWS),
      owner: text.nullable(),
      listed: z.array(z.strictObject({ source: text, line: count, name: text, state: text.nullable() })),
      known: known.nullable(),
      /** By what it was told, the strongest first. */
      by: z.array(z.enum(MARK_KINDS)),
      /** Those it may be, where that is not clear. */
      candidates: z.array(known),
      why: text.nullable(),
    }),
  ),
  notExpected: z.array(known.extend({ why: text.nullable() })),
  selection,
});
