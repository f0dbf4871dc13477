// Where each machine of a fix stands: what was decided, what its runner said, and whether it can act at all. Pure.
import type { RunResult } from '@selvage/shared/model/result.ts';
import type { Machine } from '../findings/fleet.ts';
import type { Decision } from '../fixes/decision.ts';
import { standOf } from '../fixes/fixes.ts';
import type { MachineStanding } from './ports.ts';
import type { Standing } from './todo.ts';

export interface Stands {
  readonly standing: Standing;
  readonly reason: string | null;
}

const OBSERVING: Stands = { standing: 'observing', reason: 'its own settings let nothing be installed' };

/** One machine that is offered the fix, or that advisories name it for (`offer` null). */
export function standingOf(
  machine: Machine,
  about: { readonly held: boolean; readonly isOffered: boolean; readonly package: string },
  known: { readonly decision: Decision; readonly result: RunResult | null; readonly standing: MachineStanding },
): Stands {
  const { imported, silentDays, managed } = known.standing;
  if (imported) return { standing: 'imported', reason: null };
  if (!about.isOffered) return { standing: 'unknown', reason: 'what this host is offered is not known' };
  const { state, reason } = standOf(
    { takenAt: machine.takenAt, held: about.held ? [about.package] : [] },
    known.result,
    known.decision,
  );

  switch (state) {
    case 'failed':
    case 'refused':
      return { standing: state, reason };
    case 'open':
      if (about.held) return { standing: 'held', reason };

      // An approval alone would change nothing there.
      return managed ? { standing: 'needs-approval', reason } : OBSERVING;
    case 'approved':
    case 'waiting':
    case 'installed':
      if (about.held) return { standing: 'held', reason };
      if (!managed) return OBSERVING;
      if (silentDays !== false)
        return { standing: 'silent', reason: silentDays === null ? 'never seen' : `not seen for ${silentDays} days` };

      return { standing: state === 'approved' ? 'approved' : 'waiting', reason };
    case 'unknown':
      return { standing: 'unknown', reason };
  }
}
