// The identity over the years: what to prove oneself with now, and how the next key and certificate come in.
//
// INVARIANTS, whatever step a crash follows: there is always one whole pair on disk that the collector takes; the present
// pair goes only when the next one has been welcomed; the next key is on disk before anybody is asked to certify it.
//   next.key ─► (asked) ─► next.crt ─► (welcomed) ─► next.key becomes host.key ─► next.crt becomes host.crt
import { X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { removeDurable, renameDurable, writeDurable } from '@selvage/shared/files/durable.ts';
import { onlyCertificate } from '@selvage/shared/pki/certificate.ts';
import { generateKey, publicKeyOf } from '@selvage/shared/pki/keys.ts';
import { createRequest } from '@selvage/shared/pki/request.ts';
import type { EndorsedAuthority } from '@selvage/shared/wire/wire.ts';
import { nextAuthorities } from './authorities.ts';
import { checkParts, IDENTITY_FILES, type Identity, type KeyPair, loadIdentity, loadKey } from './identity.ts';
import { serial } from './serial.ts';

const PRIVATE_FILE = 0o600;
const PUBLIC_FILE = 0o644;
/** id-kp-clientAuth (RFC 5280 section 4.2.1.12). */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';

/** What one connection is opened with. */
export interface Credentials extends KeyPair {
  /** PEM each: all that are trusted. */
  readonly authorities: readonly string[];
  /** True for what a renewal brought and no connection has proven yet. */
  readonly isNext: boolean;
}

export interface IdentitySource {
  /** Read from disk each time: the next pair where there is one, else the present one. Throws as loadIdentity. */
  load(): Promise<Credentials>;
  /** The collector took them: a next pair becomes the present one. */
  welcomed(used: Credentials): Promise<void>;
  /** The collector refused a next pair that it never took: it is dropped. */
  dropNext(used: Credentials): Promise<void>;
  /** The collector refused the key of the request for good: the next request is for another. */
  dropRequest(): Promise<void>;
  /** A request (PKCS #10, PEM) for the next key, which stays the same until its certificate is here. */
  request(): Promise<string>;
  /**
   * Keeps the answer to it. `now` is the collector's time. Throws CERTIFICATE_INVALID for one that is not for that key and
   * this host, not for clients, not issued by an authority that is trusted, or over already.
   */
  keep(certificate: string, now: Temporal.Instant): Promise<KeyPair>;
  /** Follows the collector's authorities; the new list, or null when it stays. Throws AUTHORITY_UNKNOWN. */
  trust(named: readonly EndorsedAuthority[], server: X509Certificate): Promise<readonly string[] | null>;
}

/** The steps that change the disk, each whole or not done at all after a power cut. */
export interface IdentityDisk {
  write(path: string, text: string, mode: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
}

const durableDisk: IdentityDisk = {
  write: (path, text, mode) => writeDurable(path, text, { mode }),
  rename: renameDurable,
  remove: removeDurable,
};

export function openIdentitySource(dir: string, disk: IdentityDisk = durableDisk): IdentitySource {
  const path = (file: keyof typeof IDENTITY_FILES) => join(dir, IDENTITY_FILES[file]);
  const inTurn = serial();

  const promote = async (next: KeyPair) => {
    const { next: stored } = await loadIdentity(dir);
    if (stored?.certificate !== next.certificate) return;
    await disk.rename(path('nextKey'), path('key'));
    await disk.rename(path('nextCertificate'), path('certificate'));
  };
  const drop = async () => {
    await disk.remove(path('nextCertificate'));
    await disk.remove(path('nextKey'));
  };
  /** Ends what a crash left half-way. */
  const settle = async (): Promise<Identity> => {
    const identity = await loadIdentity(dir);
    if (identity.halfMoved) await disk.rename(path('nextCertificate'), path('certificate'));
    else if (identity.next === null) await disk.remove(path('nextCertificate'));
    await removeTemporary(dir, disk);

    return identity;
  };

  return {
    load: () =>
      inTurn(async () => {
        const { next, authorities, key, certificate, notBefore, notAfter } = await settle();

        return { ...(next ?? { key, certificate, notBefore, notAfter }), authorities, isNext: next !== null };
      }),
    welcomed: (used) => inTurn(async () => (used.isNext ? promote(used) : undefined)),
    dropNext: (used) => inTurn(async () => (used.isNext ? drop() : undefined)),
    dropRequest: () =>
      inTurn(async () => {
        const { next } = await settle();
        if (next === null) await disk.remove(path('nextKey'));
      }),
    request: () =>
      inTurn(async () => {
        const { name, next } = await settle();
        // It must be proven or dropped first: its key may be the only one that the collector still takes.
        if (next) throw new CodedError('STATE', 'a renewed certificate waits for its first connection');
        let key = await usableKey(path('nextKey'));
        if (key === null) {
          key = generateKey().privateKey;
          await disk.write(path('nextKey'), key, PRIVATE_FILE);
        }

        return createRequest({ commonName: name, privateKey: key });
      }),
    keep: (certificate, now) =>
      inTurn(async () => {
        const { authorities, hostId } = await loadIdentity(dir);
        const key = await loadKey(path('nextKey'));
        if (key === null) throw new CodedError('CERTIFICATE_INVALID', 'a certificate came that nobody asked for');
        const validity = checkParts({ key, certificate, authorities, hostId });
        const { keyUsage = [], ca } = new X509Certificate(onlyCertificate(certificate));
        if (ca || !keyUsage.includes(CLIENT_AUTH)) {
          throw new CodedError('CERTIFICATE_INVALID', 'the renewed certificate is not for a host');
        }
        if (Temporal.Instant.compare(validity.notAfter, now) <= 0) {
          throw new CodedError('CERTIFICATE_INVALID', `the renewed certificate ended at ${validity.notAfter}`);
        }
        await disk.write(path('nextCertificate'), certificate, PUBLIC_FILE);

        return { key, certificate, ...validity };
      }),
    trust: (named, server) =>
      inTurn(async () => {
        const { authorities, certificate, next } = await loadIdentity(dir);
        const own = [certificate, ...(next ? [next.certificate] : [])];
        const vouched = [server, ...own.map((pem) => new X509Certificate(onlyCertificate(pem)))];
        const changed = nextAuthorities({ trusted: authorities, named, vouched });
        const text = changed.join('');
        if (text === authorities.join('')) return null;
        await disk.write(path('authority'), text, PUBLIC_FILE);

        return changed;
      }),
  };
}

/** The next key of a request whose answer was lost; null for none, and for one that is damaged or lay open to others. */
async function usableKey(path: string): Promise<string | null> {
  try {
    const key = await loadKey(path);
    if (key !== null) publicKeyOf(key);

    return key;
  } catch (error) {
    if (hasCode(error)) return null;
    throw error;
  }
}

/** A write that was cut off leaves its temporary file, which may hold a key. */
async function removeTemporary(dir: string, disk: IdentityDisk): Promise<void> {
  const next = [IDENTITY_FILES.nextKey, IDENTITY_FILES.nextCertificate];
  const left = (await readdir(dir)).filter(
    (name) => name.endsWith('.tmp') && next.some((file) => name.startsWith(`.${file}.`)),
  );
  for (const name of left) await disk.remove(join(dir, name));
}
