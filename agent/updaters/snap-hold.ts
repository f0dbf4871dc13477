// snapd's own switch for refreshes: read, set, and put back as it was.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import * as z from 'zod/mini';

const DEADLINE_MS = 60_000;
const configuration = z.object({ refresh: z.optional(z.object({ hold: z.optional(z.string()) })) });

/*
 * snap get -d system (the whole document, so that an option that is not set is no error):
 * {
 *   "refresh": { "hold": "forever" },
 *   "seed": { "loaded": true }
 * }
 */
/** `forever`, a time, or null: not held. Throws PROCESS_FAILED and PARSE. */
export async function heldBySnapd({ run }: { readonly run: Run }): Promise<string | null> {
  const { stdout } = await run({ file: 'snap', args: ['get', '-d', 'system'], deadlineMs: DEADLINE_MS, check: true });

  try {
    return configuration.parse(JSON.parse(stdout)).refresh?.hold ?? null;
  } catch (error) {
    throw new CodedError('PARSE', 'snap get -d system printed what is not understood', { cause: error });
  }
}

/** Null: not held. */
export async function holdSnapd({ run }: { readonly run: Run }, hold: string | null): Promise<void> {
  const args =
    hold === 'forever'
      ? ['refresh', '--hold']
      : hold === null
        ? ['refresh', '--unhold']
        : ['set', 'system', `refresh.hold=${hold}`];
  await run({ file: 'snap', args, deadlineMs: DEADLINE_MS, check: true });
}
