// Ed25519 keys of admins (and the collector's two online keys): made, read from PEM, named and used to sign.
// A private key never leaves the value it came in.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { CodedError } from '../errors/coded-error.ts';
import { canonicalJson, sha256 } from '../files/canonical.ts';

/** The public half, as metadata holds it. */
export interface PolicyKey {
  /** TUF key id: SHA-256 over the canonical JSON of the public key object (specification 1.0, section 4.2). */
  readonly keyId: string;
  /** 32 bytes, lower-case hex. */
  readonly publicKey: string;
}

export interface SigningKey extends PolicyKey {
  /** PKCS8 PEM. Secret. */
  readonly privateKey: string;
}

/** The key object of TUF metadata. */
export interface TufKey {
  readonly keytype: 'ed25519';
  readonly scheme: 'ed25519';
  readonly keyval: { readonly public: string };
}

export function toTufKey(key: PolicyKey): TufKey {
  return { keytype: 'ed25519', scheme: 'ed25519', keyval: { public: key.publicKey } };
}

export function keyIdOf(key: TufKey): string {
  return sha256(canonicalJson(key));
}

/** A public key from its 64 hex digits. Throws KEY_UNUSABLE. */
export function policyKey(publicKey: string): PolicyKey {
  if (!/^[0-9a-f]{64}$/.test(publicKey)) {
    throw new CodedError('KEY_UNUSABLE', 'an Ed25519 public key is 64 lower-case hex digits');
  }

  return { keyId: keyIdOf(toTufKey({ keyId: '', publicKey })), publicKey };
}

/** A new signing key from the system's randomness. */
export function createSigningKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ed25519');

  return readSigningKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
}

/** The signing key in a PKCS8 PEM. Throws KEY_UNUSABLE for anything but an unencrypted Ed25519 private key. */
export function readSigningKey(privateKey: string): SigningKey {
  let jwk: { crv?: string; x?: string };
  try {
    jwk = createPublicKey(createPrivateKey(privateKey)).export({ format: 'jwk' });
  } catch (cause) {
    throw new CodedError('KEY_UNUSABLE', 'the signing key is not a readable PKCS8 private key', { cause });
  }
  if (jwk.crv !== 'Ed25519' || jwk.x === undefined) {
    throw new CodedError('KEY_UNUSABLE', 'the signing key is not an Ed25519 key');
  }

  return { ...policyKey(Buffer.from(jwk.x, 'base64url').toString('hex')), privateKey };
}

/** Ed25519 signature, lower-case hex. */
export function signWith(key: SigningKey, bytes: Uint8Array): string {
  return sign(null, bytes, createPrivateKey(key.privateKey)).toString('hex');
}

/** Whether `signature` (hex) of the public key (64 hex digits) holds over the bytes. */
export function verifyWith(publicKey: string, bytes: Uint8Array, signature: string): boolean {
  const x = Buffer.from(publicKey, 'hex').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });

  return verify(null, bytes, key, Buffer.from(signature, 'hex'));
}
