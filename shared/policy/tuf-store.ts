// The one adapter to tuf-js: its TrustedMetadataStore over bytes, with our reference time, and its errors as our codes.
// The import goes past the package's front door, so the version is pinned and ./tuf-store.test.ts covers what is used.
// Its Updater is not used: it fetches by itself, reads the clock by itself and turns causes into text.
import { UnsignedMetadataError } from '@tufjs/models/dist/error.js';
import { BadVersionError, EqualVersionError, ExpiredMetadataError, RepositoryError } from 'tuf-js/dist/error.js';
import { TrustedMetadataStore } from 'tuf-js/dist/store.js';
import { CodedError } from '../errors/coded-error.ts';

export interface TufStore {
  /** Root N+1: signed by enough keys of root N and of itself. */
  root(bytes: Uint8Array): void;
  /** `kept` when the same version was loaded before: then the earlier bytes stay. */
  timestamp(bytes: Uint8Array): 'new' | 'kept';
  /** Loads accepted metadata only to compare with; that it has expired meanwhile, or is superseded, is no error. */
  earlier(kind: 'timestamp' | 'snapshot', bytes: Uint8Array): void;
  snapshot(bytes: Uint8Array): void;
  /** `expired` when everything but its time is right. */
  delegated(bytes: Uint8Array, role: string, delegator: string): 'valid' | 'expired';
}

const REFERENCE_TIME = 'referenceTime';

/**
 * A store that trusts `root` and judges expiry at `now`. The constructor of tuf-js takes the system's time; it checks
 * nothing against it before the next call, and we replace it first. Throws INTERNAL when that is no longer so.
 */
export function openTufStore(root: Uint8Array, now: Temporal.Instant): TufStore {
  const store = guarded('root.json', 'POLICY_INVALID', () => new TrustedMetadataStore(Buffer.from(root)));
  if (!(Reflect.get(store, REFERENCE_TIME) instanceof Date)) {
    throw new CodedError('INTERNAL', 'this tuf-js has no reference time to set; its version must be the pinned one');
  }
  Reflect.set(store, REFERENCE_TIME, new Date(now.epochMilliseconds));

  return {
    root: (bytes) => {
      guarded('root.json', 'POLICY_INVALID', () => store.updateRoot(Buffer.from(bytes)));
    },
    timestamp: (bytes) =>
      guarded('timestamp.json', 'POLICY_ROLLED_BACK', () => {
        try {
          store.updateTimestamp(Buffer.from(bytes));

          return 'new';
        } catch (error) {
          // The specification (5.4.3.1) keeps the trusted one when the versions are equal; that is not an attack.
          if (error instanceof EqualVersionError) return 'kept';
          throw error;
        }
      }),
    earlier: (kind, bytes) => {
      guarded(`accepted ${kind}.json`, 'POLICY_INVALID', () => {
        try {
          if (kind === 'timestamp') store.updateTimestamp(Buffer.from(bytes));
          else store.updateSnapshot(Buffer.from(bytes), true);
        } catch (error) {
          // Thrown only after the metadata was taken in (tuf-js keeps it for this purpose).
          if (!(error instanceof ExpiredMetadataError || error instanceof BadVersionError)) throw error;
        }
      });
    },
    snapshot: (bytes) => {
      guarded('snapshot.json', 'POLICY_ROLLED_BACK', () => store.updateSnapshot(Buffer.from(bytes)));
    },
    delegated: (bytes, role, delegator) =>
      guarded(`${role}.json`, 'POLICY_INVALID', () => {
        try {
          store.updateDelegatedTargets(Buffer.from(bytes), role, delegator);

          return 'valid';
        } catch (error) {
          // The last of its checks: signatures, hash, length and version were right.
          if (error instanceof ExpiredMetadataError) return 'expired';
          throw error;
        }
      }),
  };
}

/** Runs one step of tuf-js and says with a code what it refused; `badVersion` is what a wrong version means there. */
function guarded<T>(name: string, badVersion: 'POLICY_ROLLED_BACK' | 'POLICY_INVALID', step: () => T): T {
  try {
    return step();
  } catch (cause) {
    if (cause instanceof CodedError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const refuse = (code: 'POLICY_EXPIRED' | 'POLICY_SIGNATURES' | 'POLICY_ROLLED_BACK' | 'POLICY_INVALID') =>
      new CodedError(code, `${name} is refused: ${reason}`, { cause, details: { name } });

    if (cause instanceof ExpiredMetadataError) throw refuse('POLICY_EXPIRED');
    if (cause instanceof UnsignedMetadataError) throw refuse('POLICY_SIGNATURES');
    // BadVersionError, or a role that the accepted snapshot names and the new one does not.
    if (cause instanceof RepositoryError) throw refuse(badVersion);
    throw refuse('POLICY_INVALID');
  }
}
