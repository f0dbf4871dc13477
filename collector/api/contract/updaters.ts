// What the API says about the other updaters of a host, and about a takeover from them.
import { TAKEOVER_STATES, UPDATER_KINDS } from '@selvage/shared/model/inventory.ts';
import { z } from 'zod';

const instant = z.iso.datetime({ offset: true });

/** Null: the host has not told. */
export const takeover = z.strictObject({ state: z.enum(TAKEOVER_STATES), since: instant.nullable() }).nullable();

/** Those that are there, on or off; null while no inventory has told. */
export const updaters = z
  .array(
    z.strictObject({
      name: z.string(),
      kind: z.enum(UPDATER_KINDS),
      installs: z.boolean(),
      enabled: z.boolean(),
      nextRun: instant.nullable(),
      detail: z.string(),
      units: z.array(z.strictObject({ name: z.string(), state: z.string() })),
    }),
  )
  .nullable();
