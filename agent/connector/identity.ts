// The host's identity as it lies on disk: its key, its certificate, the authorities it trusts, where it enrolled, and the
// next key and certificate while a renewal is under way. Loaded whole and checked, or not at all: a key and a certificate
// that do not belong together are never handed out, also while ./identity-source.ts moves them. It writes nothing; an
// expired certificate is a state, not an error.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, readBounded } from '@selvage/shared/files/durable.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { eachCertificate, hostIdOf, onlyCertificate } from '@selvage/shared/pki/certificate.ts';
import { voucherOf } from './authorities.ts';

/** Bytes of any file of the folder; the largest, a certificate, has about 1 KiB. */
const MAX_FILE_BYTES = 16 * 1024;
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;
/** Share of its life after which a certificate should be renewed. */
const RENEW_AFTER = 2 / 3;
/** How often a pair is read again that somebody may be moving just now: two renames, so the second read is whole. */
const READS = 3;

/** A private key and the certificate for it, PEM each. */
export interface KeyPair {
  readonly key: string;
  readonly certificate: string;
  readonly notBefore: Temporal.Instant;
  readonly notAfter: Temporal.Instant;
}

export interface Identity extends KeyPair {
  readonly hostId: HostId;
  readonly name: string;
  /** Address as it was given at enrollment. */
  readonly collector: string;
  readonly pin: string;
  /** PEM each: all that are trusted, oldest first. */
  readonly authorities: readonly string[];
  /** What a renewal brought and no connection has proven yet. */
  readonly next: KeyPair | null;
  /** True where a crash has left the present certificate under its next name. */
  readonly halfMoved: boolean;
}

export type IdentityState = 'valid' | 'ending' | 'expired' | 'not-yet-valid';

/** Names inside the identity folder. `enrollment` is written last: where it is, the rest is. */
export const IDENTITY_FILES = {
  key: 'host.key',
  certificate: 'host.crt',
  nextKey: 'next.key',
  nextCertificate: 'next.crt',
  authority: 'authority.crt',
  enrollment: 'enrollment.json',
} as const;

/** RFC 9562 section 4, as the collector makes host ids. */
const HOST_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** What enrollment wrote down. */
type Enrollment = Pick<Identity, 'hostId' | 'name' | 'collector' | 'pin'>;

/**
 * The identity in the folder `dir`. Throws NOT_ENROLLED when there is none, FILE_UNSAFE when others may read the key or
 * write the folder, FILE_CORRUPT when a part is missing or broken, CERTIFICATE_INVALID when the parts do not belong together.
 */
export async function loadIdentity(dir: string): Promise<Identity> {
  const enrollment = await readBounded(join(dir, IDENTITY_FILES.enrollment), MAX_FILE_BYTES);
  if (!enrollment) throw new CodedError('NOT_ENROLLED', `there is no identity in ${dir}`);

  await refuseOpenFolder(dir);
  const facts = decodeEnrollment(enrollment, join(dir, IDENTITY_FILES.enrollment));
  const authorities = eachCertificate(await readPart(dir, 'authority'));
  const pairs = await readPairs(dir, { authorities, hostId: facts.hostId });

  return { ...facts, authorities, ...pairs.present, next: pairs.next, halfMoved: pairs.halfMoved };
}

/**
 * The present pair and the next one. Where the present key fits the next certificate, a promotion was cut off half-way:
 * these two are the present pair then.
 */
async function readPairs(
  dir: string,
  whose: Whose,
): Promise<{ readonly present: KeyPair } & Pick<Identity, 'next' | 'halfMoved'>> {
  for (let read = 1; ; read++) {
    const key = await loadKey(join(dir, IDENTITY_FILES.key));
    if (key === null) throw new CodedError('FILE_CORRUPT', `${join(dir, IDENTITY_FILES.key)} is missing`);
    const certificate = await readPart(dir, 'certificate');
    const nextCertificate = await readText(join(dir, IDENTITY_FILES.nextCertificate));

    try {
      return {
        present: { key, certificate, ...checkParts({ key, certificate, ...whose }) },
        next: nextCertificate === null ? null : await nextPair(dir, nextCertificate, whose),
        halfMoved: false,
      };
    } catch (error) {
      const moved = nextCertificate === null ? null : usable({ key, certificate: nextCertificate }, whose);
      if (moved) return { present: moved, next: null, halfMoved: true };
      if (!hasCode(error, 'CERTIFICATE_INVALID') || read === READS) throw error;
    }
  }
}

/** Null for a next pair that is of no use, whatever is wrong with it: the present one must work without it. */
async function nextPair(dir: string, certificate: string, whose: Whose): Promise<KeyPair | null> {
  try {
    const key = await loadKey(join(dir, IDENTITY_FILES.nextKey));

    return key === null ? null : usable({ key, certificate }, whose);
  } catch (error) {
    if (hasCode(error)) return null;
    throw error;
  }
}

function usable(pair: { readonly key: string; readonly certificate: string }, whose: Whose): KeyPair | null {
  try {
    return { ...pair, ...checkParts({ ...pair, ...whose }) };
  } catch (error) {
    if (hasCode(error)) return null;
    throw error;
  }
}

/** What `identity` is good for at `now`. An expired host reports nothing new and installs nothing; it is never removed. */
export function identityState({ notBefore, notAfter }: KeyPair, now: Temporal.Instant): IdentityState {
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

interface Whose {
  readonly authorities: readonly string[];
  readonly hostId: HostId;
}

/**
 * Validity of a certificate that belongs to the key, was issued by one of the authorities and names exactly that host.
 * Throws CERTIFICATE_INVALID otherwise, FILE_CORRUPT for a key that cannot be read.
 */
export function checkParts(parts: Whose & { readonly key: string; readonly certificate: string }): {
  readonly notBefore: Temporal.Instant;
  readonly notAfter: Temporal.Instant;
} {
  const certificate = new X509Certificate(onlyCertificate(parts.certificate));
  if (!belongs(certificate, parts.key)) throw invalid('is for another key');
  if (voucherOf(certificate, parts.authorities) === null) throw invalid('was issued by no authority that it trusts');
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
  const text = await readText(path);
  if (text === null) throw new CodedError('FILE_CORRUPT', `${path} is missing`);

  return text;
}

async function readText(path: string): Promise<string | null> {
  const bytes = await readBounded(path, MAX_FILE_BYTES);

  return bytes && Buffer.from(bytes).toString('utf8');
}

/** By hand: a schema library would stay in the memory of a resident agent for this one file. */
function decodeEnrollment(bytes: Uint8Array, path: string): Enrollment {
  const corrupt = (cause?: unknown) =>
    new CodedError('FILE_CORRUPT', `${path} does not say where this host is enrolled`, { cause });
  let value: unknown;

  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw corrupt(error);
  }
  if (typeof value !== 'object' || value === null) throw corrupt();
  const { hostId, name, collector, pin, ...more } = value as Readonly<Record<string, unknown>>;
  if (typeof hostId !== 'string' || !HOST_ID.test(hostId) || Object.keys(more).length > 0) throw corrupt();
  if (!isText(name) || !isText(collector) || !isText(pin)) throw corrupt();

  return { hostId: hostId as HostId, name, collector, pin };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

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
