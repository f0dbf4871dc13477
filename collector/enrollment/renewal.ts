// The next certificate of a host, for a new key, over a connection that one of its certificates opened. Both are taken
// until the new one has connected once (see collector/gateway/greeting.ts); a second request replaces the first.
//
// INVARIANTS: what the certificate says is the collector's word; of the request only the key is used. A stolen
// certificate costs at most a few signatures an hour, and what it gets is in the ledger.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { HostId, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { type Authority, issue } from '@selvage/shared/pki/authority.ts';
import { fingerprint, hostUri } from '@selvage/shared/pki/certificate.ts';
import { readRequest } from '@selvage/shared/pki/csr.ts';
import { keyHash } from '@selvage/shared/pki/keys.ts';
import type { HostRecord, NextCertificate, Writers } from '../store/ports.ts';
import { expiryOf, validFor } from './authorities.ts';
import { type Context, timestamp } from './context.ts';
import { HOST_CERTIFICATE_MS, RENEWAL_EVERY_MS } from './limits.ts';

export interface RenewalRequest {
  readonly host: HostId;
  /** PEM of a PKCS #10 request over a key that nobody has a certificate for. */
  readonly csr: string;
  /** The certificate that opened the connection, and the hash of its key. */
  readonly certificate: Sha256;
  readonly key: Sha256;
  readonly address: string;
}

/** An answer that has used up a third of its life is not given again. */
const STILL_FRESH = 2 / 3;

/**
 * The next certificate of the host, PEM; the same one for the same key. Throws RATE_LIMITED (details.retryAfterMs),
 * CSR_INVALID (also for a key that has or had a certificate here), HOST_REVOKED, HOST_QUARANTINED or
 * CERTIFICATE_SUPERSEDED when the connection's certificate has been replaced since.
 */
export async function renewHost(context: Context, request: RenewalRequest): Promise<string> {
  const { clock, renewals, store } = context;
  const wait = renewals.take(request.host);
  if (wait > 0) {
    throw new CodedError('RATE_LIMITED', 'this host has asked for too many certificates', {
      details: { retryAfterMs: wait },
    });
  }
  const { publicKey } = readRequest(request.csr);
  const key = keyHash(publicKey);
  const now = clock.now();

  return store.transaction(async (writers) => {
    const host = await entitled(writers, request, now);
    await refuseKnownKey(writers, host, key, request.key);
    const authority = authorityFor(context, host);
    if (isNeedless(host, authority, now)) {
      throw new CodedError('RATE_LIMITED', `${host.name} is pending, and its certificate is new`, {
        details: { retryAfterMs: RENEWAL_EVERY_MS },
      });
    }
    const { next } = host;
    if (next?.key === key && next.authority === fingerprint(authority.certificate) && isFresh(next, now)) {
      return next.pem;
    }

    const pem = certify(context, authority, host.id, publicKey, now);
    const offered: NextCertificate = {
      ...{ certificate: fingerprint(pem), expires: expiryOf(pem), key, pem },
      authority: fingerprint(authority.certificate),
    };
    await writers.hosts.offer(host.id, offered);
    const { pem: _pem, ...facts } = offered;
    await writers.audit.append({
      ...{ at: timestamp(now), actor: `host:${host.id}`, action: 'host.renewed', subject: `host:${host.id}` },
      details: {
        ...{ name: host.name, ...facts, present: request.certificate, replaced: next?.certificate ?? null },
        address: request.address,
      },
    });

    return pem;
  });
}

/** A certificate for a host; every field is the collector's word. */
export function certify(
  { random }: Pick<Context, 'random'>,
  authority: Authority,
  hostId: HostId,
  publicKey: string,
  now: Temporal.Instant,
): string {
  return issue({
    ...{ authority, publicKey },
    // The id, not the name: a name is what people call a host today, and may hold whatever they typed.
    commonName: hostId,
    alternativeNames: [{ type: 'uri', value: hostUri(hostId) }],
    usage: 'client',
    ...validFor(HOST_CERTIFICATE_MS, { now, random }),
  });
}

async function entitled(writers: Writers, request: RenewalRequest, now: Temporal.Instant): Promise<HostRecord> {
  const host = await writers.hosts.byId(request.host);
  if (host?.state !== 'active') throw new CodedError('HOST_REVOKED', `host ${request.host} is revoked`);
  if (host.quarantine) throw new CodedError('HOST_QUARANTINED', `host ${host.name} is quarantined`);

  const known = request.certificate === host.certificate || request.certificate === host.next?.certificate;
  if (known || isBefore(now, host.readmit?.until ?? null)) return host;
  throw new CodedError('CERTIFICATE_SUPERSEDED', `host ${host.name} has another certificate now`);
}

/** A renewal is a new key: else whoever has a copy of the old one would be renewed with it. */
async function refuseKnownKey(writers: Writers, host: HostRecord, key: Sha256, presented: Sha256): Promise<void> {
  if (key === presented || key === host.key) {
    throw new CodedError('CSR_INVALID', 'the request is over the key that the host has already', {
      next: 'make a new key for each renewal',
    });
  }
  if (key === keyHash(host.runnerKey)) {
    throw new CodedError('CSR_INVALID', 'the request is over the key of the runner: neither would be apart');
  }
  const other = await writers.hosts.byKey(key);
  if (other && other.id !== host.id) {
    throw new CodedError('CSR_INVALID', 'the request is over the key of another host', {
      details: { host: host.id, other: other.id },
    });
  }
}

/** The newest authority, as soon as the host has said that it trusts it. */
function authorityFor({ hosts, newest }: Context, host: HostRecord): Authority {
  const candidate = newest?.() ?? hosts;

  return host.authorities.includes(fingerprint(candidate.certificate)) ? candidate : hosts;
}

/** A pending host waits for days and its certificate lasts for weeks: each renewal would be an entry in the ledger for nothing. */
function isNeedless(host: HostRecord, { certificate }: Authority, now: Temporal.Instant): boolean {
  const isPending = host.acceptedAt === null && host.readmit === null;

  return isPending && host.authority === fingerprint(certificate) && isFresh({ expires: host.certificateExpires }, now);
}

function isFresh({ expires }: Pick<NextCertificate, 'expires'>, now: Temporal.Instant): boolean {
  const left = Temporal.Instant.from(expires).epochMilliseconds - now.epochMilliseconds;

  return left > HOST_CERTIFICATE_MS * STILL_FRESH;
}

function isBefore(now: Temporal.Instant, until: Timestamp | null): boolean {
  return until !== null && Temporal.Instant.compare(now, Temporal.Instant.from(until)) < 0;
}
