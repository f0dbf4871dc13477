// Everything that ends, said before it does: certificates, authorities, the policy root and its roles, and what should have
// been renewed and was not. Pure: facts and a time in, alarms out. INVARIANT: an alarm never goes away by time alone.
import { CODES, type Code } from '@selvage/shared/errors/codes.ts';
import type { RiskAcceptanceDocument } from '@selvage/shared/policy/documents.ts';
import { LIFETIME_MS, MAX_ROOT_STEPS } from '@selvage/shared/policy/limits.ts';
import { formatDuration } from '@selvage/shared/time/duration.ts';
import { HOST_CERTIFICATE_MS } from '../enrollment/limits.ts';
import type { FeedView } from '../feeds/keeping/standing.ts';
import { RETURN_WITHIN_MS } from '../gateway/standing.ts';
import { acceptanceAlarms } from './acceptances.ts';
import { feedAlarms } from './feeds.ts';
import { type HandedBack, handedBackAlarms } from './handed-back.ts';
import { type Doubt, identityAlarms } from './identities.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** What lives for months is said so long before it ends. */
export const AHEAD_MS = 30 * DAY_MS;
/** From here on it does not wait for next week. */
export const URGENT_MS = 7 * DAY_MS;
/** A host renews at two thirds of its certificate's life; one that has not for so long after that is looked at. */
export const RENEWAL_GRACE_MS = 3 * DAY_MS;
/** The collector refreshes at half of the life, every hour: so much later it does not. */
export const REFRESH_GRACE_MS = 2 * HOUR_MS;
/** Hosts that are named one by one, those that end first; the others are counted in one more alarm. */
export const MAX_HOSTS_NAMED = 50;
/** Share of the roots a repository may have at which it is said. */
const ROOTS_SHARE = 0.9;

export const SEVERITIES = ['warning', 'urgent', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

const RECOVER = 'selvage policy recover, on the machine of the admin who pushed last';

interface Ending {
  readonly what: string;
  readonly stops: string;
  readonly next: string;
  /** What helps once it has ended, where that is another thing. NAME is the subject. */
  readonly ended?: string;
}

/** What ends at a known time unless somebody acts. */
const ENDING = {
  'hosts-authority': {
    what: 'the authority that hosts trust',
    stops: 'no host can connect or enroll any more',
    next: 'selvage authority begin (then switch, then finish)',
  },
  'admins-authority': {
    what: 'the authority that admins trust',
    stops: 'no admin can log in or change anything any more',
    next: 'make a new collector in time (selvage init); no command replaces this authority',
  },
  'gateway-certificate': {
    what: 'the certificate of the port for hosts',
    stops: 'hosts say that it has ended, stay connected and install only what was accepted',
    next: 'look at the log of selvage serve and restart it: it makes a new one at each start',
  },
  'api-certificate': {
    what: 'the certificate of the port for admins',
    stops: 'no command reaches the collector any more',
    next: 'look at the log of selvage serve and restart it: it makes a new one at each start',
  },
  'admin-certificate': {
    what: 'the certificate of admin',
    stops: 'this admin can see and change nothing any more; stopping, approving and signing wait for another',
    next: 'any command of this admin renews it, such as: selvage status',
    ended: 'another admin runs: selvage admin revoke NAME, then selvage admin add NAME',
  },
  root: {
    what: 'the root of signed policy',
    stops: 'hosts accept no newer policy; what they have accepted stays usable until its actUntil',
    next: 'selvage policy renew',
  },
  role: {
    what: 'the signed role',
    stops: 'hosts accept no newer policy; what they have accepted stays usable until its actUntil',
    next: 'selvage policy renew',
  },
} as const satisfies Record<string, Ending>;

export type EndingKind = keyof typeof ENDING;
export const ALARM_KINDS = [
  ...(Object.keys(ENDING) as EndingKind[]),
  'snapshot',
  'timestamp',
  'host-certificate',
  'host-quarantined',
  'host-refused',
  'host-fallback',
  'policy-behind',
  'policy-refused',
  'roots',
  'feed',
  'risk-acceptance',
  'risk-acceptance-review',
] as const;

export interface Alarm {
  readonly severity: Severity;
  readonly kind: (typeof ALARM_KINDS)[number];
  /** Which one: a role, an admin, a host; empty where there is one of the kind. */
  readonly subject: string;
  /** Null where it is no matter of time. */
  readonly ends: string | null;
  readonly message: string;
  /** What goes wrong when nobody acts. */
  readonly stops: string;
  /** The exact next command, or act. */
  readonly next: string;
}

export interface AlarmFacts {
  readonly ends: readonly { readonly kind: EndingKind; readonly subject: string; readonly ends: string }[];
  /** When snapshot and timestamp end; null before the first policy. */
  readonly online: { readonly snapshot: string; readonly timestamp: string } | null;
  /** Active hosts that are not quarantined: the later of the current certificate and the one that waits. */
  readonly hosts: readonly { readonly name: string; readonly ends: string }[];
  /** Active hosts in quarantine, or refused at the door. */
  readonly doubts: readonly Doubt[];
  /** Active hosts whose newest inventory says that they gave themselves back to their own updaters. */
  readonly handedBack?: readonly HandedBack[];
  /** Versions that hosts say they have accepted and this collector does not have. */
  readonly behind: readonly Behind[];
  /** Hosts that did not accept the policy they were offered last. */
  readonly refusing: readonly Refusing[];
  /** All of them; those that nobody here needs make no alarm. */
  readonly feeds?: readonly FeedView[];
  /** Roots in the repository. */
  readonly roots: number;
  /** Signed risk acceptances, those that have ended among them. */
  readonly acceptances?: readonly RiskAcceptanceDocument[];
}

export interface Behind {
  readonly role: string;
  /** The highest that any host says. */
  readonly version: number;
  readonly here: number;
  readonly count: number;
  /** Some of them. */
  readonly hosts: readonly string[];
}

export interface Refusing {
  readonly code: Code;
  readonly count: number;
  /** Some of them. */
  readonly hosts: readonly string[];
}

/** What a person must know, the worst first. `now` never makes an alarm milder or go away. */
export function alarmsOf(facts: AlarmFacts, now: Temporal.Instant): readonly Alarm[] {
  const alarms = [
    ...facts.ends.flatMap(({ kind, subject, ends }) => ending(kind, subject, ends, now)),
    ...(facts.online ? refreshing(facts.online, now) : []),
    ...hostCertificates(facts.hosts, now),
    ...identityAlarms(facts.doubts),
    ...handedBackAlarms(facts.handedBack ?? []),
    ...feedAlarms(facts.feeds ?? []),
    ...facts.behind.map(behind),
    ...facts.refusing.map(refusing),
    ...acceptanceAlarms(facts.acceptances ?? [], now),
    ...(facts.roots >= MAX_ROOT_STEPS * ROOTS_SHARE ? [manyRoots(facts.roots)] : []),
  ];

  return alarms.toSorted(
    (one, other) =>
      SEVERITIES.indexOf(other.severity) - SEVERITIES.indexOf(one.severity) ||
      (one.ends ?? '').localeCompare(other.ends ?? ''),
  );
}

function ending(kind: EndingKind, subject: string, ends: string, now: Temporal.Instant): readonly Alarm[] {
  const left = leftOf(ends, now);
  if (left > AHEAD_MS) return [];
  const { what, stops, next, ended = next }: Ending = ENDING[kind];

  return [
    {
      severity: left <= 0 ? 'critical' : left <= URGENT_MS ? 'urgent' : 'warning',
      ...{ kind, subject, ends, stops, next: (left <= 0 ? ended : next).replaceAll('NAME', subject) },
      message: `${what}${subject === '' ? '' : ` ${subject}`} ${inWords(left)}`,
    },
  ];
}

/** Both live for days only, so "soon" is their ordinary state: what counts is that they are not made anew in time. */
function refreshing(online: NonNullable<AlarmFacts['online']>, now: Temporal.Instant): readonly Alarm[] {
  return (['timestamp', 'snapshot'] as const).flatMap((kind): Alarm[] => {
    const ends = online[kind];
    const left = leftOf(ends, now);
    if (left > LIFETIME_MS[kind] / 2 - REFRESH_GRACE_MS) return [];

    return [
      {
        severity: left <= 0 ? 'critical' : 'urgent',
        ...{ kind, subject: '', ends },
        message: `the ${kind} of signed policy was not signed again in time; it ${inWords(left)}`,
        stops: 'hosts accept no newer policy; what they have accepted stays usable until its actUntil',
        next: 'look at the log of selvage serve; if it lost its online keys: selvage key rotate-online',
      },
    ];
  });
}

function hostCertificates(hosts: AlarmFacts['hosts'], now: Temporal.Instant): readonly Alarm[] {
  const due = hosts
    .map((host) => ({ ...host, left: leftOf(host.ends, now) }))
    .filter(({ left }) => left <= HOST_CERTIFICATE_MS / 3 - RENEWAL_GRACE_MS)
    .toSorted((one, other) => one.left - other.left || one.name.localeCompare(other.name));
  const more = due.slice(MAX_HOSTS_NAMED);
  const [first] = more;

  return [
    ...due.slice(0, MAX_HOSTS_NAMED).map(hostCertificate),
    ...(first
      ? [
          {
            ...hostCertificate(first),
            subject: `${more.length} more hosts`,
            message: `the certificates of ${more.length} more hosts were not renewed; the first of them ${inWords(first.left)}`,
            next: 'selvage host list',
          },
        ]
      : []),
  ];
}

function hostCertificate({ name, ends, left }: AlarmFacts['hosts'][number] & { readonly left: number }): Alarm {
  const shut = left <= -RETURN_WITHIN_MS;

  return {
    severity: shut ? 'critical' : left <= 0 ? 'urgent' : 'warning',
    ...{ kind: 'host-certificate', subject: name, ends },
    message: `the certificate of host ${name} was not renewed; it ${inWords(left)}`,
    stops: shut
      ? 'this host is refused until an admin lets it in'
      : `this host renews by itself when it connects, until ${formatDuration(RETURN_WITHIN_MS)} after the end`,
    next: shut ? `selvage host readmit ${name}` : `selvage host show ${name}`,
  };
}

function behind({ role, version, here, count, hosts }: Behind): Alarm {
  return {
    ...{ severity: 'critical', kind: 'policy-behind', subject: role, ends: null },
    message: `${count} hosts have accepted up to version ${version} of ${role}; this collector has ${here} (${hosts.slice(0, 3).join(', ')})`,
    stops: 'these hosts accept no policy from this collector: it looks older than what they have seen',
    next: RECOVER,
  };
}

function refusing({ code, count, hosts }: Refusing): Alarm {
  return {
    ...{ severity: 'urgent', kind: 'policy-refused', subject: code, ends: null },
    message: `${count} hosts did not accept the policy of this collector: ${code} (${hosts.slice(0, 3).join(', ')})`,
    stops: 'these hosts go on with what they accepted before, until its actUntil',
    next: code === 'POLICY_ROLLED_BACK' ? RECOVER : CODES[code].next,
  };
}

function manyRoots(count: number): Alarm {
  return {
    ...{ severity: 'warning', kind: 'roots', subject: '', ends: null },
    message: `${count} of at most ${MAX_ROOT_STEPS} roots of signed policy are used up`,
    stops: 'keys can be rotated no more; new hosts cannot follow so many roots',
    next: 'rotate less often, and plan a new collector (selvage init)',
  };
}

function leftOf(ends: string, now: Temporal.Instant): number {
  return Temporal.Instant.from(ends).epochMilliseconds - now.epochMilliseconds;
}

function inWords(left: number): string {
  return left <= 0 ? `ended ${formatDuration(-left)} ago` : `ends in ${formatDuration(left)}`;
}
