// Hosts that come with a good certificate of this collector and are not in its database: enrolled after the backup that was
// restored. They are refused, and they are named, so that a person helps them. In memory: they knock again.
import type { Log } from '@selvage/shared/log/log.ts';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Store } from '../store/ports.ts';

/** The oldest is forgotten first. As many entries go into the ledger, which is for ever: ids come from certificates, and who
 * has stolen an authority can make as many as they like. */
export const MAX_UNKNOWN = 1000;

export interface UnknownHost {
  readonly id: HostId;
  readonly address: string;
  readonly lastSeen: Timestamp;
}

export interface UnknownHosts {
  note(host: Omit<UnknownHost, 'lastSeen'>): Promise<void>;
  list(): readonly UnknownHost[];
}

export function createUnknownHosts(parts: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}): UnknownHosts {
  const { store, clock, log } = parts;
  const hosts = new Map<HostId, UnknownHost>();
  let entries = 0;

  return {
    note: async (host) => {
      const at = clock.now().toString() as Timestamp;
      const known = hosts.has(host.id);
      hosts.delete(host.id);
      hosts.set(host.id, { ...host, lastSeen: at });
      const [oldest] = hosts.keys();
      if (hosts.size > MAX_UNKNOWN && oldest !== undefined) hosts.delete(oldest);
      if (known || entries >= MAX_UNKNOWN) return;
      entries += 1;

      const { id, address } = host;
      log.warn({ host: id, address }, 'a host with our certificate is not in the database');
      // Once per start and host: who was lost by a restore is a fact for the ledger.
      await store.transaction((writers) =>
        writers.audit.append({
          at,
          actor: 'collector',
          action: 'host.unknown',
          subject: id,
          details: { address },
        }),
      );
    },
    list: () => [...hosts.values()],
  };
}
