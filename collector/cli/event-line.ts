// One live event as one line for the console of `selvage serve`.
import type { CollectorEvent } from '../events.ts';

export function eventLine(event: CollectorEvent, now: Temporal.Instant, zone: string): string {
  const time = now.toZonedDateTimeISO(zone).toPlainTime().toString({ smallestUnit: 'second' });

  return `${time}  ${sentence(event)}`;
}

function sentence(event: CollectorEvent): string {
  switch (event.type) {
    case 'host.connected':
      return `${event.name} connected`;
    case 'host.disconnected':
      return `${event.name} disconnected${event.reason === undefined ? '' : ` (${event.reason})`}`;
    case 'host.enrolled':
      return `${event.name} enrolled${event.pending ? `; it is pending: selvage host accept ${event.name}` : ''}`;
    case 'host.accepted':
      return `${event.name} is accepted`;
    case 'host.retired':
      return `${event.name} is retired`;
    case 'host.described':
      return `${event.name} has other labels or another owner`;
    case 'host.revoked':
      return `${event.name} revoked`;
    case 'host.quarantined':
      return `${event.name} is quarantined (${event.reason}): selvage host show ${event.name}`;
    case 'host.knocked':
      return `${event.name} was refused at the door: ${event.reason}`;
    case 'host.readmitted':
      return `${event.name} is readmitted`;
    case 'host.flapping':
      return `${event.name} connects from ${event.addresses.join(' and ')} in turn: is its certificate in two places?`;
    case 'inventory.received':
      return `${event.name} sent its inventory: ${event.changed.length === 0 ? 'nothing changed' : `${event.changed.join(', ')} changed`}`;
    case 'result.received':
      return `${event.name} reports ${event.run}: ${event.outcome}`;
    case 'host.changedOutside':
      return `${event.name} was changed outside Selvage: ${event.packages} packages by ${event.by}: selvage host history ${event.name}`;
    case 'import.changed':
      return `the imported machine ${event.name} is known anew, or is no more`;
    case 'vex.changed':
      return `the VEX document ${event.document} was imported or removed`;
    case 'feed.changed':
      return `the feed ${event.feed} has new data: ${event.records} records`;
    case 'policy.changed':
      return `new signed policy, timestamp version ${event.timestampVersion}`;
  }
}
