// Authorities and what they issue, judged by OpenSSL through Node: as parsed certificates and in real TLS 1.3 handshakes.

import { X509Certificate } from 'node:crypto';
import { request } from 'node:https';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { checkAuthority, createAuthority, type issue, SERIAL_BYTES } from './authority.ts';
import {
  adminNameOf,
  adminUri,
  fingerprint,
  fingerprintOf,
  hostIdOf,
  hostUri,
  onlyCertificate,
} from './certificate.ts';
import { generateKey } from './keys.ts';
import { answering, authority, HOST, type Paper, paper, serve, serverPaper, valid } from './testing/papers.ts';

const hosts = authority('Selvage hosts');
const admins = authority('Selvage admins');
const parsed = (pem: string) => new X509Certificate(pem);
const issued = (over: Partial<Parameters<typeof issue>[0]> = {}) => parsed(paper(hosts, over).certificate);
const CERTIFICATE_INVALID = expect.objectContaining({ code: 'CERTIFICATE_INVALID' });

describe('when a certificate is issued', () => {
  it('is one of its authority, for that key, one use and no further authority', () => {
    const own = paper(hosts);
    const certificate = parsed(own.certificate);
    const ca = parsed(hosts.certificate);

    expect(fingerprintOf(certificate)).toBe(fingerprint(own.certificate));
    expect(certificate.verify(ca.publicKey)).toBe(true);
    expect(certificate.checkIssued(ca)).toBe(true);
    expect(certificate.publicKey.export({ type: 'spki', format: 'pem' })).toBe(own.publicKey);
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(certificate.ca).toBe(false);
    expect(ca.ca).toBe(true);
    expect(ca.verify(ca.publicKey)).toBe(true);
    expect(onlyCertificate(own.certificate)).toEqual(new Uint8Array(certificate.raw));
  });

  it('carries the serial it was given, positive and without padding', () => {
    const serial = (first: number) => {
      const bytes = new Uint8Array(SERIAL_BYTES).fill(7);
      bytes[0] = first;

      return issued({ serial: bytes }).serialNumber;
    };

    expect(serial(0xff)).toBe(`FF${'07'.repeat(15)}`);
    expect(serial(0x00)).toBe('07'.repeat(15));
  });

  it('keeps its times to the second, on both sides of 2050 (RFC 5280 section 4.1.2.5)', () => {
    const distant = createAuthority({
      name: 'distant',
      serial: valid().serial,
      notBefore: Temporal.Instant.from('2049-12-31T23:59:59.900Z'),
      notAfter: Temporal.Instant.from('2050-01-01T00:00:00Z'),
    });

    expect(parsed(distant.certificate).validFromDate.toISOString()).toBe('2049-12-31T23:59:59.000Z');
    expect(parsed(distant.certificate).validToDate.toISOString()).toBe('2050-01-01T00:00:00.000Z');
  });

  it('never outlives its authority', () => {
    expect(issued(valid(1_000_000)).validToDate).toEqual(parsed(hosts.certificate).validToDate);
  });

  it('writes addresses of both families', () => {
    const names = ['127.0.0.1', '::1', '2001:db8::7:0:0:1'].map((value) => ({ type: 'ip' as const, value }));

    const text = issued({ alternativeNames: names }).subjectAltName;
    expect(text).toBe('IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:7:0:0:1');
  });

  it('refuses names that could carry a second name, and times that never are', () => {
    const named = (type: 'uri' | 'dns' | 'ip', value: string) => () => issued({ alternativeNames: [{ type, value }] });

    for (const value of ['urn:selvage:host:x, URI:urn:selvage:admin:root', 'urn:selvage:host:x\0', 'http://x', '']) {
      expect(named('uri', value)).toThrow(CERTIFICATE_INVALID);
    }
    for (const value of ['a, DNS:b', '*.example.org', 'a\0.example.org', '-a', 'A']) {
      expect(named('dns', value)).toThrow(CERTIFICATE_INVALID);
    }
    for (const value of ['1.2.3', 'fe80::1%eth0', '1.2.3.4, IP:5.6.7.8']) {
      expect(named('ip', value)).toThrow(CERTIFICATE_INVALID);
    }
    expect(() => issued({ alternativeNames: [] })).toThrow(CERTIFICATE_INVALID);
    expect(() => issued(valid(-2000))).toThrow(CERTIFICATE_INVALID);
    expect(() => issued({ serial: new Uint8Array(SERIAL_BYTES) })).toThrow(CERTIFICATE_INVALID);
    expect(() => issued({ serial: new Uint8Array(8).fill(1) })).toThrow(CERTIFICATE_INVALID);
  });
});

describe('when an authority is loaded', () => {
  it('must have its own key and be an authority', () => {
    const leaf = paper(hosts);

    expect(() => checkAuthority(hosts)).not.toThrow();
    expect(() => checkAuthority({ ...hosts, privateKey: admins.privateKey })).toThrow(CERTIFICATE_INVALID);
    expect(() => checkAuthority(leaf)).toThrow(CERTIFICATE_INVALID);
    expect(() => checkAuthority({ ...hosts, certificate: 'nonsense' })).toThrow(CERTIFICATE_INVALID);
  });
});

describe('when a certificate says who holds it', () => {
  const uri = (...values: string[]) => issued({ alternativeNames: values.map((value) => ({ type: 'uri', value })) });

  it('names exactly one host or admin', () => {
    expect(hostIdOf(uri(hostUri(HOST as never)))).toBe(HOST);
    expect(adminNameOf(uri(adminUri('ann')))).toBe('ann');
    expect(hostIdOf(uri(adminUri('ann')))).toBeNull();
    expect(adminNameOf(uri(hostUri(HOST as never)))).toBeNull();
  });

  it('is nobody with a second name, with a longer or shorter one, or with none', () => {
    expect(hostIdOf(uri(hostUri(HOST as never), adminUri('ann')))).toBeNull();
    expect(adminNameOf(uri(hostUri(HOST as never), adminUri('ann')))).toBeNull();
    expect(hostIdOf(uri(`${hostUri(HOST as never)}:x`))).toBeNull();
    expect(hostIdOf(uri(hostUri(HOST.slice(1) as never)))).toBeNull();
    expect(hostIdOf(uri(hostUri(HOST.toUpperCase() as never)))).toBeNull();
    expect(adminNameOf(uri('urn:selvage:admin:ann:root'))).toBeNull();
    expect(hostIdOf(parsed(hosts.certificate))).toBeNull();
  });

  it('does not take the common name or a name of another type for an identity', () => {
    const disguised = issued({
      commonName: `URI:${hostUri(HOST as never)}`,
      alternativeNames: [{ type: 'dns', value: 'web-1.example.org' }],
    });

    expect(hostIdOf(disguised)).toBeNull();
    expect(adminNameOf(disguised)).toBeNull();
  });
});

describe('when certificates meet in TLS 1.3', () => {
  const server = serverPaper(hosts);

  /** A server that admits clients of `ca`, asked with `client`: the host id it saw, or the reason it refused. */
  async function admitted(ca: string, client: Paper): Promise<string> {
    const url = await serve(server, answering({ ok: true }), { ca, requestCert: true, rejectUnauthorized: true });

    return new Promise((resolve) => {
      const sent = request(url, { ca: hosts.certificate, key: client.privateKey, cert: client.certificate });
      sent.on('response', (response) => {
        response.resume();
        resolve(String(response.statusCode));
      });
      sent.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
      sent.end();
    });
  }

  /** What a client that trusts the hosts' authority thinks of a server that shows `shown`. */
  async function judged(shown: Paper): Promise<string> {
    const { port } = new URL(await serve(shown, answering({ ok: true })));

    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: Number(port), ca: hosts.certificate, minVersion: 'TLSv1.3' });
      socket.on('secureConnect', () => {
        resolve('trusted');
        socket.destroy();
      });
      socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    });
  }

  it('a host is admitted by its own authority', async () => {
    expect(await admitted(hosts.certificate, paper(hosts))).toBe('200');
    expect(await judged(server)).toBe('trusted');
  });

  it('a host of another authority with the same names is refused', async () => {
    const impostor = paper(authority('Selvage hosts'));

    expect(hostIdOf(parsed(impostor.certificate))).toBe(HOST);
    expect(await admitted(hosts.certificate, impostor)).toMatch(/^(ECONNRESET|ERR_SSL_|EPROTO)/);
  });

  it('a host is no admin: the admins’ port does not admit it', async () => {
    expect(await admitted(admins.certificate, paper(hosts))).toMatch(/^(ECONNRESET|ERR_SSL_|EPROTO)/);
  });

  it('a server certificate does not admit as a client', async () => {
    expect(await admitted(hosts.certificate, serverPaper(hosts))).toMatch(/^(ECONNRESET|ERR_SSL_|EPROTO)/);
  });

  it('an expired certificate and a self-signed one are refused', async () => {
    const own = authority();
    const expired = paper(hosts, valid(-1));

    expect(await admitted(hosts.certificate, expired)).toMatch(/^(ECONNRESET|ERR_SSL_|EPROTO)/);
    expect(await admitted(hosts.certificate, { ...generateKey(), ...own })).toMatch(/^(ECONNRESET|ERR_SSL_|EPROTO)/);
  });

  it('a host certificate cannot serve, not even under the right address', async () => {
    const address = [{ type: 'ip' as const, value: '127.0.0.1' }];

    expect(await judged(paper(hosts, { alternativeNames: address }))).toBe('INVALID_PURPOSE');
  });

  it('a certificate that a host signed is worth nothing', async () => {
    const host = paper(hosts);
    const child = paper({ certificate: host.certificate, privateKey: host.privateKey }, { usage: 'server' });

    expect(await judged({ ...child, certificate: child.certificate + host.certificate })).not.toBe('trusted');
  });
});

describe('when a fingerprint is taken', () => {
  it('is the same for PEM and DER', () => {
    const { certificate } = paper(hosts);

    expect(fingerprint(certificate)).toBe(fingerprint(new Uint8Array(parsed(certificate).raw)));
    expect(fingerprint(certificate)).toBe(parsed(certificate).fingerprint256.replaceAll(':', '').toLowerCase());
  });
});
