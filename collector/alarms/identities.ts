// Alarms about who hosts are: identities in two places, and hosts that knock and are not let in. Pure, as ./alarms.ts.
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { Quarantine } from '../store/ports.ts';

/** Hosts that are named one by one; the others are counted in one more alarm. */
export const MAX_IDENTITIES_NAMED = 50;

/** An Alarm; see ./alarms.ts, which makes one list of all kinds. */
interface IdentityAlarm {
  readonly severity: 'critical' | 'urgent' | 'warning';
  readonly kind: 'host-quarantined' | 'host-refused';
  readonly subject: string;
  readonly ends: null;
  readonly message: string;
  readonly stops: string;
  readonly next: string;
}

/** What the store knows of an active host that a person has to decide about. */
export interface Doubt {
  readonly name: string;
  readonly quarantine: { readonly at: string; readonly reason: Quarantine['reason'] } | null;
  /** Refused at the door with a certificate of its own. */
  readonly knock: { readonly at: string; readonly address: string; readonly code: Code } | null;
}

const WHY = {
  cloned: 'two machines use the identity of host',
  superseded: 'a certificate that was replaced is in use for host',
} as const;

export function identityAlarms(doubts: readonly Doubt[]): readonly IdentityAlarm[] {
  const alarms = doubts.flatMap((doubt) => quarantined(doubt) ?? knocking(doubt) ?? []);
  const more = alarms.length - MAX_IDENTITIES_NAMED;
  if (more <= 0) return alarms;

  return [
    ...alarms.slice(0, MAX_IDENTITIES_NAMED),
    {
      ...{ severity: 'critical', kind: 'host-quarantined', subject: `${more} more hosts`, ends: null },
      message: `${more} more hosts are quarantined or refused`,
      stops: 'nothing from them is taken',
      next: 'selvage host list',
    },
  ];
}

function quarantined({ name, quarantine }: Doubt): IdentityAlarm | null {
  if (quarantine === null) return null;

  return {
    ...{ severity: 'critical', kind: 'host-quarantined', subject: name, ends: null },
    message: `${WHY[quarantine.reason]} ${name}, since ${quarantine.at}`,
    stops: 'nothing from this identity is taken, and nothing new reaches either machine',
    next: `selvage host show ${name}`,
  };
}

function knocking({ name, knock }: Doubt): IdentityAlarm | null {
  if (knock === null) return null;
  if (knock.code !== 'HOST_AWAY_TOO_LONG') return copied(name, knock);

  return {
    ...{ severity: 'urgent', kind: 'host-refused', subject: name, ends: null },
    message: `host ${name} was refused with ${knock.code}, from ${knock.address} at ${knock.at}`,
    stops: 'this host reports nothing and gets no policy until an admin lets it in',
    next: `selvage host readmit ${name}, once you know that it is where it belongs`,
  };
}

/** Refused for good while the host itself goes on: a readmission would open the door to whoever has the copy. */
function copied(name: string, knock: NonNullable<Doubt['knock']>): IdentityAlarm {
  return {
    ...{ severity: 'warning', kind: 'host-refused', subject: name, ends: null },
    message: `a copy of the identity of host ${name} was refused with ${knock.code}, from ${knock.address} at ${knock.at}`,
    stops: 'nothing: the host itself goes on, and this is forgotten when it renews its certificate',
    next: `find the machine or disk that has it; what the host is: selvage host show ${name}`,
  };
}
