// The part of the todo list that is the same until the fleet, its feeds, its policies or the words of people are others: worked out
// once, and again ahead of whoever asks next. Never gives anything that was made of what is not so any more.
import type { Log } from '@selvage/shared/log/log.ts';
import { compareVersions } from '@selvage/shared/versions/list.ts';
import type { Fleet, Machine } from '../findings/fleet.ts';
import { GroupMemory } from '../todo/groups.ts';
import { type Work, workSteps } from '../todo/todo-steps.ts';
import { SUPPRESS_NOTHING } from '../vex/suppress.ts';
import type { ApiDeps } from './deps.ts';
import { inTurns } from './in-turns.ts';

export type WorkSources = Pick<ApiDeps, 'clock' | 'fleet' | 'triage' | 'suppress' | 'concerns'>;

/** Milliseconds between two looks whether something is another. */
const LOOK_MS = 2000;
/** Working ahead takes at most one part of so many of the time. */
const REST_FACTOR = 50;

interface Kept {
  readonly basis: readonly unknown[];
  readonly work: Promise<Work>;
}

/** What was worked out last of each fleet: the same as long as everything that it was made of is the same. */
const lately = new WeakMap<Fleet, Kept>();

const memories = new WeakMap<Fleet, GroupMemory>();

/** Of all machines, or of those that are asked for. */
export async function workNow(
  sources: WorkSources,
  among: ((machine: Machine) => boolean) | null = null,
): Promise<Work> {
  const fleet = sources.fleet();
  // Before triage reads its facts: a match that comes meanwhile may be of a CVE that it has none of, and has to make this old.
  const { changes } = fleet;
  const triage = await sources.triage();
  const suppress = sources.suppress();
  const now = sources.clock.now();
  const judgements = { concerns: sources.concerns?.() ?? (() => suppress !== SUPPRESS_NOTHING), of: suppress };
  const memory = memories.get(fleet) ?? new GroupMemory();
  memories.set(fleet, memory);
  const asked = { triage, compare: compareVersions, judgements, now, memory };
  if (among !== null) return inTurns(workSteps(fleet, { ...asked, among }));
  const basis = [changes, triage, suppress, dayOf(now)];
  const before = lately.get(fleet);
  if (before && changes !== undefined && isSame(basis, before.basis)) return before.work;
  const work = inTurns(workSteps(fleet, asked));
  const kept = { basis, work };
  lately.set(fleet, kept);
  work.catch(() => {
    if (lately.get(fleet) === kept) lately.delete(fleet);
  });

  return work;
}

/**
 * Works it out after each change, so that nobody who asks has to wait for it; in turns, and with rests in which whoever asks does it.
 * Ends with the signal.
 */
export async function keepWorkReady(
  sources: WorkSources & { readonly log: Log; readonly settled: () => boolean },
  signal: AbortSignal,
): Promise<void> {
  const { clock, log } = sources;
  let seen: readonly unknown[] = [];
  let restMs = LOOK_MS;

  for (;;) {
    await clock.sleep(restMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    restMs = LOOK_MS;
    // While the fleet is still being read and matched every moment would be another one.
    if (!sources.settled()) continue;
    try {
      const triage = await sources.triage();
      const now = [sources.fleet().changes, triage, sources.suppress(), dayOf(clock.now())];
      if (isSame(now, seen)) continue;
      const from = clock.monotonic();
      await workNow(sources);
      seen = now;
      restMs = Math.max(LOOK_MS, (clock.monotonic() - from) * REST_FACTOR);
    } catch (error) {
      log.warn({ error }, 'working out the todo list ahead failed: it is worked out when it is asked for');
      restMs = LOOK_MS * REST_FACTOR;
    }
  }
}

/** Acceptances begin and end with days, in UTC. */
function dayOf(now: Temporal.Instant): string {
  return now.toString().slice(0, 'yyyy-mm-dd'.length);
}

function isSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}
