// Changes to one host or to hundreds as they cross the API. One address for all of them: whom, and what.
import { z } from 'zod';
import { HOST_STATES } from '../../host-state.ts';
import { selection, selectText } from './select.ts';

const MAX_CHANGED_HOSTS = 20_000;
const MAX_NAME = 253;
const MAX_TEXT = 2048;
const name = z.string().min(1).max(MAX_NAME);
const labels = z.record(z.string(), z.array(z.string()));
const reason = z.string().max(MAX_TEXT).optional();

const change = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('accept') }),
  z.strictObject({ kind: z.literal('label'), set: labels.default({}), remove: z.array(z.string()).default([]) }),
  z.strictObject({ kind: z.literal('owner'), owner: z.string().nullable() }),
  z.strictObject({ kind: z.literal('retire'), reason }),
  z.strictObject({ kind: z.literal('revoke'), reason }),
]);

/** Either `hosts` (names or ids) or `select`. */
export const hostChanges = z.strictObject({
  hosts: z.array(name).min(1).max(MAX_CHANGED_HOSTS).optional(),
  select: selectText,
  change,
  /** Only says what would be done. */
  dryRun: z.boolean().default(false),
  /** How many hosts the text is known to select; needed when there are more than a few. */
  expect: z.number().int().nonnegative().optional(),
});

const row = z.strictObject({
  id: z.string(),
  name: z.string(),
  /** After the change; before it in a dry run. */
  state: z.enum(HOST_STATES),
  os: z.string().nullable(),
  address: z.string().nullable(),
  lastSeen: z.iso.datetime({ offset: true }).nullable(),
  /** Names of other hosts that say they are the same machine. */
  sameMachineAs: z.array(z.string()),
});

export const hostsChanged = z.strictObject({
  dryRun: z.boolean(),
  changed: z.array(row),
  /** `refused`: it cannot be done for that host; otherwise there was nothing to do. */
  unchanged: z.array(row.extend({ why: z.string(), refused: z.boolean() })),
  selection,
});
