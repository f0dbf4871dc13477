import { describe, expect, it } from 'vitest';
import { createAuthority } from './authority.ts';
import { fingerprint, onlyCertificate } from './certificate.ts';
import { endorse, verifyEndorsement } from './endorsement.ts';
import { signBytes } from './keys.ts';

const authority = (name: string, serial = 7) =>
  createAuthority({
    name,
    notBefore: Temporal.Instant.from('2026-01-01T00:00:00Z'),
    notAfter: Temporal.Instant.from('2036-01-01T00:00:00Z'),
    serial: new Uint8Array(16).fill(serial),
  });
const [present, next, stranger] = [authority('hosts'), authority('hosts 2'), authority('hosts')];

describe('when the present authority endorses the next', () => {
  const { endorsedBy, endorsement } = endorse({ endorser: present, certificate: next.certificate });

  it('names itself, and the signature is its own over that certificate', () => {
    expect(endorsedBy).toBe(fingerprint(present.certificate));
    expect(verifyEndorsement({ endorser: present.certificate, certificate: next.certificate, endorsement })).toBe(true);
  });

  it('is over exactly the bytes that the protocol names', () => {
    const bytes = Buffer.concat([Buffer.from('selvage-authority-v1\n'), onlyCertificate(next.certificate)]);
    const made = signBytes(bytes, present.privateKey);

    expect(verifyEndorsement({ endorser: present.certificate, certificate: next.certificate, endorsement: made })).toBe(
      true,
    );
  });

  it.each<[string, Parameters<typeof verifyEndorsement>[0]]>([
    ['another certificate', { endorser: present.certificate, certificate: stranger.certificate, endorsement }],
    ['an authority of the same name', { endorser: stranger.certificate, certificate: next.certificate, endorsement }],
    [
      'the certificate without its context',
      {
        endorser: present.certificate,
        certificate: next.certificate,
        endorsement: signBytes(onlyCertificate(next.certificate), present.privateKey),
      },
    ],
    ['no signature', { endorser: present.certificate, certificate: next.certificate, endorsement: new Uint8Array(0) }],
    [
      'a changed signature',
      {
        endorser: present.certificate,
        certificate: next.certificate,
        endorsement: endorsement.map((byte, index) => (index === endorsement.length - 1 ? byte ^ 1 : byte)),
      },
    ],
  ])('%s is not endorsed', (_what, given) => {
    expect(verifyEndorsement(given)).toBe(false);
  });

  it('two certificates in one text are refused: the second would come in unsigned', () => {
    const certificate = `${next.certificate}${stranger.certificate}`;

    expect(() => verifyEndorsement({ endorser: present.certificate, certificate, endorsement })).toThrow(
      expect.objectContaining({ code: 'CERTIFICATE_INVALID' }),
    );
    expect(() => endorse({ endorser: present, certificate })).toThrow(
      expect.objectContaining({ code: 'CERTIFICATE_INVALID' }),
    );
  });
});
