// The host's identity as it lies on disk: its key, its certificate, the authority it trusts, and where it enrolled.
// Loaded whole and checked, or not at all. It writes nothing; an expired certificate is a state, not an error.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, readBounded } from '@selvage/shared/files/durable.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { fingerprint, hostIdOf, onlyCertificate } from '@selvage/shared/pki/certificate.ts';
import { z } from 'zod';

/** Bytes of any file of the folder; the largest, a certificate, has about 1 KiB. */
const MAX_FILE_BYTES = 16 * 1024;
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;
/** Share of its life after which a certificate should be renewed. */
const RENEW_AFTER = 2 / 3;

export interface Identity {
  readonly hostId: HostId;
  readonly name: string;
  /** Address as it was given at enrollment. */
  readonly collector: string;
  readonly pin: string;
  /** PEM each: the private key, the host's certificate, the only authority that is trusted. */
  readonly key: string;
  readonly certificate: string;
  readonly authority: string;
  readonly notBefore: Temporal.Instant;
  readonly notAfter: Temporal.Instant;
}

export type IdentityState = 'valid' | 'ending' | 'expired' | 'not-yet-valid';

/** Names inside the identity folder. `enrollment` is written last: where it is, the rest is. */
export const IDENTITY_FILES = {
  key: 'host.key',
  certificate: 'host.crt',
  authority: 'authority.crt',
  enrollment: 'enrollment.json',
} as const;

const enrollmentFile = z.strictObject({
  hostId: z.uuid().transform((id) => id as HostId),
  name: z.string().min(1),
  collector: z.string().min(1),
  pin: z.string().min(1),
});

/**
 * The identity in the folder `dir`. Throws NOT_ENROLLED when there is none, FILE_UNSAFE when others may read the key or
 * write the folder, FILE_CORRUPT when a part is missing or broken, CERTIFICATE_INVALID when the parts do not belong together.
 */
export async function loadIdentity(dir: string): Promise<Identity> {
  const enrollment = await readBounded(join(dir, IDENTITY_FILES.enrollment), MAX_FILE_BYTES);
  if (!enrollment) throw new CodedError('NOT_ENROLLED', `there is no identity in ${dir}`);

  await refuseOpenFolder(dir);
  const key = await loadKey(join(dir, IDENTITY_FILES.key));
  if (key === null) throw new CodedError('FILE_CORRUPT', `${join(dir, IDENTITY_FILES.key)} is missing`);

  const facts = decodeEnrollment(enrollment, join(dir, IDENTITY_FILES.enrollment));
  const certificate = await readPart(dir, 'certificate');
  const authority = await readPart(dir, 'authority');
  const validity = checkParts({ key, certificate, authority, hostId: facts.hostId });

  return { ...facts, key, certificate, authority, ...validity };
}

/** What `identity` is good for at `now`. An expired host reports nothing new and installs nothing; it is never removed. */
export function identityState({ notBefore, notAfter }: Identity, now: Temporal.Instant): IdentityState {
  if (Temporal.Instant.compare(now, notBefore) < 0) return 'not-yet-valid';
  if (Temporal.Instant.compare(now, notAfter) >= 0) return 'expired';

  const life = notAfter.epochMilliseconds - notBefore.epochMilliseconds;

  return now.epochMilliseconds - notBefore.epochMilliseconds < life * RENEW_AFTER ? 'valid' : 'ending';
}

/** A private key file, null when there is none. Throws FILE_UNSAFE when anybody else may read or write it. */
export async function loadKey(path: string): Promise<string | null> {
  const bytes = await readBounded(path, MAX_FILE_BYTES);
  if (!bytes) return null;

  await refuseMode(path, OTHERS, 'may be read or written by others');

  return Buffer.from(bytes).toString('utf8');
}

/** Throws FILE_UNSAFE when anybody else may write into the folder. */
export async function refuseOpenFolder(path: string): Promise<void> {
  await refuseMode(path, OTHERS_WRITE, 'may be written by others');
}

/**
 * Validity of a certificate that belongs to the key, was issued by the authority and names exactly that host. Throws
 * CERTIFICATE_INVALID otherwise.
 */
export function checkParts(parts: {
  readonly key: string;
  readonly certificate: string;
  readonly authority: string;
  readonly hostId: HostId;
}): { readonly notBefore: Temporal.Instant; readonly notAfter: Temporal.Instant } {
  const certificate = new X509Certificate(onlyCertificate(parts.certificate));
  const authority = new X509Certificate(onlyCertificate(parts.authority));
  if (!belongs(certificate, parts.key)) throw invalid('is for another key');
  if (!certificate.checkIssued(authority) || !certificate.verify(authority.publicKey)) {
    throw invalid(`was not issued by the authority ${fingerprint(authority.raw)}`);
  }
  if (hostIdOf(certificate) !== parts.hostId) throw invalid(`does not name the host ${parts.hostId}`);

  return { notBefore: instant(certificate.validFromDate), notAfter: instant(certificate.validToDate) };
}

function belongs(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch (error) {
    throw new CodedError('FILE_CORRUPT', 'the key of this host cannot be read', { cause: error });
  }
}

async function readPart(dir: string, part: 'certificate' | 'authority'): Promise<string> {
  const path = join(dir, IDENTITY_FILES[part]);
  const bytes = await readBounded(path, MAX_FILE_BYTES);
  if (!bytes) throw new CodedError('FILE_CORRUPT', `${path} is missing`);

  return Buffer.from(bytes).toString('utf8');
}

function decodeEnrollment(bytes: Uint8Array, path: string): z.output<typeof enrollmentFile> {
  try {
    return enrollmentFile.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  } catch (error) {
    throw new CodedError('FILE_CORRUPT', `${path} does not say where this host is enrolled`, { cause: error });
  }
}

async function refuseMode(path: string, forbidden: number, why: string): Promise<void> {
  let mode: number;

  try {
    ({ mode } = await lstat(path));
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
    throw new CodedError('FILE_CORRUPT', `${path} is missing`, { cause: error });
  }
  if ((mode & forbidden) === 0) return;

  throw new CodedError('FILE_UNSAFE', `${path} ${why} (mode ${(mode & 0o777).toString(8)})`, {
    next: 'find out who had access; if in doubt, revoke this host and enroll it again',
  });
}

function instant(date: Date): Temporal.Instant {
  return Temporal.Instant.fromEpochMilliseconds(date.getTime());
}

function invalid(why: string): CodedError {
  return new CodedError('CERTIFICATE_INVALID', `the certificate of this host ${why}`);
}
