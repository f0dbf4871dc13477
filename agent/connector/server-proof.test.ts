import { X509Certificate } from 'node:crypto';
import { type Authority, issue } from '@selvage/shared/pki/authority.ts';
import { fingerprint } from '@selvage/shared/pki/certificate.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { describe, expect, it } from 'vitest';
import { proveServer } from './server-proof.ts';
import { type Dates, makeAuthority, NOW, validity } from './testing/collector.ts';

const authority = makeAuthority();
const DATES: Dates = { from: '2026-02-01T00:00:00Z', until: '2026-04-01T00:00:00Z' };

interface Made {
  readonly by?: Authority;
  readonly names?: readonly { readonly type: 'dns' | 'ip'; readonly value: string }[];
  readonly usage?: 'client' | 'server';
  readonly dates?: Dates;
  readonly commonName?: string;
}

function made({ by = authority, names, usage = 'server', dates = DATES, commonName = 'collector' }: Made = {}) {
  const { publicKey } = generateKey();
  const alternativeNames = names ?? [
    { type: 'dns', value: 'collector.example' },
    { type: 'ip', value: '192.0.2.7' },
    { type: 'ip', value: '2001:db8::7' },
  ];

  return new X509Certificate(
    issue({ authority: by, publicKey, commonName, alternativeNames, usage, ...validity(dates) }),
  );
}

/** The same certificate, not signed by its authority. */
function forged(certificate: X509Certificate): X509Certificate {
  const der = Buffer.from(certificate.raw);
  der[der.length - 1] = (der.at(-1) ?? 0) ^ 1;

  return new X509Certificate(der);
}

const prove = (certificate: X509Certificate | undefined, host = 'collector.example', now: string = NOW) =>
  proveServer({
    certificate,
    host,
    authorities: [makeAuthority('another').certificate, authority.certificate],
    now: Temporal.Instant.from(now),
  });
const refusal = expect.objectContaining({ code: 'CERTIFICATE_INVALID' });

describe('when a server shows its certificate', () => {
  it.each(['collector.example', 'Collector.Example', 'collector.example.', '192.0.2.7', '2001:db8::7'])(
    'it is proven for %s, and by whom',
    (host) => {
      expect(prove(made(), host)).toMatchObject({ authority: fingerprint(authority.certificate), problem: null });
    },
  );

  it.each<[string, X509Certificate | undefined, string?]>([
    ['none', undefined],
    ['one of another authority', made({ by: makeAuthority('other') })],
    ['one of another authority with the same name', made({ by: makeAuthority() })],
    ['one with a forged signature, otherwise as it should be', forged(made())],
    ['one for clients: any enrolled host has such a one', made({ usage: 'client' })],
    ['the authority’s own', new X509Certificate(authority.certificate)],
    ['one for another name', made(), 'other.example'],
    ['one for a name below', made(), 'a.collector.example'],
    ['one for a name above', made(), 'example'],
    ['one for any name below', made({ names: [{ type: 'dns', value: 'a.collector.example' }] }), '.collector.example'],
    ['one for another address', made(), '192.0.2.8'],
    [
      'one that has the name as its subject only',
      made({ names: [{ type: 'dns', value: 'x.example' }], commonName: 'collector.example' }),
    ],
    ['one that has the address as a name', made({ names: [{ type: 'dns', value: '192.0.2.7' }] }), '192.0.2.7'],
  ])('%s is refused', (_what, certificate, host) => {
    expect(() => prove(certificate, host)).toThrow(refusal);
  });

  it('wrong dates do not excuse anything else', () => {
    const past = '2036-01-01T00:00:00Z';

    expect(() => prove(made({ by: makeAuthority('other') }), 'collector.example', past)).toThrow(refusal);
    expect(() => prove(made({ usage: 'client' }), 'collector.example', past)).toThrow(refusal);
    expect(() => prove(made(), 'other.example', past)).toThrow(refusal);
  });
});

describe('when only the dates are wrong', () => {
  it.each([
    ['ended a moment ago', '2026-04-01T00:00:00Z', 'CERTIFICATE_EXPIRED'],
    ['ended ten years ago', '2036-03-01T00:00:00Z', 'CERTIFICATE_EXPIRED'],
    ['has not begun', '2026-01-31T23:59:59Z', 'CLOCK_WRONG'],
    ['would begin in ten years', '2016-03-01T00:00:00Z', 'CLOCK_WRONG'],
  ])('by the clock of this host it %s: it is proven, and said', (_what, now, code) => {
    expect(prove(made(), 'collector.example', now)).toMatchObject({ problem: { code } });
  });

  it('an authority that has ended still vouches: a host must not be stranded by it', () => {
    const old = makeAuthority('old', { from: '2025-01-01T00:00:00Z', until: '2026-02-15T00:00:00Z' });
    const certificate = made({ by: old });

    expect(
      proveServer({
        certificate,
        host: 'collector.example',
        authorities: [old.certificate],
        now: Temporal.Instant.from(NOW),
      }),
    ).toMatchObject({ problem: { code: 'CERTIFICATE_EXPIRED' } });
  });
});
