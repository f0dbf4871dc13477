// Whether the clock of this host can be right, and if not, what to say. Pure. A wrong clock only ever makes the runner wait:
// what it is held against are its own earlier readings, the uptime, and the time of the newest signed policy.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { formatDuration } from '@selvage/shared/time/duration.ts';
import type { Now } from './time-floor.ts';

/** Milliseconds that clocks of a fleet may differ by. */
const TOLERANCE_MS = 10 * 60_000;
const WAY_OUT = 'set the clock; where it is right as it is, root runs: selvage-agent run --reset-clock';

type Why = 'behind' | 'ahead' | 'before-policy';

/** Null for a clock that may be right. `signedAt`: when the newest accepted policy was signed as current. */
export function clockDoubt(now: Now, signedAt: Temporal.Instant | null): { why: Why; message: string } | null {
  const { clock, floor, steady } = now;
  const behind = msBetween(clock, floor);
  const leap = msBetween(steady, clock);
  const early = signedAt === null ? 0 : msBetween(clock, signedAt);

  if (behind > TOLERANCE_MS) {
    return { why: 'behind', message: `the clock says ${clock}, ${formatDuration(behind)} before a time that was seen` };
  }
  if (early > TOLERANCE_MS) {
    return {
      why: 'before-policy',
      message: `the clock says ${clock}, ${formatDuration(early)} before the policy was signed`,
    };
  }
  if (leap > TOLERANCE_MS) {
    return {
      why: 'ahead',
      message: `the clock says ${clock}; it leapt ${formatDuration(leap)} ahead while the host ran, and no newly signed policy confirms it`,
    };
  }

  return null;
}

/** What is shown for policy that was refused, or cannot be acted upon, because of the clock; null: it is not the clock. */
export function clockProblem(
  now: Now,
  policy: { readonly signedAt: Temporal.Instant | null } | null,
  problem: CodedError | null,
): CodedError | null {
  if (problem !== null && problem.code !== 'POLICY_EXPIRED') return null;
  const doubt = clockDoubt(now, policy?.signedAt ?? null);
  if (doubt === null) return null;

  return new CodedError('CLOCK_WRONG', `${doubt.message}${problem === null ? '' : ` (${problem.message})`}`, {
    next: WAY_OUT,
  });
}

function msBetween(from: Temporal.Instant, to: Temporal.Instant): number {
  return to.epochMilliseconds - from.epochMilliseconds;
}
