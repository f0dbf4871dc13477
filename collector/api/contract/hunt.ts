// What a hunt answers beside the machines that have the package: the shapes only.
import { z } from 'zod';

const count = z.number().int().nonnegative();

/** The query parameters of lists of machines. */
export const hasText = z
  .string()
  .describe(
    'Only machines that have this package: a name (source or binary package; * stands for any part) and conditions on its version, such as `xz-utils >=5.6.0 <5.6.2`. Machines of which it is not known are counted under `hunt.unknown`. A wrong one answers SELECT_INVALID with the column.',
  )
  .optional();
export const runningFlag = z
  .enum(['true', 'false'])
  .describe(
    'With `has`: only machines that are seen to use it: the kernel that runs, a process of it that listens, or processes that still map its replaced files. A library that is merely loaded is not seen.',
  )
  .transform((value) => value === 'true')
  .optional();

/** Null where nothing was hunted for. */
export const hunt = z
  .strictObject({
    /** The text as it was understood. */
    has: z.string(),
    /** False soon after a start of the collector: machines may be missing. */
    complete: z.boolean(),
    /** Machines of this list, by their ids, with what they have. */
    found: z.record(
      z.string(),
      z.array(
        z.strictObject({
          name: z.string(),
          version: z.string(),
          ecosystem: z.string(),
          running: z.string().nullable(),
        }),
      ),
    ),
    /** Of this list: machines that cannot answer, with the reason. They may have it. */
    unknown: z.array(z.strictObject({ id: z.string(), name: z.string(), reason: z.string() })),
    /** Asked with `running`: of this list, machines that have it and are not seen to use it. */
    notSeenRunning: count,
  })
  .nullable()
  .default(null);
