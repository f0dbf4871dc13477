// Policy whose time is over, for those who renew it: admins before they sign, the collector before it serves. A host never
// uses this; it accepts nothing that has expired.
import { hasCode } from '../errors/coded-error.ts';
import { MAX_ROLES } from './limits.ts';
import { parseJson } from './metadata.ts';
import { monthOf } from './roles.ts';
import { type PolicyFiles, type TrustedPolicy, type VerifyRequest, verifyRepository } from './trusted-set.ts';

export interface OverduePolicy {
  readonly policy: TrustedPolicy;
  /** Roles that have expired at `now`; empty when all are current. */
  readonly overdue: readonly string[];
}

/**
 * Verifies as verifyRepository does, but when something has expired, as of the last second in which nothing had: every
 * other rule (signatures, versions, hashes, documents) holds unchanged. Throws what verifyRepository throws.
 */
export function verifyOverdue(request: VerifyRequest): OverduePolicy {
  let now = request.now;
  const ends = new Map<string, Temporal.Instant>();
  const files = noting(request, ends);

  // Each round goes back to before the earliest end seen so far, which lets the next round see further files.
  for (let round = 0; ; round++) {
    try {
      const policy = verifyRepository({ ...request, files, now });

      return { policy, overdue: overdueRoles(policy, request.now) };
    } catch (error) {
      const earliest = [...ends.values()].toSorted(Temporal.Instant.compare)[0]?.subtract({ seconds: 1 });
      const further = earliest !== undefined && Temporal.Instant.compare(earliest, now) < 0;
      if (!hasCode(error, 'POLICY_EXPIRED') || !further || round > MAX_ROLES) throw error;
      now = earliest;
    }
  }
}

/** Roles of a verified policy that have expired at `now`; months of approvals end on purpose and are never among them. */
export function overdueRoles(policy: TrustedPolicy, now: Temporal.Instant): readonly string[] {
  return Object.entries(policy.expires)
    .filter(([role, end]) => monthOf(role) === null && Temporal.Instant.compare(end, now) <= 0)
    .map(([role]) => role);
}

/** Notes when the last root and each other metadata file ends; months of approvals are left out. */
function noting({ root, previous, files }: VerifyRequest, ends: Map<string, Temporal.Instant>): PolicyFiles {
  const note = (name: string, bytes: Uint8Array) => {
    const end = endOf(name, bytes);
    if (end) ends.set(/^\d+\.root\.json$/.test(name) ? 'root.json' : name, end);
  };
  note('root.json', previous?.root ?? root);

  return (name, hash) => {
    const bytes = files(name, hash);
    if (bytes !== null && hash === undefined && !/^\d+\.approvals-/.test(name)) note(name, bytes);

    return bytes;
  };
}

function endOf(name: string, bytes: Uint8Array): Temporal.Instant | null {
  const value = parseJson(name, bytes);
  const text = (value as { signed?: { expires?: unknown } } | null)?.signed?.expires;
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return null;

  try {
    return Temporal.Instant.from(text);
  } catch (error) {
    // A time that is none: verifyRepository refuses the file and says so.
    if (error instanceof RangeError) return null;
    throw error;
  }
}
