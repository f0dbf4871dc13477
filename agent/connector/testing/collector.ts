// A collector for tests of the connector: a real TLS 1.3 listener that speaks the real frames and behaves as the test
// says. It is not the product's gateway, which the agent's side may not import.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { type Authority, createAuthority, issue } from '@selvage/shared/pki/authority.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import {
  type AgentFrame,
  type CollectorFrame,
  type Durable,
  decodeAgentFrame,
  encodeCollectorFrame,
  type Hello,
  type StreamPosition,
} from '@selvage/shared/wire/wire.ts';
import { afterAll } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { voucherOf } from '../authorities.ts';

const SERIAL = new Uint8Array(16).fill(3);
/** When everything here happens, whatever the clock of the machine says. */
export const NOW = '2026-03-01T12:00:00Z' as Timestamp;

export interface Dates {
  readonly from: string;
  readonly until: string;
}
const YEARS: Dates = { from: '2026-01-01T00:00:00Z', until: '2036-01-01T00:00:00Z' };
/** A month around NOW that has just begun. */
export const MONTH: Dates = { from: '2026-02-28T12:00:00Z', until: '2026-03-30T12:00:00Z' };

export const validity = ({ from, until }: Dates) => ({
  notBefore: Temporal.Instant.from(from),
  notAfter: Temporal.Instant.from(until),
  serial: SERIAL,
});

export const makeAuthority = (name = 'hosts', dates = YEARS) => createAuthority({ name, ...validity(dates) });

/** One connection of the agent, as the collector sees it. */
export interface Peer {
  readonly hello: Promise<Hello>;
  /** What the agent proved itself with. */
  readonly certificate: X509Certificate;
  /** Next frame after Hello. */
  next(): Promise<AgentFrame>;
  send(frame: CollectorFrame): void;
  sendRaw(bytes: Uint8Array): void;
  welcome(
    streams?: readonly StreamPosition[],
    over?: { inFlight?: number; heartbeatSeconds?: number; now?: string },
  ): void;
  readonly socket: WebSocket;
  readonly closed: Promise<void>;
}

export interface Refusal {
  readonly status: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface FakeCollector {
  readonly url: string;
  readonly port: number;
  readonly authority: Authority;
  /** The next connection that the agent opens. */
  accept(): Promise<Peer>;
  /** Answers every upgrade like this from now on, or only those that the function says; null: takes connections again. */
  refuse(answer: Refusal | null | ((certificate: X509Certificate) => Refusal | null)): void;
  /** Upgrades seen, refused ones too. */
  attempts(): number;
  close(): Promise<void>;
}

export interface CollectorOptions {
  readonly names?: readonly string[];
  readonly maxVersion?: 'TLSv1.2';
  /** The one whose hosts are taken. */
  readonly authority?: Authority;
  /** The one that vouches for the collector, when it is not the same. */
  readonly server?: Authority;
  readonly serverDates?: Dates;
  readonly serverUsage?: 'client' | 'server';
}

export async function startCollector(options: CollectorOptions = {}): Promise<FakeCollector> {
  const authority = options.authority ?? makeAuthority();
  const { privateKey, publicKey } = generateKey();
  const cert = issue({
    authority: options.server ?? authority,
    publicKey,
    commonName: 'collector',
    alternativeNames: (options.names ?? ['127.0.0.1']).map((value) => ({
      type: /^[\d.]+$/.test(value) ? 'ip' : 'dns',
      value,
    })),
    usage: options.serverUsage ?? 'server',
    ...validity(options.serverDates ?? YEARS),
  });
  const server = createServer({
    key: privateKey,
    cert,
    ca: authority.certificate,
    requestCert: true,
    // As the gateway does: dates are looked at by an injected clock, which OpenSSL does not have.
    rejectUnauthorized: false,
    ...(options.maxVersion ? { maxVersion: options.maxVersion } : { minVersion: 'TLSv1.3' as const }),
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const peers = queue<Peer>();
  const open = new Set<WebSocket>();
  let refusal: (certificate: X509Certificate) => Refusal | null = () => null;
  let attempts = 0;

  server.on('upgrade', (request, socket, head) => {
    attempts += 1;
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    if (!certificate) throw new Error('the agent showed no certificate');
    const refused = refusal(certificate);
    if (refused) {
      const headers = Object.entries(refused.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.end(`HTTP/1.1 ${refused.status}\r\nConnection: close\r\n${headers.join('')}\r\n`);

      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      open.add(webSocket);
      peers.push(peerOf(webSocket, certificate));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const collector: FakeCollector = {
    url: `wss://127.0.0.1:${port}`,
    port,
    authority,
    accept: () => peers.take(),
    refuse: (answer) => {
      refusal = typeof answer === 'function' ? answer : () => answer;
    },
    attempts: () => attempts,
    close: () => closeAll(server, open),
  };
  cleanups.push(collector.close);

  return collector;
}

/** True when `certificate` was issued by `authority`. */
export const isIssuedBy = (certificate: X509Certificate | string, { certificate: pem }: Authority): boolean =>
  voucherOf(typeof certificate === 'string' ? new X509Certificate(certificate) : certificate, [pem]) !== null;

function peerOf(socket: WebSocket, certificate: X509Certificate): Peer {
  const frames = queue<AgentFrame>();
  let greet: (hello: Hello) => void = () => undefined;
  const hello = new Promise<Hello>((resolve) => {
    greet = resolve;
  });
  socket.on('message', (data: Buffer) => {
    const frame = decodeAgentFrame(data);
    if (frame.type === 'hello') greet(frame);
    else frames.push(frame);
  });
  socket.on('error', () => undefined);
  const send = (frame: CollectorFrame) => socket.send(encodeCollectorFrame(frame));

  return {
    hello,
    certificate,
    next: () => frames.take(),
    send,
    sendRaw: (bytes) => socket.send(bytes),
    welcome: (streams = [], over = {}) =>
      send({
        type: 'welcome',
        version: 1,
        collectorVersion: '0.1.0',
        now: (over.now ?? NOW) as Timestamp,
        streams,
        heartbeatSeconds: over.heartbeatSeconds ?? 30,
        inFlight: over.inFlight ?? 16,
      }),
    socket,
    closed: new Promise((resolve) => {
      socket.on('close', () => resolve());
    }),
  };
}

/** The next durable message; policy requests on the way are answered with "none". */
export async function nextDurable(peer: Peer): Promise<Durable> {
  return nextOf(peer, 'durable');
}

/** The next frame of that type; policy requests on the way are answered with "none", pings pass. */
export async function nextOf<T extends AgentFrame['type']>(
  peer: Peer,
  type: T,
): Promise<AgentFrame & { readonly type: T }> {
  for (;;) {
    const frame = await peer.next();
    if (frame.type === type) return frame as AgentFrame & { readonly type: T };
    if (frame.type === 'policyRequest') {
      peer.send({ type: 'policyFile', name: frame.name, found: false, content: new Uint8Array(0) });
    }
  }
}

function queue<T>() {
  const items: T[] = [];
  const takers: ((item: T) => void)[] = [];

  return {
    push: (item: T) => {
      const taker = takers.shift();
      if (taker) taker(item);
      else items.push(item);
    },
    take: () =>
      new Promise<T>((resolve) => {
        const item = items.shift();
        if (item === undefined) takers.push(resolve);
        else resolve(item);
      }),
  };
}

async function closeAll(server: Server, open: ReadonlySet<WebSocket>): Promise<void> {
  if (!server.listening) return;
  for (const socket of open) socket.terminate();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}

const cleanups: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups) await cleanup();
});
