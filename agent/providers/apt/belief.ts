// Whether the list of one repository may be believed, from what is known of it. Pure; unknown is never "yes".
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { Repository } from '@selvage/shared/model/package.ts';
import type { ListedRepository } from '@selvage/shared/packages/apt-repositories.ts';
import type { Release } from './release.ts';

export interface Problem {
  readonly code: Code;
  readonly reason: string;
}

/** What the agent remembers of its own refreshes of a repository. */
export interface RefreshRecord {
  readonly lastAttempt: Temporal.Instant;
  readonly lastSuccess: Temporal.Instant | null;
  /** Newest `Date` ever held; an older one is a roll-back. */
  readonly newestDate: Temporal.Instant | null;
  /** What stopped the last attempt; null when it succeeded. */
  readonly error: Problem | null;
}

export interface Belief {
  readonly repository: ListedRepository;
  readonly release: Release | null;
  /** The index lies in the lists as one whose signature apt has verified. */
  readonly signed: boolean;
  readonly record: RefreshRecord | null;
  readonly now: Temporal.Instant;
  /** Milliseconds for which a list is believed after its last successful refresh. */
  readonly maxAge: number;
}

/**
 * After these the lists of the last success are as true as before the attempt; they are believed until they are too old.
 * Every other error says something about the repository itself and ends the belief at once.
 */
const PASSING: readonly Code[] = [
  'REPOSITORY_UNREACHABLE',
  'PROCESS_DEADLINE',
  'BYTE_BUDGET',
  'PACKAGE_MANAGER_FAILED',
];
/** A clock may be a little behind that of the archive. */
const CLOCK_TOLERANCE_MS = 3_600_000;
const HOUR_MS = 3_600_000;

export function believe(belief: Belief): Repository {
  const { repository, release, record, signed } = belief;

  return {
    id: repository.id,
    provider: 'apt',
    uri: repository.uri,
    suite: repository.suite,
    components: [...repository.components],
    origin: release?.origin ?? null,
    label: release?.label ?? null,
    codename: release?.codename ?? null,
    signed,
    security: isSecurity(repository, release),
    lastRefresh: record?.lastSuccess?.toString() ?? null,
    lastAttempt: record?.lastAttempt.toString() ?? null,
    date: release?.date.toString() ?? null,
    validUntil: release?.validUntil?.toString() ?? null,
    problem: problemOf(belief),
    lastError: record?.error ?? null,
  };
}

function problemOf({ repository, release, record, signed, now, maxAge }: Belief): Problem | null {
  const error = record?.error ?? null;
  if (error && !PASSING.includes(error.code)) return error;
  if (!record?.lastSuccess) return error ?? never('it was not fetched yet');
  if (!release) return error ?? never('its list is no longer in the folder of the agent');
  if (!signed) return { code: 'REPOSITORY_UNSIGNED', reason: 'its list carries no signature that apt verified' };
  if (record.newestDate && Temporal.Instant.compare(release.date, record.newestDate) < 0) {
    return {
      code: 'REPOSITORY_ROLLED_BACK',
      reason: `its list is of ${release.date}, one of ${record.newestDate} was seen before`,
    };
  }
  if (release.validUntil && Temporal.Instant.compare(release.validUntil, now) < 0) {
    return { code: 'REPOSITORY_EXPIRED', reason: `its list was valid until ${release.validUntil}` };
  }
  if (age(release.date, now) < -CLOCK_TOLERANCE_MS) {
    return { code: 'REPOSITORY_EXPIRED', reason: `its list is of ${release.date}, after the clock of this host` };
  }

  const old = age(record.lastSuccess, now);
  if (old <= maxAge && old >= -CLOCK_TOLERANCE_MS) return null;
  const since = `last refreshed at ${record.lastSuccess}, more than ${hours(maxAge)} from now`;

  return error
    ? { code: error.code, reason: `${error.reason}; ${since}` }
    : { code: 'REPOSITORY_OLD', reason: `${repository.suite} was ${since}` };
}

/** Debian names the archive by label, Ubuntu by suite; both name extended maintenance by origin or suite. */
function isSecurity(repository: ListedRepository, release: Release | null): boolean {
  const names = [repository.suite, release?.suite, release?.codename].map((name) => name?.replace(/\/$/, '') ?? '');

  return (
    release?.label === 'Debian-Security' ||
    ['UbuntuESM', 'UbuntuESMApps'].includes(release?.origin ?? '') ||
    names.some((name) => name.endsWith('-security')) ||
    // Debian before 11: `buster/updates`.
    /^[a-z]+\/updates$/.test(repository.suite)
  );
}

function never(reason: string): Problem {
  return { code: 'REPOSITORY_NEVER_FETCHED', reason };
}

function age(then: Temporal.Instant, now: Temporal.Instant): number {
  return now.epochMilliseconds - then.epochMilliseconds;
}

function hours(ms: number): string {
  return `${Math.round((ms / HOUR_MS) * 10) / 10} h`;
}
