// The roles of the policy repository and the one folder each may sign in. The table is fixed: a repository that
// delegates anything else is refused, whoever signed it.

/** Roles that `targets` delegates to, with their path pattern. `approvals` signs no document itself, only its months. */
export const DELEGATED_ROLES = {
  policy: 'policy/*/*',
  approvals: 'approvals/*/*',
  urgent: 'urgent/*',
  lifts: 'lifts/*',
} as const;
export type DelegatedRoleName = keyof typeof DELEGATED_ROLES;

export const APPROVALS = 'approvals';
const MONTH_ROLE = /^approvals-(\d{4}-(?:0[1-9]|1[0-2]))$/;

/** `2026-11` of `approvals-2026-11`, null for any other role. */
export function monthOf(role: string): string | null {
  return MONTH_ROLE.exec(role)?.[1] ?? null;
}

/** Who delegates to the role: `targets`, or `approvals` for its months; null for a name that is no role. */
export function delegatorOf(role: string): 'targets' | 'approvals' | null {
  if (Object.hasOwn(DELEGATED_ROLES, role)) return 'targets';

  return monthOf(role) === null ? null : APPROVALS;
}

/** The path pattern that belongs to a role, null for a name that is no role. */
export function patternOf(role: string): string | null {
  const month = monthOf(role);
  if (month !== null) return `approvals/${month}/*`;

  return Object.hasOwn(DELEGATED_ROLES, role) ? DELEGATED_ROLES[role as DelegatedRoleName] : null;
}

/**
 * True when a role may sign a document at `path`. Stricter than TUF: `targets` and `approvals` sign none, and each
 * part between slashes is matched as a whole.
 */
export function maySign(role: string, path: string): boolean {
  const pattern = patternOf(role);
  if (pattern === null || role === APPROVALS) return false;

  const wanted = pattern.split('/');
  const parts = path.split('/');

  return (
    parts.length === wanted.length && parts.every((part, i) => part !== '' && (wanted[i] === '*' || wanted[i] === part))
  );
}

/** When the role of a month ends: with the month after it, in UTC. An approval of the last day has a month to act. */
export function endOfMonthRole(month: string): Temporal.Instant {
  return Temporal.PlainYearMonth.from(month)
    .add({ months: 2 })
    .toPlainDate({ day: 1 })
    .toZonedDateTime('UTC')
    .toInstant();
}

const FOR_COLLECTOR = /^policy\/collector-[a-z0-9-]+\/[^/]+$/;

/**
 * Documents that admins sign for the collector alone (what is accepted, what they know themselves). Hosts neither fetch nor read
 * them, so that a new kind of them stops no host that is older, and no host learns where others are weak. Nothing in
 * these folders may ever let a host do more or less: anything else that a host does not understand refuses the whole policy.
 */
export function isForCollector(path: string): boolean {
  return FOR_COLLECTOR.test(path);
}
