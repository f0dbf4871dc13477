// Writes into the ledger that one identity was used from two places in turn; see ./flapping.ts for when.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Events } from '../events.ts';
import type { Store } from '../store/ports.ts';

export interface FlappingParts {
  readonly store: Pick<Store, 'transaction'>;
  readonly clock: Clock;
  readonly events: Events;
  readonly log: Log;
}

/** Until the function that it returns is called. */
export function recordFlapping({ store, clock, events, log }: FlappingParts): () => void {
  return events.subscribe((event) => {
    if (event.type !== 'host.flapping') return;
    const { host, name, addresses } = event;
    const at = clock.now().toString() as Timestamp;

    store
      .transaction((writers) =>
        writers.audit.append({
          at,
          actor: 'collector',
          action: 'host.flapping',
          subject: host,
          details: { name, addresses: [...addresses] },
        }),
      )
      .catch((error: unknown) => {
        // The event was told and logged; a store that fails is reported by everything else too.
        const { code, message } = asCoded(error);
        log.error({ host, code }, `the ledger does not say that a host is flapping: ${message}`);
      });
  });
}
