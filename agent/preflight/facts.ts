// What a preflight looks at, as it was found. Types only.
import type { Code } from '@selvage/shared/errors/codes.ts';

export interface Facts {
  readonly platform: string;
  /** As Node calls it: `x64`. */
  readonly arch: string;
  /** Release string of the running kernel: `6.1.0-30-amd64`. */
  readonly kernel: string;
  /** Null for another C library than glibc. */
  readonly glibc: string | null;
  readonly disks: readonly DiskFacts[];
  readonly user: UserFacts;
  /** Names of the package managers that are there. */
  readonly managers: readonly string[];
  /** Names of other updaters that are on; null when they could not be looked for. */
  readonly updaters: readonly string[] | null;
  readonly systemd: boolean;
  readonly collector: Reach;
}

/** The folders that lie on one file system. */
export interface DiskFacts {
  readonly folders: readonly { readonly path: string; readonly kind: 'state' | 'runner' }[];
  /** Null: it could not be asked. */
  readonly free: { readonly bytes: number; readonly inodes: number | null } | null;
}

export interface UserFacts {
  readonly name: string;
  /** Why its processes could not be this user's; null when they could. */
  readonly problem: string | null;
  /** Started by somebody else than root, it can be nobody else. */
  readonly asked: boolean;
}

/** What the way to the collector is like. */
export type Reach =
  | { readonly state: 'not asked' }
  | {
      readonly state: 'reached';
      readonly url: string;
      /** `host:port` of the proxy on the way. */
      readonly proxy: string | null;
      readonly ms: number;
      /** It proved that it is the one under the pin; false: no pin was given. */
      readonly proven: boolean;
      readonly skewMs: number | null;
    }
  | {
      readonly state: 'failed';
      readonly url: string;
      readonly proxy: string | null;
      readonly code: Code;
      readonly says: string;
      readonly next: string;
      readonly skewMs: number | null;
    };

export interface Check {
  readonly name:
    | 'platform'
    | 'libc'
    | 'kernel'
    | 'disk'
    | 'user'
    | 'clock'
    | 'collector'
    | 'packages'
    | 'updaters'
    | 'service manager';
  /** `note`: worth knowing, in the way of nothing. */
  readonly state: 'ok' | 'failed' | 'note' | 'not asked';
  readonly says: string;
  /** Of a failed one. */
  readonly code?: Code;
  readonly next?: string;
}
