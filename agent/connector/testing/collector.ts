// A collector for tests of the connector: a real TLS 1.3 listener that speaks the real frames and behaves as the test
// says. It is not the product's gateway, which the agent's side may not import.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import { type Authority, createAuthority, issue } from '@selvage/shared/pki/authority.ts';
import { hostUri } from '@selvage/shared/pki/certificate.ts';
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
import type { LinkIdentity } from '../dial.ts';

const SERIAL = new Uint8Array(16).fill(3);
const HOST = '00000000-0000-4000-8000-000000000001' as HostId;
export const NOW = '2026-03-01T12:00:00Z' as Timestamp;

const validity = () => {
  const now = Temporal.Now.instant();

  return { notBefore: now.subtract({ hours: 1 }), notAfter: now.add({ hours: 24 }), serial: SERIAL };
};

export const makeAuthority = () => createAuthority({ name: 'hosts', ...validity() });

export function makeIdentity(authority: Authority): LinkIdentity {
  const { privateKey, publicKey } = generateKey();
  const certificate = issue({
    authority,
    publicKey,
    commonName: 'host',
    alternativeNames: [{ type: 'uri', value: hostUri(HOST) }],
    usage: 'client',
    ...validity(),
  });

  return { key: privateKey, certificate, authority: authority.certificate };
}

/** One connection of the agent, as the collector sees it. */
export interface Peer {
  readonly hello: Promise<Hello>;
  /** Next frame after Hello. */
  next(): Promise<AgentFrame>;
  send(frame: CollectorFrame): void;
  sendRaw(bytes: Uint8Array): void;
  welcome(streams?: readonly StreamPosition[], over?: { inFlight?: number; heartbeatSeconds?: number }): void;
  readonly socket: WebSocket;
  readonly closed: Promise<void>;
}

export interface FakeCollector {
  readonly url: string;
  readonly authority: Authority;
  /** The next connection that the agent opens. */
  accept(): Promise<Peer>;
  /** Answers every upgrade with this status and headers from now on; null: takes connections again. */
  refuse(answer: { status: string; headers: Record<string, string> } | null): void;
  /** Upgrades seen, refused ones too. */
  attempts(): number;
  close(): Promise<void>;
}

export async function startCollector(
  options: { names?: readonly string[]; maxVersion?: 'TLSv1.2'; authority?: Authority; server?: Authority } = {},
): Promise<FakeCollector> {
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
    usage: 'server',
    ...validity(),
  });
  const server = createServer({
    key: privateKey,
    cert,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: true,
    ...(options.maxVersion ? { maxVersion: options.maxVersion } : { minVersion: 'TLSv1.3' as const }),
  });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  const peers = queue<Peer>();
  const open = new Set<WebSocket>();
  let refusal: { status: string; headers: Record<string, string> } | null = null;
  let attempts = 0;

  server.on('upgrade', (request, socket, head) => {
    attempts += 1;
    if (refusal) {
      const headers = Object.entries(refusal.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.end(`HTTP/1.1 ${refusal.status}\r\nConnection: close\r\n${headers.join('')}\r\n`);

      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      open.add(webSocket);
      peers.push(peerOf(webSocket));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const collector: FakeCollector = {
    url: `wss://127.0.0.1:${port}`,
    authority,
    accept: () => peers.take(),
    refuse: (answer) => {
      refusal = answer;
    },
    attempts: () => attempts,
    close: () => closeAll(server, open),
  };
  cleanups.push(collector.close);

  return collector;
}

function peerOf(socket: WebSocket): Peer {
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
    next: () => frames.take(),
    send,
    sendRaw: (bytes) => socket.send(bytes),
    welcome: (streams = [], over = {}) =>
      send({
        type: 'welcome',
        version: 1,
        collectorVersion: '0.1.0',
        now: NOW,
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
  for (;;) {
    const frame = await peer.next();
    if (frame.type === 'durable') return frame;
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
