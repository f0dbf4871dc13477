// Authorities, certificates and TLS servers for tests: real ones, valid around now, closed when the test file ends.
import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';
import { type Authority, createAuthority, issue, SERIAL_BYTES, type Validity } from '../authority.ts';
import { hostUri } from '../certificate.ts';
import { generateKey, type KeyPair } from '../keys.ts';

export const HOST = '0190b6a4-5f7e-4c3a-9d2b-1f2e3d4c5b6a';

/** Validity from an hour ago, for so many hours from now (negative: ended before). */
export function valid(hours = 24): Validity {
  const now = Temporal.Now.instant();

  return {
    notBefore: now.subtract({ hours: 1000 }),
    notAfter: now.add({ hours }),
    serial: new Uint8Array(randomBytes(SERIAL_BYTES)),
  };
}

export const authority = (name = 'Selvage hosts'): Authority => createAuthority({ name, ...valid(1000) });

export interface Paper extends KeyPair {
  readonly certificate: string;
}

/** A certificate for a new key: of HOST, unless told otherwise. */
export function paper(by: Authority, over: Partial<Parameters<typeof issue>[0]> = {}): Paper {
  const keys = generateKey();
  const certificate = issue({
    authority: by,
    publicKey: keys.publicKey,
    commonName: 'paper',
    alternativeNames: [{ type: 'uri', value: hostUri(HOST as never) }],
    usage: 'client',
    ...valid(),
    ...over,
  });

  return { ...keys, certificate };
}

/** A paper for a server on 127.0.0.1. */
export const serverPaper = (by: Authority, over: Partial<Parameters<typeof issue>[0]> = {}): Paper =>
  paper(by, { usage: 'server', alternativeNames: [{ type: 'ip', value: '127.0.0.1' }], ...over });

/** An HTTPS server, TLS 1.3 unless told otherwise. Returns its address. */
export async function serve(own: Paper, listener: RequestListener, options: ServerOptions = {}): Promise<string> {
  const tls = { key: own.privateKey, cert: own.certificate, minVersion: 'TLSv1.3' as const, ...options };
  const server = createServer(tls, listener);
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers every request with one JSON document. */
export const answering =
  (document: unknown, status = 200): RequestListener =>
  (request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));
  };
