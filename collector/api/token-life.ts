// How long a one-time token may live: long enough to walk to the machine, short enough to forget about.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { formatDuration, parseDuration } from '@selvage/shared/time/duration.ts';

const MINUTE_MS = 60_000;
const SHORTEST_MS = MINUTE_MS;
const LONGEST_MS = 30 * 24 * 60 * MINUTE_MS;

/** Milliseconds of an `expires` field. Throws REQUEST_INVALID. */
export function lifeOf(text: string): number {
  const ms = millisecondsOf(text);
  if (ms >= SHORTEST_MS && ms <= LONGEST_MS) return ms;

  throw new CodedError(
    'REQUEST_INVALID',
    `body.expires: a token lives from ${formatDuration(SHORTEST_MS)} to ${formatDuration(LONGEST_MS)}, not ${text}`,
  );
}

function millisecondsOf(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    throw new CodedError('REQUEST_INVALID', `body.expires: "${text}" is not a duration such as 30m, 8h or 7d`, {
      cause: error,
    });
  }
}
