// Branded identifiers: a host id is never passed where a run id is meant. Nothing here makes one; see the adapters.

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** UUID given by the collector at enrollment; the only name of a host that is trusted (it is in the certificate). */
export type HostId = Branded<'HostId'>;
/** Lower-case hex SHA-256. */
export type Sha256 = Branded<'Sha256'>;
/** RFC 3339 instant in UTC, as written by Temporal.Instant.toString(). */
export type Timestamp = Branded<'Timestamp'>;

/** What a host may be used for; decided in the host's own settings, never widened from outside. */
export const MODES = ['observe', 'advise', 'ask-on-site', 'managed'] as const;
export type Mode = (typeof MODES)[number];
