// Which authorities a host trusts, and how that changes without a person: a new one only when one that is trusted signed
// for it, an old one goes only when both sides can do without it. Decides; writes nothing.
import { X509Certificate } from 'node:crypto';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { fingerprint, onlyCertificate } from '@selvage/shared/pki/certificate.ts';
import { verifyEndorsement } from '@selvage/shared/pki/endorsement.ts';
import { type EndorsedAuthority, MAX_AUTHORITIES } from '@selvage/shared/wire/wire.ts';

/** The authority (PEM) of `authorities` that issued the certificate with its own key, null for none. Dates do not count. */
export function voucherOf(certificate: X509Certificate, authorities: readonly string[]): string | null {
  for (const pem of authorities) {
    const authority = new X509Certificate(onlyCertificate(pem));
    if (authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey)) return pem;
  }

  return null;
}

/**
 * What to trust from now on, PEM each, in the collector's order. `vouched` are certificates that must not lose who vouches
 * for them (the collector's, this host's): while one of them still needs what is no longer named, all of that stays, first
 * in the list. Throws AUTHORITY_UNKNOWN, and then nothing is to change: for one that is neither trusted nor endorsed by
 * a trusted one, that is no authority, and for more than MAX_AUTHORITIES.
 */
export function nextAuthorities(given: {
  readonly trusted: readonly string[];
  readonly named: readonly EndorsedAuthority[];
  readonly vouched: readonly X509Certificate[];
}): readonly string[] {
  const { trusted, named, vouched } = given;
  if (named.length === 0) throw unknown('the collector named no authority at all');
  const accepted = acceptedOf(trusted, named);
  const next = named.map(({ certificate }) => certificate);
  if (new Set(next.map(fingerprint)).size !== next.length) throw unknown('the collector named an authority twice');
  const missing = named.find(({ certificate }) => !accepted.has(fingerprint(certificate)));
  if (missing) {
    throw unknown(`nobody that this host trusts endorses the authority ${fingerprint(missing.certificate)}`);
  }

  const kept = trusted.filter((pem) => !next.some((other) => fingerprint(other) === fingerprint(pem)));
  // All or nothing: as long as one side still needs what is no longer named, nothing goes.
  const all = vouched.every((certificate) => voucherOf(certificate, next) !== null) ? next : [...kept, ...next];
  if (all.length > MAX_AUTHORITIES) throw unknown(`${all.length} authorities, at most ${MAX_AUTHORITIES} are trusted`);

  return all;
}

/** By fingerprint: those of `named` that are trusted already or endorsed, directly or through each other. */
function acceptedOf(trusted: readonly string[], named: readonly EndorsedAuthority[]): ReadonlySet<Sha256> {
  const accepted = new Map(trusted.map((pem) => [fingerprint(onlyCertificate(pem)), pem]));
  const open = named.filter(({ certificate }) => !accepted.has(fingerprint(authorityOf(certificate).raw)));

  for (let found = true; found; ) {
    found = false;
    for (const one of open) {
      const endorser = one.endorsedBy === null ? undefined : accepted.get(one.endorsedBy);
      const id = fingerprint(one.certificate);
      if (accepted.has(id) || endorser === undefined) continue;
      if (!verifyEndorsement({ endorser, certificate: one.certificate, endorsement: one.endorsement })) continue;
      accepted.set(id, one.certificate);
      found = true;
    }
  }

  return new Set(accepted.keys());
}

/** Throws AUTHORITY_UNKNOWN for what is not exactly one certificate of an authority that signed for itself. */
function authorityOf(pem: string): X509Certificate {
  let certificate: X509Certificate;

  try {
    certificate = new X509Certificate(onlyCertificate(pem));
  } catch (error) {
    throw unknown('the collector named an authority that is no certificate', error);
  }
  if (!certificate.ca || !certificate.checkIssued(certificate) || !certificate.verify(certificate.publicKey)) {
    throw unknown(`the certificate ${fingerprint(certificate.raw)} is not one of an authority`);
  }

  return certificate;
}

function unknown(why: string, cause?: unknown): CodedError {
  return new CodedError('AUTHORITY_UNKNOWN', why, { cause });
}
