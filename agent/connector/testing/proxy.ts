// A proxy for tests: takes CONNECT as real ones do, with or without credentials, or behaves as badly as the test says.
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { issue } from '@selvage/shared/pki/authority.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { afterAll } from 'vitest';
import { makeAuthority, validity } from './collector.ts';

export type Behaviour =
  /** Passes everything on. */
  | 'connect'
  /** Takes the request and says nothing, ever. */
  | 'hang'
  /** Ends the connection instead of an answer. */
  | 'close'
  /** Answers 200 and ends the connection with the first byte it should pass on. */
  | 'close later'
  /** Answers 200 and speaks TLS itself, with a certificate of its own for the same address. */
  | 'intercept'
  /** Answers what is no HTTP. */
  | 'garbage'
  /** Answers 200 with headers without end. */
  | 'flood'
  /** A status line with this number. */
  | number;

export interface FakeProxy {
  readonly port: number;
  /** `host:port` of each CONNECT. */
  readonly asked: string[];
  /** Proxy-Authorization of each. */
  readonly authorizations: (string | null)[];
  /** Everything that was sent through it towards the collector, and what an intercepting one could read. */
  readonly seen: Buffer[];
  behave(as: Behaviour): void;
}

export interface ProxyOptions {
  readonly behaviour?: Behaviour;
  /** `user:password` that it wants to see; without them it answers 407. */
  readonly credentials?: string;
  /** Addresses of names that only it can resolve. */
  readonly names?: Readonly<Record<string, string>>;
}

const close: (() => void)[] = [];
afterAll(() => {
  for (const each of close) each();
});

export async function startProxy(options: ProxyOptions = {}): Promise<FakeProxy> {
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  const authorizations: (string | null)[] = [];
  const seen: Buffer[] = [];
  let behaviour = options.behaviour ?? 'connect';
  const server = createServer((_request, response) => response.writeHead(405).end());
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  server.on('connection', keep);
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(request.url ?? '');
    authorizations.push(request.headers['proxy-authorization'] ?? null);
    const wanted = options.credentials && `Basic ${Buffer.from(options.credentials).toString('base64')}`;
    const as = wanted === undefined || request.headers['proxy-authorization'] === wanted ? behaviour : 407;
    serve(as, { request, socket, seen, keep, names: options.names ?? {} });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  close.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  return {
    port: (server.address() as AddressInfo).port,
    asked,
    authorizations,
    seen,
    behave: (as) => {
      behaviour = as;
    },
  };
}

interface Call {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly seen: Buffer[];
  readonly keep: (socket: Socket) => void;
  readonly names: Readonly<Record<string, string>>;
}

const CHALLENGE = 'Proxy-Authenticate: Basic realm="corporate"\r\n';
const READY = 'HTTP/1.1 200 Connection established\r\n\r\n';

function serve(as: Behaviour, call: Call): void {
  const { socket } = call;
  if (typeof as === 'number') {
    const challenge = as === 407 ? CHALLENGE : '';
    socket.end(`HTTP/1.1 ${as} No\r\n${challenge}Content-Length: 0\r\nConnection: close\r\n\r\n`);
  } else if (as === 'close') socket.destroy();
  else if (as === 'garbage') socket.end('SSH-2.0-OpenSSH_9.2\r\n');
  else if (as === 'flood') socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`);
  else if (as === 'close later') {
    socket.write(READY);
    socket.once('data', () => socket.destroy());
  } else if (as === 'intercept') intercept(call);
  else if (as === 'connect') pass(call);
}

function pass({ request, socket, seen, keep, names }: Call): void {
  const [host = '', port] = (request.url ?? '').split(':');
  const far = connect(Number(port), names[host] ?? host, () => {
    socket.write(READY);
    socket.on('data', (chunk: Buffer) => {
      seen.push(chunk);
      far.write(chunk);
    });
    far.pipe(socket);
  });
  keep(far);
  far.on('close', () => socket.destroy());
  socket.on('close', () => far.destroy());
}

function intercept({ socket, seen }: Call): void {
  const { privateKey, publicKey } = generateKey();
  const cert = issue({
    authority: makeAuthority(),
    publicKey,
    commonName: 'collector',
    alternativeNames: [{ type: 'ip', value: '127.0.0.1' }],
    usage: 'server',
    ...validity({ from: '2026-01-01T00:00:00Z', until: '2036-01-01T00:00:00Z' }),
  });
  socket.write(READY);
  const inside = new TLSSocket(socket, {
    isServer: true,
    key: privateKey,
    cert,
    requestCert: true,
    rejectUnauthorized: false,
  });
  inside.on('error', () => undefined);
  inside.on('data', (chunk: Buffer) => {
    seen.push(chunk);
    inside.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}');
  });
}
