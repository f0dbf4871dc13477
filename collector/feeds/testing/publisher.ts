// A publisher of feeds for tests: a real HTTPS server on this machine that answers as it is told.

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { systemRandom } from '@selvage/shared/random.ts';
import { onTestFinished } from 'vitest';
import { makeAuthority, makeServerIdentity } from '../../enrollment/authorities.ts';

export interface Publisher {
  readonly url: string;
  /** PEM. */
  readonly authority: string;
  readonly asked: IncomingMessage[];
  /** How the next requests are answered, the last way for all that follow. */
  answer(...ways: readonly Way[]): void;
}

export type Way = (request: IncomingMessage, response: ServerResponse) => void;

/** The whole of it with its marks; not again to whoever has it. */
export function document(content: string | Uint8Array, etag = '"1"'): Way {
  return (request, response) => {
    if (request.headers['if-none-match'] === etag) response.writeHead(304, { etag }).end();
    else response.writeHead(200, { etag, 'last-modified': 'Mon, 23 Nov 2026 20:00:00 GMT' }).end(content);
  };
}

export const status =
  (code: number, headers: Record<string, string> = {}): Way =>
  (_request, response) =>
    void response.writeHead(code, headers).end('<html>sorry</html>');

export async function startPublisher(): Promise<Publisher> {
  const at = { now: Temporal.Now.instant(), random: systemRandom };
  const authority = makeAuthority('hosts', at);
  const ways: Way[] = [];
  const asked: IncomingMessage[] = [];
  const server = createServer(makeServerIdentity(authority, ['127.0.0.1'], at), (request, response) => {
    asked.push(request);
    const way = ways.length > 1 ? ways.shift() : ways[0];
    (way ?? status(404))(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });

  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authority: authority.certificate,
    asked,
    answer: (...given) => void ways.splice(0, ways.length, ...given),
  };
}
