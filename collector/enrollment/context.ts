// What every part of enrollment works with, handed over once by createEnrollment.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Authority } from '@selvage/shared/pki/authority.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Events } from '../events.ts';
import type { Store } from '../store/ports.ts';
import type { Renewals } from './renewals.ts';

export interface EnrollmentOptions {
  readonly store: Store;
  /** Signs host certificates and the gateway's own, and is what new hosts pin. Read at each use: it may be replaced. */
  readonly hosts: Authority;
  /** While the authority is being replaced, the next one; it renews those hosts that trust it already. */
  readonly newest?: () => Authority;
  /** Signs admin certificates and the API's own. */
  readonly admins: Authority;
  /** The exact bytes of the TUF root that new machines pin. */
  readonly root: () => Promise<Uint8Array>;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Events;
}

export interface Context extends EnrollmentOptions {
  readonly renewals: Renewals;
  /** `token:code` of refusals that the ledger has: a holder of a spent token cannot fill it. */
  readonly refusals: Set<string>;
}

export const timestamp = (instant: Temporal.Instant): Timestamp => instant.toString() as Timestamp;
