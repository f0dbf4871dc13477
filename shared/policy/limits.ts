// Every bound and lifetime of the signed policy, with its unit and reason. Nothing else decides how big or how old.

const KIB = 1024;
const DAY_MS = 24 * 3_600_000;

/** Bytes of one file of the repository: what one PolicyFile frame carries (proto/wire.proto). */
export const MAX_POLICY_FILE_BYTES = 512 * KIB;
/** Bytes of everything one verification reads, so that many small files cannot fill the memory either. */
export const MAX_POLICY_TOTAL_BYTES = 32 * KIB * KIB;
/**
 * Roots in one repository, so also roots followed in one verification: a new host begins at the first, whatever has been
 * rotated since. At one root a month, forty years.
 */
export const MAX_ROOT_STEPS = 512;
/** How far one push may take the version of a role ahead; what hosts say they hold is believed no further than this. */
export const MAX_VERSION_LEAD = 10_000;
/** Delegated roles in one repository: the four kinds, and ten years of monthly approvals. */
export const MAX_ROLES = 128;
/** Documents in one repository. */
export const MAX_DOCUMENTS = 4000;
/** Keys of one role, and signatures of one file. */
export const MAX_KEYS = 32;

/** Lifetimes of metadata, in milliseconds. Short ones are made by the collector on its own, long ones by admins. */
export const LIFETIME_MS = {
  root: 365 * DAY_MS,
  targets: 365 * DAY_MS,
  delegated: 365 * DAY_MS,
  snapshot: 7 * DAY_MS,
  timestamp: DAY_MS,
} as const;
