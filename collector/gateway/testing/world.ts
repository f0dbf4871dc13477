// A collector's listener on real parts for tests: real store, real intake, real TLS sockets, a clock that the test moves.
import { once } from 'node:events';
import { join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import { type Authority, createAuthority, issue } from '@selvage/shared/pki/authority.ts';
import { fingerprint, hostUri } from '@selvage/shared/pki/certificate.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import {
  type AgentFrame,
  CONNECT_PATH,
  type CollectorFrame,
  decodeCollectorFrame,
  encodeAgentFrame,
  type Hello,
  type StreamPosition,
} from '@selvage/shared/wire/wire.ts';
import { afterAll } from 'vitest';
import { WebSocket } from 'ws';
import { type CollectorEvent, Events } from '../../events.ts';
import { createIntake, type Intake } from '../../intake/intake.ts';
import type { Store } from '../../store/ports.ts';
import { openStore } from '../../store/store.ts';
import { type Gateway, type Routes, startGateway } from '../gateway.ts';
import type { GatewayLimits } from '../limits.ts';

export const NOW = '2026-03-01T12:00:00Z' as Timestamp;
const SERIAL = new Uint8Array(16).fill(7);
const YEAR = { hours: 24 * 365 };

export const uuid = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

/** Certificates are checked by OpenSSL against the real time, so they are issued around it. */
function validity(ago = { hours: 1 }, ahead = YEAR) {
  const now = Temporal.Now.instant();

  return { notBefore: now.subtract(ago), notAfter: now.add(ahead), serial: SERIAL };
}

export function makeAuthority(name = 'hosts'): Authority {
  return createAuthority({ name, ...validity({ hours: 24 * 30 }) });
}

/** What a client shows, and the loopback address it comes from when that matters. */
export interface ClientSide {
  readonly key: string;
  readonly cert: string;
  readonly from?: string;
}

export interface TestHost {
  readonly id: HostId;
  readonly key: string;
  readonly cert: string;
  readonly runner: { readonly privateKey: string; readonly publicKey: string };
}

export function makeHost(authority: Authority, number: number, days: readonly [from: number, to: number] = [-1, 365]) {
  const { privateKey, publicKey } = generateKey();
  const now = Temporal.Now.instant();
  const cert = issue({
    authority,
    publicKey,
    commonName: `host-${number}`,
    alternativeNames: [{ type: 'uri', value: hostUri(uuid(number) as HostId) }],
    usage: 'client',
    notBefore: now.add({ hours: 24 * days[0] }),
    notAfter: now.add({ hours: 24 * days[1] }),
    serial: SERIAL,
  });

  return { id: uuid(number) as HostId, key: privateKey, cert, runner: generateKey() } satisfies TestHost;
}

export interface WorldOptions {
  readonly limits?: Partial<GatewayLimits>;
  readonly routes?: Routes;
  readonly intake?: (store: Store, real: Intake) => Intake;
}

/** Call at the top of a test; everything is closed when the file ends. */
export async function makeWorld(options: WorldOptions = {}) {
  const clock = fakeClock(NOW);
  const store = await openStore({ file: join(folder(), `${files++}.sqlite`), clock });
  const events = new Events();
  const seen: CollectorEvent[] = [];
  events.subscribe((event) => seen.push(event));
  const real = createIntake({ store, clock, events });
  const intake = options.intake?.(store, real) ?? real;
  const authority = makeAuthority();
  const server = generateKey();
  const cert = issue({
    authority,
    publicKey: server.publicKey,
    commonName: 'collector',
    alternativeNames: [{ type: 'ip', value: '127.0.0.1' }],
    usage: 'server',
    ...validity(),
  });

  const start = (port = 0) =>
    startGateway({
      store,
      tls: { key: server.privateKey, cert, hostsAuthority: authority.certificate },
      enrollmentRoutes: options.routes ?? (() => false),
      intake,
      clock,
      log: silentLog,
      events,
      listen: { host: '127.0.0.1', port },
      ...(options.limits ? { limits: options.limits } : {}),
    });
  const gateway = await start();
  const opened: { close(): Promise<void> }[] = [gateway];
  cleanups.push(async () => {
    for (const each of opened) await each.close();
    await store.close();
  });

  const enroll = async (number: number, host: TestHost = makeHost(authority, number)): Promise<TestHost> => {
    await store.transaction((writers) =>
      writers.hosts.add({
        id: host.id,
        name: `host-${number}`,
        state: 'active',
        mode: 'managed',
        machineId: `machine-${number}`,
        enrolledAt: NOW,
        revokedAt: null,
        certificate: fingerprint(host.cert),
        certificateExpires: '2030-01-01T00:00:00Z' as Timestamp,
        runnerKey: host.runner.publicKey,
        agentVersion: null,
        lastSeen: null,
      }),
    );

    return host;
  };

  return {
    clock,
    store,
    events,
    seen,
    authority,
    gateway,
    enroll,
    /** Another gateway on the same store. */
    restart: async (port = 0) => {
      const again = await start(port);
      opened.push(again);

      return again;
    },
    /** Opens a connection with the host's certificate; no Hello yet. */
    dial: (host: ClientSide | null, to: Gateway = gateway) => dial(to, authority, host),
    /** Opens a connection and says hello; the Welcome has been taken. */
    connect: async (
      host: TestHost & Pick<ClientSide, 'from'>,
      streams: readonly StreamPosition[] = [],
      to: Gateway = gateway,
    ) => {
      const client = await dial(to, authority, host);
      client.send(helloOf(host, streams));
      const welcome = await client.next();

      return { ...client, welcome };
    },
  };
}

export type World = Awaited<ReturnType<typeof makeWorld>>;

export function helloOf(host: TestHost, streams: readonly StreamPosition[] = []): Hello {
  const machineId = `machine-${Number(host.id.slice(-12))}`;

  return {
    type: 'hello',
    versions: [1],
    agentVersion: '0.1.0',
    machineId,
    mode: 'managed',
    streams,
    authorities: [],
    now: '',
    understands: [],
  };
}

export async function dial(gateway: Pick<Gateway, 'url'>, authority: Authority, host: ClientSide | null) {
  const socket = new WebSocket(`${gateway.url}${CONNECT_PATH}`, {
    ca: authority.certificate,
    minVersion: 'TLSv1.3',
    perMessageDeflate: false,
    ...(host === null ? {} : { key: host.key, cert: host.cert }),
    ...(host?.from === undefined ? {} : { localAddress: host.from }),
  });
  const frames: CollectorFrame[] = [];
  const takers: ((frame: CollectorFrame) => void)[] = [];
  socket.on('message', (data: Buffer) => {
    const frame = decodeCollectorFrame(data);
    const taker = takers.shift();
    if (taker) taker(frame);
    else frames.push(frame);
  });
  const closed = new Promise<number>((resolve) => {
    socket.on('close', resolve);
  });
  sockets.push(socket);

  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('unexpected-response', (_request, response) => {
      socket.on('error', () => undefined);
      reject(new Refused(response.statusCode ?? 0, response.headers));
      socket.terminate();
    });
    socket.once('error', reject);
  });
  socket.on('error', () => undefined);

  return {
    socket,
    closed,
    send: (frame: AgentFrame) => socket.send(encodeAgentFrame(frame)),
    sendRaw: (data: Uint8Array | string) => socket.send(data),
    next: () =>
      new Promise<CollectorFrame>((resolve, reject) => {
        const frame = frames.shift();
        if (frame) return resolve(frame);
        if (socket.readyState !== WebSocket.OPEN) return reject(new Error('closed and nothing more to take'));
        takers.push(resolve);
        void closed.then(() => reject(new Error('closed before the next frame')));
      }),
  };
}

/** The HTTP answer to a refused upgrade. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly retryAfter: string | undefined;

  constructor(status: number, headers: { readonly [name: string]: string | string[] | undefined }) {
    super(`refused with ${status}`);
    this.status = status;
    this.code = String(headers['selvage-code']);
    this.retryAfter = headers['retry-after'] === undefined ? undefined : String(headers['retry-after']);
  }
}

export async function refusal(promise: Promise<unknown>): Promise<Refused> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }

  throw new Error('it was not refused');
}

/** A promise and the function that resolves it. */
export function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });

  return { open, opened };
}

export async function ledger(world: World): Promise<readonly string[]> {
  return (await world.store.read.audit.after(0, 1000)).map(({ action }) => action);
}

let path: string | undefined;
let files = 0;
const cleanups: (() => Promise<void>)[] = [];
const sockets: WebSocket[] = [];

function folder(): string {
  path ??= temporaryFolder('gateway');

  return path;
}

// Registered at import: temporaryFolder's own hook is registered later and therefore runs before this one; SQLite keeps
// its file open and does not mind.
afterAll(async () => {
  for (const socket of sockets) {
    if (socket.readyState === WebSocket.CLOSED) continue;
    socket.terminate();
    await once(socket, 'close');
  }
  for (const cleanup of cleanups) await cleanup();
});
