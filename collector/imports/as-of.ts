// From when an import is: the machine's own clock, held against when the file was written and against now. Pure. A clock that
// cannot be right is never believed in silence.
import { formatDuration } from '@selvage/shared/time/duration.ts';

export interface AsOf {
  readonly at: Temporal.Instant;
  /** Where the time is from: the machine's clock, the date of the file, or (nothing else was left) when it was imported. */
  readonly from: 'machine' | 'file' | 'import';
  /** What is wrong with the machine's clock, in sentences. */
  readonly warnings: readonly string[];
}

/** Clocks of machines that nobody looks after are some minutes off; that changes nothing. */
const TOLERANCE_MS = 5 * 60_000;
/** collect.sh is younger than this: a machine that says so has lost its clock. */
const EARLIEST = Temporal.Instant.from('2026-01-01T00:00:00Z');

/** `file`: when the file was written, as the machine that brings it says; null where it did not say. */
export function asOf(machine: Temporal.Instant, file: Temporal.Instant | null, now: Temporal.Instant): AsOf {
  const written = file !== null && isPossible(file, now) ? file : null;
  const other: Omit<AsOf, 'warnings'> = written === null ? { at: now, from: 'import' } : { at: written, from: 'file' };
  const instead = `the date of the ${written === null ? 'import' : 'file'} is taken instead`;
  const difference = (to: Temporal.Instant) => formatDuration(machine.epochMilliseconds - to.epochMilliseconds);

  if (machine.epochMilliseconds > now.epochMilliseconds + TOLERANCE_MS) {
    return {
      ...other,
      warnings: [`the clock of the machine says ${machine}, ${difference(now)} in the future: ${instead}`],
    };
  }
  if (Temporal.Instant.compare(machine, EARLIEST) < 0) {
    return { ...other, warnings: [`the clock of the machine says ${machine}, which cannot be: ${instead}`] };
  }
  if (written !== null && machine.epochMilliseconds > written.epochMilliseconds + TOLERANCE_MS) {
    return {
      ...other,
      warnings: [
        `the clock of the machine says ${machine}, ${difference(written)} after the file was written: ${instead}`,
      ],
    };
  }

  return { at: machine, from: 'machine', warnings: [] };
}

function isPossible(file: Temporal.Instant, now: Temporal.Instant): boolean {
  return (
    file.epochMilliseconds <= now.epochMilliseconds + TOLERANCE_MS && Temporal.Instant.compare(file, EARLIEST) >= 0
  );
}
