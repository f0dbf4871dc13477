// When the agent refreshes its package lists: at its own interval with jitter, sooner after a failure, never in a crowd.

import { asCoded, type CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Repository } from '@selvage/shared/model/package.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Observer } from '../providers/provider.ts';
import type { Settings } from '../settings.ts';

/** A mirror may be busy for a long time; what was not fetched until then is reported and tried again. */
const REFRESH_DEADLINE_MS = 300_000;
/** After a failure the next attempt waits at least so long: a broken repository is no reason to load the others. */
const RETRY_AFTER_MS = 900_000;

export interface RefreshPlan {
  readonly settings: Pick<Settings, 'lists'>;
  readonly observers: readonly Observer[];
  readonly clock: Clock;
  readonly random: Random;
  /** Refreshes also when it is not due: for a person who asked for it. */
  readonly now?: boolean;
}

/**
 * Refreshes the lists of every package manager that are due. Problems of single repositories are told by the observer; what
 * stopped a refresh as a whole is returned, for the log: the inventory goes on and says the same in its sections.
 */
export async function refreshWhenDue(plan: RefreshPlan): Promise<readonly CodedError[]> {
  const { lists } = plan.settings;
  const failures: CodedError[] = [];

  for (const observer of plan.observers) {
    const share = plan.random.float();

    try {
      const known = await observer.repositories();
      if (!plan.now && !isDue(known, { at: plan.clock.now(), lists, share })) continue;
      await observer.refresh({ deadline: REFRESH_DEADLINE_MS, byteBudget: lists.byteBudget });
    } catch (error) {
      failures.push(asCoded(error));
    }
  }

  return failures;
}

/** Pure. `share` in [0, 1) lengthens the interval by up to the settings' jitter. */
export function isDue(
  repositories: readonly Repository[],
  facts: { readonly at: Temporal.Instant; readonly lists: Settings['lists']; readonly share: number },
): boolean {
  const { refreshEvery, jitter } = facts.lists;
  const interval = refreshEvery * (1 + jitter * facts.share);
  const retry = Math.min(interval, RETRY_AFTER_MS * (1 + jitter * facts.share));

  return repositories.some(({ lastAttempt, lastError, problem }) => {
    if (lastAttempt === null) return true;
    const age = facts.at.epochMilliseconds - Temporal.Instant.from(lastAttempt).epochMilliseconds;

    // An attempt in the future is a clock that was set back: nothing can be counted from it.
    return age < 0 || age >= (problem || lastError ? retry : interval);
  });
}
