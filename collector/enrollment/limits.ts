// Every limit of enrollment, with unit and reason.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Host certificates are short: a stolen one that nobody noticed dies by itself. */
export const HOST_CERTIFICATE_MS = 30 * DAY_MS;
export const ADMIN_CERTIFICATE_MS = 365 * DAY_MS;
/** Share of its life after which a certificate is renewed; the rest is time for whatever goes wrong meanwhile. */
export const RENEW_AFTER = 2 / 3;
/** Renewals of one host: so many at once, then one in such a time. Each is a signature and an entry in the ledger. */
export const RENEWAL_BURST = 5;
export const RENEWAL_EVERY_MS = 20 * MINUTE_MS;
/** How long the door stays open that an admin opened for a host. */
export const READMIT_MS = DAY_MS;
/** Made anew at every start of the collector, and in one that runs for long after RENEW_AFTER of it. */
export const SERVER_CERTIFICATE_MS = 365 * DAY_MS;
/** An authority outlives most machines that pinned it; before its end it is replaced with: selvage authority begin. */
export const AUTHORITY_MS = 20 * 365 * DAY_MS;
/** Certificates start in the past: a host whose clock is a little behind must not find its own not yet valid. */
export const BACKDATED_MS = 10 * MINUTE_MS;

/** Hosts that one token may bring; a fleet comes in parts. */
export const MAX_TOKEN_USES = 10_000;
/** Networks of one token: both families of some sites. */
export const MAX_TOKEN_NETWORKS = 8;
/** A pending host that nobody accepts is retired after so long: names and places are not kept for strangers. */
export const PENDING_MS = 7 * DAY_MS;
/** How often the collector looks for such hosts. */
export const PENDING_SWEEP_MS = HOUR_MS;
/** Hosts changed in one transaction: a ledger entry each, some 10 ms together. */
export const BATCH_HOSTS = 50;
/** Characters. */
export const MAX_OWNER = 128;
export const MAX_REASON = 1024;
export const MIN_TOKEN_MS = MINUTE_MS;
export const MAX_TOKEN_MS = 30 * DAY_MS;
/** How long the key that redeemed a token may ask again, because its answer was lost on the way. */
export const ASK_AGAIN_MS = HOUR_MS;

/** Bytes of a request: token, two keys and a CSR together are about 2 KiB. */
export const MAX_BODY_BYTES = 16 * 1024;
/** Milliseconds for a body to arrive; enrollment is one small packet. */
export const BODY_DEADLINE_MS = 10_000;
/** Milliseconds an answered sender of too much may go on sending into the void, so that it can read the answer. */
export const LINGER_MS = 1_000;
/** Enrollments worked on at once: each costs a signature and a place in the queue of the one writer. */
export const MAX_CONCURRENT = 32;
/** Enrollments that wait for a place, each with its body of at most 16 KiB: turned away, they would shake hands once more. */
export const MAX_WAITING = 1024;
/** Enrollments begun in one turn of the event loop, some 3 ms of work each. */
export const PER_TURN = 2;
export const RETRY_AFTER_SECONDS = 5;
