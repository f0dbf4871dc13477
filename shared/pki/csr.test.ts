// Requests from outside: one canonical form is taken, everything else is CSR_INVALID, and nothing but the key counts.

import { createPublicKey, generateKeyPairSync, sign, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { fc } from '../testing/properties.ts';
import { issue } from './authority.ts';
import { hostUri } from './certificate.ts';
import { createRequest, MAX_REQUEST_CHARACTERS, readRequest, runnerProofMessage } from './csr.ts';
import * as der from './der.ts';
import { generateKey, publicKeyToDer, signBytes } from './keys.ts';
import { ecdsaWithSha256, nameOf } from './names.ts';
import { fromPem, toPem } from './pem.ts';
import { authority, HOST, valid } from './testing/papers.ts';

const LABEL = 'CERTIFICATE REQUEST';
const keys = generateKey();
const good = createRequest({ commonName: 'web-1', privateKey: keys.privateKey });
const bytesOf = (pem: string) => fromPem(LABEL, pem) as Uint8Array;
const CSR_INVALID = expect.objectContaining({ code: 'CSR_INVALID' });

interface Parts {
  readonly version?: number;
  readonly subject?: der.Node;
  readonly spki?: Uint8Array;
  readonly attributes?: der.Node;
  readonly algorithm?: der.Node;
  readonly signer?: string;
}

/** A request put together by an attacker who can choose every part and sign with a key of their own. */
function forged(parts: Parts): string {
  const info = der.sequence(
    der.integer(Uint8Array.of(parts.version ?? 0)),
    parts.subject ?? nameOf('web-1'),
    der.decode(parts.spki ?? publicKeyToDer(keys.publicKey)),
    parts.attributes ?? der.tagged(0),
  );
  const signature = der.bits(signBytes(der.encode(info), parts.signer ?? keys.privateKey));

  return toPem(LABEL, der.encode(der.sequence(info, parts.algorithm ?? ecdsaWithSha256(), signature)));
}

describe('when a request is read', () => {
  it('gives the key and the name it was made with', () => {
    expect(readRequest(good)).toEqual({ commonName: 'web-1', publicKey: keys.publicKey });
  });

  it('what is signed is the same, to the byte, as what the ASN.1 library writes', () => {
    const signedPart = (pem: string) => der.encode(der.itemsOf(der.decode(bytesOf(pem)), 'sequence', 3)[0] as der.Node);
    const names = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 80 }),
      fc.constantFrom('x'.repeat(300), '😀'.repeat(64)),
    );
    fc.assert(
      fc.property(names, (commonName) => {
        const made = createRequest({ commonName, privateKey: keys.privateKey });
        expect(signedPart(made)).toEqual(signedPart(forged({ subject: nameOf(commonName) })));
      }),
      { numRuns: 100 },
    );
  });

  it('takes a request put together by hand when every part is right', () => {
    expect(readRequest(forged({})).publicKey).toBe(keys.publicKey);
  });

  it('keeps a common name as it is, cut to 64 characters', () => {
    const name = (commonName: string) =>
      readRequest(createRequest({ commonName, privateKey: keys.privateKey })).commonName;

    expect(name('bücher-😀')).toBe('bücher-😀');
    expect(name('x'.repeat(300))).toBe('x'.repeat(64));
  });

  it('refuses a signature by another key: possession is not proven', () => {
    expect(() => readRequest(forged({ signer: generateKey().privateKey }))).toThrow(CSR_INVALID);
  });

  it('refuses an RSA key', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const spki = new Uint8Array(rsa.publicKey.export({ type: 'spki', format: 'der' }));

    expect(() => readRequest(forged({ spki }))).toThrow(CSR_INVALID);
  });

  it('refuses P-384, also when it is signed by that key', () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    const info = der.sequence(
      der.integer(Uint8Array.of(0)),
      nameOf('web-1'),
      der.decode(new Uint8Array(p384.publicKey.export({ type: 'spki', format: 'der' }))),
      der.tagged(0),
    );
    const signature = der.bits(new Uint8Array(sign('sha256', der.encode(info), p384.privateKey)));
    const pem = toPem(LABEL, der.encode(der.sequence(info, ecdsaWithSha256(), signature)));

    expect(() => readRequest(pem)).toThrow(CSR_INVALID);
  });

  it('refuses a point that is not on the curve', () => {
    const spki = publicKeyToDer(keys.publicKey);
    spki[spki.length - 1] = (spki[spki.length - 1] ?? 0) ^ 1;

    expect(() => readRequest(forged({ spki }))).toThrow(CSR_INVALID);
  });

  it('refuses a compressed point: one key must have one spelling', () => {
    const spki = publicKeyToDer(keys.publicKey);
    const point = Uint8Array.of(0x02 | ((spki.at(-1) ?? 0) & 1), ...spki.slice(-64, -32));
    const [algorithm] = der.itemsOf(der.decode(spki), 'sequence', 2);
    const compressed = der.encode(der.sequence(algorithm as der.Node, der.bits(point)));

    expect(createPublicKey({ key: Buffer.from(compressed), format: 'der', type: 'spki' }).asymmetricKeyType).toBe('ec');
    expect(() => readRequest(forged({ spki: compressed }))).toThrow(CSR_INVALID);
  });

  it('refuses another signature algorithm, or parameters beside it', () => {
    const sha1 = der.sequence(der.oid('1.2.840.10045.4.1'));
    const padded = der.sequence(der.oid('1.2.840.10045.4.3.2'), der.octets(new Uint8Array()));

    expect(() => readRequest(forged({ algorithm: sha1 }))).toThrow(CSR_INVALID);
    expect(() => readRequest(forged({ algorithm: padded }))).toThrow(CSR_INVALID);
  });

  it('refuses another version, no attributes field, and a name without or with two parts', () => {
    const part = (type: string) => der.set(der.sequence(der.oid(type), der.utf8('web-1')));

    expect(() => readRequest(forged({ version: 1 }))).toThrow(CSR_INVALID);
    expect(() => readRequest(forged({ attributes: der.set() }))).toThrow(CSR_INVALID);
    expect(() => readRequest(forged({ subject: der.sequence() }))).toThrow(CSR_INVALID);
    expect(() => readRequest(forged({ subject: der.sequence(part('2.5.4.3'), part('2.5.4.3')) }))).toThrow(CSR_INVALID);
    expect(() => readRequest(forged({ subject: der.sequence(part('2.5.4.10')) }))).toThrow(CSR_INVALID);
  });

  it('refuses bytes after the request, inside the PEM and after it', () => {
    expect(() => readRequest(toPem(LABEL, Uint8Array.of(...bytesOf(good), 0)))).toThrow(CSR_INVALID);
    expect(() => readRequest(`${good}${good}`)).toThrow(CSR_INVALID);
    expect(() => readRequest(`${good}x`)).toThrow(CSR_INVALID);
    expect(() => readRequest(`x\n${good}`)).toThrow(CSR_INVALID);
  });

  it('refuses a length that is written with more bytes than it needs', () => {
    const bytes = bytesOf(good);
    // 30 81 xx → 30 82 00 xx: the same request in BER.
    expect([bytes[0], bytes[1]]).toEqual([0x30, 0x81]);
    const ber = Uint8Array.of(0x30, 0x82, 0x00, ...bytes.subarray(2));

    expect(() => readRequest(toPem(LABEL, ber))).toThrow(
      expect.objectContaining({ message: expect.stringContaining('canonical') }),
    );
  });

  it('refuses an indefinite length', () => {
    const bytes = bytesOf(good);
    const ber = Uint8Array.of(0x30, 0x80, ...bytes.subarray(3), 0, 0);

    expect(() => readRequest(toPem(LABEL, ber))).toThrow(CSR_INVALID);
  });

  it('refuses a huge request before it decodes it, and deep nesting', () => {
    const huge = toPem(LABEL, new Uint8Array(1024 * 1024));
    let deep = der.sequence();
    for (let depth = 0; depth < 200; depth++) deep = der.sequence(deep);

    expect(() => readRequest(huge)).toThrow(
      expect.objectContaining({ message: expect.stringContaining(`${MAX_REQUEST_CHARACTERS}`) }),
    );
    expect(() => readRequest(toPem(LABEL, der.encode(deep)))).toThrow(CSR_INVALID);
  });

  it('refuses every request in which any one byte was changed', () => {
    const bytes = bytesOf(good);

    fc.assert(
      fc.property(fc.integer({ min: 0, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, by) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ by;

        expect(() => readRequest(toPem(LABEL, changed))).toThrow(CSR_INVALID);
      }),
      { numRuns: 300 },
    );
  });

  it('answers any text with a request or with CSR_INVALID, never with another error', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.uint8Array({ maxLength: 600 }).map((bytes) => toPem(LABEL, bytes)),
    );

    fc.assert(
      fc.property(texts, (text) => {
        expect(() => readRequest(text)).toThrow(CSR_INVALID);
      }),
      { numRuns: 300 },
    );
  });
});

describe('when a request asks for more than a key', () => {
  // extensionRequest (PKCS #9) for subjectAltName urn:selvage:admin:root and basicConstraints CA:TRUE.
  const wish = (oid: string, value: der.Node) => der.sequence(der.oid(oid), der.octets(der.encode(value)));
  const wanted = der.sequence(
    wish('2.5.29.17', der.sequence(der.taggedBytes(6, new TextEncoder().encode('urn:selvage:admin:root')))),
    wish('2.5.29.19', der.sequence(der.truth())),
  );
  const greedy = forged({
    subject: nameOf('web-1, URI:urn:selvage:admin:root'),
    attributes: der.tagged(0, der.sequence(der.oid('1.2.840.113549.1.9.14'), der.set(wanted))),
  });

  it('the certificate has only what the collector decided', () => {
    const { publicKey } = readRequest(greedy);
    const names = [{ type: 'uri' as const, value: hostUri(HOST as never) }];
    const pem = issue({
      authority: authority(),
      publicKey,
      commonName: HOST,
      alternativeNames: names,
      usage: 'client',
      ...valid(),
    });
    const certificate = new X509Certificate(pem);

    expect(certificate.subjectAltName).toBe(`URI:urn:selvage:host:${HOST}`);
    expect(certificate.subject).toBe(`CN=${HOST}`);
    expect(certificate.ca).toBe(false);
    expect(Buffer.from(certificate.raw).includes('admin')).toBe(false);
  });
});

describe('when a runner key is certified with a request', () => {
  it('its proof is bound to that request', () => {
    const other = createRequest({ commonName: 'web-1', privateKey: generateKey().privateKey });

    expect(runnerProofMessage(good)).toEqual(runnerProofMessage(good));
    expect(runnerProofMessage(good)).not.toEqual(runnerProofMessage(other));
  });
});
