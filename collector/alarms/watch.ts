// Writes alarms to the log: when the collector starts, and once a day from then on. A collector that nobody looks at still
// says in its log what is about to end.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Alarm } from './alarms.ts';

export const LOG_EVERY_MS = 24 * 3_600_000;
/** After alarms could not be read: sooner than a day. */
const RETRY_MS = 10 * 60_000;

/** Runs until the signal aborts. */
export async function logAlarms(
  read: () => Promise<readonly Alarm[]>,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const wait = await logOnce(read, log);
    await clock.sleep(wait, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

async function logOnce(read: () => Promise<readonly Alarm[]>, log: Log): Promise<number> {
  try {
    for (const { severity, message, ...alarm } of await read()) {
      if (severity === 'warning') log.warn({ severity, ...alarm }, message);
      else log.error({ severity, ...alarm }, message);
    }

    return LOG_EVERY_MS;
  } catch (error) {
    const { code, message } = asCoded(error);
    log.error({ code, error }, `alarms could not be read: ${message}`);

    return RETRY_MS;
  }
}
