// ECDSA P-256 keys and signatures by node:crypto: made, checked and used here, never written to a disk here.
// The only curve is P-256 and the only digest SHA-256; anything else is refused.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { CodedError } from '../errors/coded-error.ts';
import { sha256 } from '../files/canonical.ts';
import type { Sha256 } from '../model/ids.ts';

/** OpenSSL's name of P-256 (secp256r1 of RFC 5480 section 2.1.1.1). */
const CURVE = 'prime256v1';
/** RFC 5480 section 2: id-ecPublicKey, secp256r1, a BIT STRING of 66 bytes that starts an uncompressed point. */
const SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d03010703420004', 'hex');
const SPKI_BYTES = SPKI_PREFIX.length + 64;
/** A P-256 key in PEM has under 300 characters; more is no such key. */
const MAX_PEM_CHARACTERS = 1024;

export interface KeyPair {
  /** PKCS #8 PEM. */
  readonly privateKey: string;
  /** SPKI PEM. */
  readonly publicKey: string;
}

/** A new P-256 key pair from the system's randomness. */
export function generateKey(): KeyPair {
  return generateKeyPairSync('ec', {
    namedCurve: CURVE,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}

/** SPKI PEM of a private key. Throws KEY_UNUSABLE unless it is a P-256 key. */
export function publicKeyOf(privateKeyPem: string): string {
  return exportPem(createPublicKey(privateKey(privateKeyPem)));
}

/** ECDSA signature over SHA-256 of `bytes`, as DER (RFC 3279 section 2.2.3). Throws KEY_UNUSABLE. */
export function signBytes(bytes: Uint8Array, privateKeyPem: string): Uint8Array {
  return new Uint8Array(sign('sha256', bytes, privateKey(privateKeyPem)));
}

/** True when the DER `signature` over `bytes` was made by that key; a mangled signature is false. Throws KEY_UNUSABLE. */
export function verifyBytes(bytes: Uint8Array, signature: Uint8Array, publicKeyPem: string): boolean {
  return verify('sha256', bytes, importPublicKey(publicKeyPem), signature);
}

/** SHA-256 over the DER of the SPKI: one name per key, whatever the PEM looks like. Throws KEY_UNUSABLE. */
export function keyHash(publicKeyPem: string): Sha256 {
  return sha256(exportDer(importPublicKey(publicKeyPem)));
}

/** The same key as this module writes it. Throws KEY_UNUSABLE unless it is a P-256 public key in SPKI PEM. */
export function normalPublicKey(publicKeyPem: string): string {
  return exportPem(importPublicKey(publicKeyPem));
}

/**
 * SPKI PEM of a key that came from outside as DER. Only the one uncompressed encoding is taken (RFC 5480 section 2.2),
 * so that equal keys have equal hashes. Throws KEY_UNUSABLE, also for a point that is not on the curve.
 */
export function publicKeyFromDer(der: Uint8Array): string {
  if (der.length !== SPKI_BYTES || !SPKI_PREFIX.equals(der.subarray(0, SPKI_PREFIX.length))) {
    throw new CodedError('KEY_UNUSABLE', 'the public key is not an uncompressed P-256 key');
  }

  return exportPem(imported(() => createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' })));
}

/** DER of the SPKI. Throws KEY_UNUSABLE. */
export function publicKeyToDer(publicKeyPem: string): Uint8Array {
  return exportDer(importPublicKey(publicKeyPem));
}

function privateKey(pem: string): KeyObject {
  return imported(() => createPrivateKey({ key: bounded(pem), format: 'pem' }));
}

function importPublicKey(pem: string): KeyObject {
  // createPublicKey would also take a private key or a certificate and derive the public key from it.
  if (!pem.startsWith('-----BEGIN PUBLIC KEY-----')) {
    throw new CodedError('KEY_UNUSABLE', 'the public key is not a PEM block PUBLIC KEY');
  }

  return imported(() => createPublicKey({ key: bounded(pem), format: 'pem' }));
}

function bounded(pem: string): string {
  if (pem.length > MAX_PEM_CHARACTERS) {
    throw new CodedError('KEY_UNUSABLE', `a key of ${pem.length} characters is no P-256 key`);
  }

  return pem;
}

function imported(load: () => KeyObject): KeyObject {
  let key: KeyObject;

  try {
    key = load();
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw new CodedError('KEY_UNUSABLE', 'the key cannot be read', { cause: error });
  }
  if (key.asymmetricKeyType !== 'ec' || key.asymmetricKeyDetails?.namedCurve !== CURVE) {
    throw new CodedError('KEY_UNUSABLE', `the key is ${key.asymmetricKeyType ?? 'unknown'}, not ECDSA P-256`);
  }

  return key;
}

function exportPem(key: KeyObject): string {
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

function exportDer(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'spki', format: 'der' }));
}
