// The collector's authorities and the certificates of its own two servers. One authority signs for hosts, one for admins:
// a certificate of one world is nothing in the other.

import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { type Authority, createAuthority, issue, SERIAL_BYTES, type Validity } from '@selvage/shared/pki/authority.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import type { Random } from '@selvage/shared/random.ts';
import { timestamp } from './context.ts';
import { AUTHORITY_MS, BACKDATED_MS, SERVER_CERTIFICATE_MS } from './limits.ts';

export interface Now {
  readonly now: Temporal.Instant;
  readonly random: Random;
}

/** A new authority, called `Selvage <name>`. */
export function makeAuthority(name: 'hosts' | 'admins', at: Now): Authority {
  return createAuthority({ name: `Selvage ${name}`, ...validFor(AUTHORITY_MS, at) });
}

/** A new key and certificate for a server that is reached under those host names and addresses. */
export function makeServerIdentity(
  authority: Authority,
  reachedAs: readonly string[],
  at: Now,
): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKey();
  const cert = issue({
    authority,
    publicKey,
    commonName: 'Selvage collector',
    alternativeNames: reachedAs.map((name) => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name.toLowerCase() })),
    usage: 'server',
    ...validFor(SERVER_CERTIFICATE_MS, at),
  });

  return { key: privateKey, cert };
}

/** From a little before now, with a new serial number. */
export function validFor(ms: number, { now, random }: Now): Validity {
  return {
    notBefore: now.subtract({ milliseconds: BACKDATED_MS }),
    notAfter: now.add({ milliseconds: ms }),
    serial: random.bytes(SERIAL_BYTES),
  };
}

/** End of a certificate, as it says itself: its authority may end sooner than was asked for. */
export function expiryOf(certificate: string): Timestamp {
  const { validToDate } = new X509Certificate(certificate);

  return timestamp(Temporal.Instant.fromEpochMilliseconds(validToDate.getTime()));
}
