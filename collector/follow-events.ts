// What follows from an event in another room: rooms do not know each other. A revocation ends the live connection, new policy
// is announced, and so is policy to a host that has just been accepted.
import type { Log } from '@selvage/shared/log/log.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { HeldPolicy } from './alarms/held.ts';
import type { Events } from './events.ts';
import type { Gateway } from './gateway/gateway.ts';

interface Followers {
  readonly events: Events;
  readonly gateway: Pick<Gateway, 'disconnectHost' | 'announcePolicy' | 'announcePolicyTo'>;
  readonly held: Pick<HeldPolicy, 'forget'>;
  /** Its version as it stands. */
  readonly policy: { current(): Promise<{ readonly timestampVersion: number }> };
  readonly log: Log;
}

/** Returns the function that ends it. */
export function followEvents(parts: Followers): () => void {
  const { events, gateway, held } = parts;
  const accepted = announceToAccepted(parts);

  return events.subscribe((event) => {
    if (event.type === 'host.revoked' || event.type === 'host.retired') {
      gateway.disconnectHost(event.host as HostId, event.type === 'host.retired' ? 'HOST_RETIRED' : 'HOST_REVOKED');
      held.forget(event.host as HostId);
    }
    if (event.type === 'host.accepted') accepted(event.host as HostId);
    // It can say nothing any more, so its last word would stay an alarm; readmitted, it says it again.
    if (event.type === 'host.quarantined') held.forget(event.host as HostId);
    if (event.type === 'policy.changed') gateway.announcePolicy(event.timestampVersion);
  });
}

/** Many may be accepted at once: the repository is looked at once for those that come meanwhile. */
function announceToAccepted({ policy, gateway, log }: Followers): (host: HostId) => void {
  let waiting: HostId[] = [];
  const announce = async () => {
    const { timestampVersion } = await policy.current();
    const hosts = waiting;
    waiting = [];
    for (const host of hosts) gateway.announcePolicyTo(host, timestampVersion);
  };

  return (host) => {
    waiting.push(host);
    if (waiting.length > 1) return;
    announce().catch((error: unknown) => {
      // They ask again with their next connection.
      waiting = [];
      log.error({ error }, 'policy could not be announced to hosts that were accepted');
    });
  };
}
