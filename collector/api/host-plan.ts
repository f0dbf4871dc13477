// What a host waits for, seen from here: which signed policies select it, when its next window opens, and what its own
// signed results say is waiting or refused. Pure. The host decides by itself; where the two differ, the host is right.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { Section } from '@selvage/shared/model/inventory.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { windowsOf } from '@selvage/shared/policy/windows.ts';
import type { z } from 'zod';
import type { HostRecord, StoredResult } from '../store/ports.ts';
import type { hostPlan } from './contract.ts';

export type HostPlan = z.input<typeof hostPlan>;

/** Outcomes after which the host looks at the approval again, or that a person has to look at. */
const OPEN: readonly string[] = ['waiting', 'refused', 'failed', 'planned'];
/** Until an inventory says otherwise. */
const UNKNOWN_ZONE = 'UTC';

export function planOf(facts: {
  readonly host: HostRecord;
  /** Null while no inventory says. */
  readonly os: Section<'os'> | null;
  readonly labels: Readonly<Record<string, readonly string[]>> | null;
  readonly documents: readonly PolicyDocument[];
  /** Newest first. */
  readonly results: readonly StoredResult[];
  readonly now: Temporal.Instant;
}): HostPlan {
  const { host, os, labels, documents, now } = facts;

  return {
    ...windows(documents, { id: host.id, name: host.name, os, labels }, { now, zone: os?.timezone ?? UNKNOWN_ZONE }),
    waiting: waitingOf(facts),
  };
}

function windows(...asked: Parameters<typeof windowsOf>): Omit<HostPlan, 'waiting'> {
  try {
    const { policies, unknown, next } = windowsOf(...asked);

    return {
      policies: [...policies],
      policiesUnknown: [...unknown],
      nextWindow: next && { window: next.window, opens: next.opens.toString(), closes: next.closes.toString() },
      windowProblem: null,
    };
  } catch (error) {
    // A zone that only the host knows: unknown, and said; the rest of the page stays.
    const { code, message } = asCoded(error);

    return { policies: [], policiesUnknown: [], nextWindow: null, windowProblem: `${code}: ${message}` };
  }
}

/** The newest word of the host about each approval that still stands, unless it is done. */
function waitingOf({ documents, results }: Parameters<typeof planOf>[0]): HostPlan['waiting'] {
  const standing = new Set(documents.flatMap((document) => (document.kind === 'Approval' ? [document.name] : [])));
  const newest = new Map<string, StoredResult>();
  for (const stored of results) if (!newest.has(stored.result.approval)) newest.set(stored.result.approval, stored);

  return [...newest.values()]
    .filter(({ result }) => standing.has(result.approval) && OPEN.includes(result.outcome))
    .map(({ result: { approval, fix, outcome, problem, finishedAt } }) => ({
      approval,
      fix: `${fix.source}@${fix.version}`,
      outcome,
      code: problem?.code ?? null,
      why: problem?.message ?? null,
      since: finishedAt,
    }));
}
