// Pending hosts that nobody accepts do not stay for ever: a name that a stranger took is free again after some days.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Enrollment } from './enrollment.ts';
import { PENDING_SWEEP_MS } from './limits.ts';

/** Looks at once and then every so often, until the signal. */
export async function retireUnaccepted(
  enrollment: Pick<Enrollment, 'retireUnaccepted'>,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    try {
      const retired = await enrollment.retireUnaccepted();
      if (retired > 0) log.info({ retired }, 'pending hosts that nobody accepted are retired');
    } catch (error) {
      const { code, message } = asCoded(error);
      log.error({ code, error }, `pending hosts could not be looked through: ${message}`);
    }
    try {
      await clock.sleep(PENDING_SWEEP_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
  }
}
