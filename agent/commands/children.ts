// The short-lived children of the resident agent: the same commands a person would type, on the same settings.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { type Parcel, parcelFromChild, type SentSections } from '../connector/parcel.ts';
import type { Context } from './context.ts';
import type { User } from './user.ts';

export interface RunnerSays {
  /** The host looks different now. */
  readonly changed: boolean;
  /** What lies in the mirror folder is missing or was refused: bringing it again may mend that. */
  readonly refetch: boolean;
}

export interface Children {
  /** `sent`: hashes of the sections that need not come again. */
  inventory(refresh: 'due' | 'never', sent: SentSections): Promise<Parcel>;
  fetch(): Promise<void>;
  /** Never killed: it may be in the middle of an installation. */
  run(): Promise<RunnerSays>;
}

/** A refresh has five minutes, an inventory a minute a section at worst. */
const INVENTORY_DEADLINE_MS = 8 * 60_000;
const FETCH_DEADLINE_MS = 45 * 60_000;
const RUN_OVERDUE_MS = 3 * 3_600_000;

/** `fetcher`: whom the fetcher runs as, where that is another user than this one. */
export function createChildren({ run, log, settingsFile, entry }: Context, fetcher: User | null = null): Children {
  const args = (command: readonly string[]) => [
    entry,
    ...(settingsFile === null ? [] : ['--settings', settingsFile]),
    ...command,
  ];
  const file = process.execPath;

  return {
    inventory: (refresh, sent) =>
      parcelFromChild(
        run,
        {
          file,
          args: args(['inventory', '--parcel', ...(refresh === 'due' ? ['--refresh-due'] : [])]),
          deadline: INVENTORY_DEADLINE_MS,
        },
        sent,
      ),
    fetch: async () => {
      await run({ file, args: args(['fetch']), deadlineMs: FETCH_DEADLINE_MS, check: true, cwd: '/', ...fetcher });
    },
    run: async () => {
      const { stdout } = await run({
        file,
        args: args(['run', '--json']),
        deadlineMs: RUN_OVERDUE_MS,
        neverKill: true,
        onOverdue: () => log.warn({}, 'a pass of the runner takes very long; it is left alone'),
        check: true,
      });

      return readSaying(stdout);
    },
  };
}

export const REFETCH: readonly string[] = ['NOT_FETCHED', 'MIRROR_REFUSED', 'NO_CANDIDATE'];

function readSaying(stdout: string): RunnerSays {
  try {
    const { results } = JSON.parse(stdout) as {
      results: readonly { outcome: string; problem: { code: string } | null }[];
    };

    return {
      changed: results.some(({ outcome }) => outcome === 'installed' || outcome === 'failed'),
      refetch: results.some(({ problem }) => problem !== null && REFETCH.includes(problem.code)),
    };
  } catch (error) {
    throw new CodedError('PARSE', 'the runner printed no document', { cause: error });
  }
}
