// An admin lets a host in that may not come in by itself: one that was away for too long, or whose identity was seen in
// two places. The door is open for a day, for a renewal and nothing else; the host's name and history stay as they are.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import type { HostRecord, Readmission } from '../store/ports.ts';
import { type Context, timestamp } from './context.ts';
import { READMIT_MS } from './limits.ts';

/** Characters of a machine id that are enough to name it, when no other machine begins the same. */
const LEAST_CHARACTERS = 8;

/**
 * Until when the door is open. Throws NOT_FOUND (host, or machine that was not seen), HOST_REVOKED, and
 * REQUEST_INVALID for a host that needs no readmission or two machines of which none was picked.
 */
export async function readmitHost(context: Context, id: string, by: string, machine?: string): Promise<Timestamp> {
  const { store, clock, events } = context;
  const now = clock.now();
  const at = timestamp(now);
  const { host, door } = await store.transaction(async (writers) => {
    const host = await writers.hosts.byId(id as HostId);
    if (!host) throw new CodedError('NOT_FOUND', `there is no host ${id}`);
    if (host.state === 'revoked') {
      throw new CodedError('HOST_REVOKED', `the host ${host.name} was revoked: it enrolls anew, with a token`);
    }
    refuseNeedless(host, now);

    const door: Readmission = {
      until: timestamp(now.add({ milliseconds: READMIT_MS })),
      machine: machineOf(host, machine),
    };
    await writers.hosts.readmit(host.id, at, door);
    await writers.audit.append({
      ...{ at, actor: by, action: 'host.readmitted', subject: `host:${host.id}` },
      details: { name: host.name, ...door, quarantine: host.quarantine, knock: host.knock },
    });

    return { host, door };
  });
  events.publish({ type: 'host.readmitted', host: host.id, name: host.name });

  return door.until;
}

/** A door that nobody needs is one for somebody else. */
function refuseNeedless(host: HostRecord, now: Temporal.Instant): void {
  const ended = Temporal.Instant.compare(Temporal.Instant.from(host.certificateExpires), now) <= 0;
  const knocked = host.knock !== null && !host.knock.answered;
  if (host.quarantine || knocked || host.readmit || ended) return;

  throw new CodedError('REQUEST_INVALID', `${host.name} is in good standing: there is nothing to readmit`, {
    next: `see it with: selvage host show ${host.name}`,
  });
}

/** The machine that was picked, whole; null: there is one, and it stays. */
function machineOf(host: HostRecord, wanted: string | undefined): string | null {
  const seen = host.quarantine?.machines ?? [host.machineId];
  const listed = seen.map((each) => `--machine ${each}`).join(' or ');
  if (wanted === undefined) {
    if (seen.length === 1) return null;
    throw new CodedError('REQUEST_INVALID', `${host.name} was seen on ${seen.length} machines: say which one it is`, {
      next: listed,
      details: { machines: seen },
    });
  }
  if (seen.includes(wanted)) return wanted;
  const [machine, ...others] = wanted.length < LEAST_CHARACTERS ? [] : seen.filter((each) => each.startsWith(wanted));
  if (machine !== undefined && others.length === 0) return machine;

  throw new CodedError('NOT_FOUND', `${host.name} was not seen on a machine ${wanted}`, { next: listed });
}
