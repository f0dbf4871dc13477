// The listener that agents reach: TLS 1.3, one connection per host, enrollment beside it. It knows who is connected;
// it decides nothing about policy, and does almost nothing for a stranger.
import { constants, X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { type EndorsedAuthority, MAX_FRAME_BYTES } from '@selvage/shared/wire/wire.ts';
import { WebSocketServer } from 'ws';
import type { Events } from '../events.ts';
import { counts } from '../host-state.ts';
import type { Intake } from '../intake/intake.ts';
import { monitorLag } from '../metrics/lag.ts';
import { type Load, loadOf, Meter } from '../metrics/meter.ts';
import type { Restoration } from '../restorations.ts';
import type { Store } from '../store/ports.ts';
import { admit, type Claim, claimOf, isRefusal, refuse } from './admission.ts';
import { Connection } from './connection.ts';
import { createCustody } from './custody.ts';
import { recordFlapping } from './flapping-ledger.ts';
import { hostSession, type Renew, type SessionParts } from './greeting.ts';
import { DEFAULT_LIMITS, type GatewayLimits } from './limits.ts';
import { paceHandshakes } from './pace.ts';
import { Rates } from './rates.ts';
import { Registry } from './registry.ts';
import { isRedeemed, isServed } from './routes.ts';
import { createSightings } from './sightings.ts';
import { Strangers } from './strangers.ts';
import { SWEEP_MS, sweep } from './sweep.ts';
import { createUnknownHosts, type UnknownHost } from './unknown-hosts.ts';

const MAX_HEADER_BYTES = 8192;
const MAX_SOCKETS = 20_000;
const KEEP_ALIVE_MS = 5000;
/** TLS handshakes begun in one turn of the event loop, some 1.5 ms each. */
const HANDSHAKES_PER_TURN = 16;
/** Of one enrollment: first contact trusts nobody, so the token goes over another. */
const ENROLLMENT_SOCKETS = 2;
/** Milliseconds a host gets to answer a close frame. */
const CLOSE_MS = 1000;
/** An agent sends a frame whole; TLS may cut it. */
const MAX_FRAGMENTS = 64;
const MAX_CHUNKS = 8192;

const SOCKET_OPTIONS = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  autoPong: false,
  maxPayload: MAX_FRAME_BYTES,
  maxFragments: MAX_FRAGMENTS,
  maxBufferedChunks: MAX_CHUNKS,
  closeTimeout: CLOSE_MS,
};

/** Answers GET /v1/trust and POST /v1/enroll; false when the request is for something else. */
export type Routes = (request: IncomingMessage, response: ServerResponse) => boolean;

/** Certificate and key of this server, and the hosts CAs that agents' certificates must come from (PEM). */
export interface GatewayTls {
  readonly key: string;
  readonly cert: string;
  readonly hostsAuthority: string | readonly string[];
}

export interface GatewayOptions {
  readonly store: Store;
  readonly tls: GatewayTls;
  readonly enrollmentRoutes: Routes;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: Events;
  readonly listen: { readonly host: string; readonly port: number };
  readonly collectorVersion?: string;
  /** Renews certificates of hosts; without it, they are told that it is not done here. */
  readonly renew?: Renew;
  /** Times that the store has forgotten; see collector/restorations.ts. */
  readonly restorations?: readonly Restoration[];
  /** What hosts should trust; without it, nothing is said about authorities. */
  readonly authorities?: () => readonly EndorsedAuthority[];
  /** Which signed policy a host says it has accepted, at each Hello. */
  readonly onHeld?: SessionParts['onHeld'];
  readonly limits?: Partial<GatewayLimits>;
}

export interface Gateway {
  /** `wss://host:port`. */
  readonly url: string;
  readonly port: number;
  /** Closes every connection of a host at once; the code tells the agent why. */
  disconnectHost(id: HostId, code: Code): void;
  /** Tells every connected agent that the policy repository has this timestamp version. */
  announcePolicy(version: number | bigint): void;
  /** Tells one host, which has just been accepted, that there is policy for it. */
  announcePolicyTo(host: HostId, version: number | bigint): void;
  /** Tells every connected agent which authorities to trust. */
  announceAuthorities(): void;
  /** Another certificate or other authorities from now on; connections that are open stay. */
  secure(tls: GatewayTls): void;
  connected(): HostId[];
  /** Hosts of this authority that are not in the database. */
  unknownHosts(): readonly UnknownHost[];
  /** Null when the host is not connected. */
  connectedSince(host: HostId): Temporal.Instant | null;
  /** What it counted since it started, and how late the event loop is. */
  load(): Load;
  /** Sends everybody away with a spread retry-after, lets running intake finish, and closes. */
  close(): Promise<void>;
}

/** Listens until close(). Throws ADDRESS_IN_USE. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { clock, log, events, intake, store } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const server = tlsServer(options, limits, (socket) => strangers.known(socket, ENROLLMENT_SOCKETS));
  const sockets = new WebSocketServer(SOCKET_OPTIONS);
  const registry = new Registry(limits, events, log);
  const unfollow = recordFlapping({ store, clock, events, log });
  const rates = new Rates(limits, clock);
  const strangers = new Strangers(limits, clock);
  const meter = new Meter();
  const lag = monitorLag();
  const stopped = new AbortController();
  const custody = createCustody({ store, clock, events });
  const sightings = createSightings(store);
  const unknown = createUnknownHosts({ store, clock, log });
  const authorities = options.authorities ?? (() => []);
  const restorations = options.restorations ?? [];
  let trusted = authoritiesOf(options.tls);
  /** Monotonic time since when they are trusted. */
  let trustedSince = Number.NEGATIVE_INFINITY;

  const open = async (request: IncomingMessage, socket: Duplex, head: Buffer, claim: Claim) => {
    const wait = rates.connect(claim.certificate);
    if (wait > 0) return turnAway(socket, 'RATE_LIMITED', wait);
    const { host } = await admit({ hosts: store.read.hosts, custody, unknown, now: clock.now(), restorations }, claim);
    if (socket.destroyed) return;
    // Not the record: what is named below lives as long as the connection.
    const { name } = host;
    const { address } = claim;

    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      strangers.known(socket);
      const connection: Connection = new Connection({
        host: claim.host,
        socket: webSocket,
        intake,
        policy: store.read.policy,
        clock,
        log,
        limits,
        meter,
        rates: rates.of(claim.host),
        session: hostSession({
          ...{
            store,
            intake,
            clock,
            limits,
            claim,
            custody,
            sightings,
            authorities,
            restorations,
            renew: options.renew ?? null,
          },
          onHeld: options.onHeld ?? (() => undefined),
          collectorVersion: options.collectorVersion ?? '0',
          onQuarantined: () => {
            const error = new CodedError('HOST_QUARANTINED', 'the identity of this host was seen in two places');
            // Also those that are being greeted: they may have been looked at before the quarantine.
            for (const other of registry.ofHost(claim.host)) if (other !== connection) other.end(error);
          },
        }),
        onLive: (connection) => registry.live(connection),
        onClosed: (connection, reason) => registry.remove(connection, reason),
      });
      registry.add({ name, address }, connection);
    });
  };

  const announce = (connections: readonly Connection[], version: number | bigint) => {
    const frame = { type: 'policyAvailable', timestampVersion: BigInt(version) } as const;
    for (const connection of connections) {
      if (!connection.live) continue;
      // It asks anyway with its next connection.
      connection.announce(frame).catch((error: unknown) => log.warn({ error }, 'policy could not be announced'));
    }
  };

  const turnAway = (socket: Duplex, code: Code, retryAfterMs = 0) => {
    meter.refuse(code);
    refuse(socket, code, retryAfterMs);
  };

  paceHandshakes(server, HANDSHAKES_PER_TURN);
  server.on('connection', (socket) => {
    if (strangers.admit(socket)) {
      meter.accepted += 1;
    } else {
      meter.shedding += 1;
      socket.destroy();
    }
  });
  server.on('secureConnection', () => {
    meter.handshakes += 1;
  });
  server.on('tlsClientError', (error, socket) => {
    meter.handshakesFailed += 1;
    log.debug({ code: 'code' in error ? error.code : null }, 'a TLS handshake failed');
    socket.destroy();
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (stopped.signal.aborted) return turnAway(socket, 'UNREACHABLE', limits.shutdownRetryMs);
    const claim = claimOf(socket, trusted, (strangers.since(socket) ?? Number.NEGATIVE_INFINITY) > trustedSince);
    if (typeof claim === 'string') return turnAway(socket, claim);
    if (!isServed('upgrade', request.url)) return turnAway(socket, 'NOT_FOUND');

    open(request, socket, head, claim).catch((error: unknown) => {
      const coded = asCoded(error);
      log.warn({ host: claim.host, code: coded.code }, coded.message);
      const fault = !isRefusal(coded.code);
      turnAway(socket, fault ? 'STORE_FAILED' : coded.code, fault ? limits.faultRetryMs : 0);
    });
  });

  for (const host of await store.read.hosts.list()) {
    // Where a revoked host was, or one that nobody has looked at, a thief may be.
    if (host.lastAddress !== null && counts(host)) strangers.proven(host.lastAddress);
  }
  await listen(server, options.listen);
  const sweeping = sweep(clock, stopped.signal, [
    () => registry.sweep(clock.monotonic()),
    () => rates.sweep(),
    () => strangers.sweep(),
  ]);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.listen.port;

  return {
    port,
    url: `wss://${options.listen.host}:${port}`,
    connected: () => registry.connected(),
    unknownHosts: () => unknown.list(),
    connectedSince: (host) => {
      const live = registry.ofHost(host).find((connection) => connection.live);

      return live ? clock.now().subtract({ milliseconds: Math.round(clock.monotonic() - live.openedAt) }) : null;
    },
    load: () => loadOf({ meter, lag, connections: registry.size, strangers: strangers.size }),
    disconnectHost: (id, code) => {
      for (const connection of registry.ofHost(id)) {
        connection.end(new CodedError(code, 'the collector ended the connection'));
      }
    },
    announceAuthorities: () => {
      const frame = { type: 'authorities', authorities: authorities() } as const;
      for (const connection of registry.all()) if (connection.live) connection.send(frame);
    },
    secure: (tls) => {
      server.setSecureContext(contextOf(tls));
      trusted = authoritiesOf(tls);
      trustedSince = clock.monotonic();
    },
    announcePolicy: (version) => announce(registry.all(), version),
    announcePolicyTo: (host, version) => announce(registry.ofHost(host), version),
    close: async () => {
      if (stopped.signal.aborted) return;
      stopped.abort();
      lag.close();
      unfollow();
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      await drain(registry, limits, clock);
      server.closeIdleConnections();
      await atMost(limits.drainMs, closed, clock);
      strangers.destroyAll();
      server.closeAllConnections();
      await Promise.all([closed, sweeping]);
    },
  };
}

function contextOf({ key, cert, hostsAuthority }: GatewayTls) {
  return {
    ...{ key, cert: withIssuer(cert, [hostsAuthority].flat()), ca: [hostsAuthority].flat() },
    minVersion: 'TLSv1.3' as const,
    // No tickets, no resumption: every connection shows and proves its certificate anew.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}

/** With its issuer behind it, which OpenSSL would otherwise look for, and verify, in every handshake. */
function withIssuer(certificate: string, authorities: readonly string[]): string {
  const own = new X509Certificate(certificate);
  const issuer = authorities.find((authority) => own.checkIssued(new X509Certificate(authority)));

  return issuer === undefined ? certificate : `${certificate.trimEnd()}\n${issuer}`;
}

function authoritiesOf({ hostsAuthority }: GatewayTls): readonly X509Certificate[] {
  return [hostsAuthority].flat().map((pem) => new X509Certificate(pem));
}

/** `onWelcomed`: a token was redeemed over this socket, and whoever did it is a host from now on. */
function tlsServer(
  { tls, enrollmentRoutes }: GatewayOptions,
  limits: GatewayLimits,
  onWelcomed: (socket: Duplex) => void,
): Server {
  const server = createServer(
    {
      ...contextOf(tls),
      requestCert: true,
      // Enrollment comes without a certificate; every upgrade is checked in ./admission.ts.
      rejectUnauthorized: false,
      handshakeTimeout: limits.handshakeMs,
      headersTimeout: limits.handshakeMs,
      requestTimeout: limits.handshakeMs * 2,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: SWEEP_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => {
      if (isServed('request', request.url) && enrollmentRoutes(request, response)) {
        response.once('finish', () => {
          if (isRedeemed(request, response)) onWelcomed(request.socket);
        });

        return;
      }
      response.writeHead(404, { connection: 'close' }).end();
    },
  );
  server.maxConnections = MAX_SOCKETS;

  return server;
}

function listen(server: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const taken = hasErrno(error, 'EADDRINUSE', 'EACCES');
      reject(taken ? new CodedError('ADDRESS_IN_USE', `cannot listen on ${host}:${port}`, { cause: error }) : error);
    });
    server.listen(port, host, () => resolve());
  });
}

/** Waits for the work or the time, whichever is first; a timer that is left would keep the process alive. */
async function atMost(ms: number, work: Promise<unknown>, clock: Clock): Promise<void> {
  const done = new AbortController();
  // Rejects when the work was done first: that is the good case.
  const late = clock.sleep(ms, done.signal).catch(() => undefined);
  await Promise.race([work, late]);
  done.abort();
}

/** Lets frames that are being handled finish, then sends every host away at a time of its own. */
async function drain(registry: Registry, limits: GatewayLimits, clock: Clock): Promise<void> {
  const connections = registry.all();
  const step = limits.shutdownSpreadMs / Math.max(1, connections.length);
  const finished = Promise.all(connections.map((connection) => connection.idle()));
  await atMost(limits.drainMs, finished, clock);

  for (const [index, connection] of connections.entries()) {
    const error = new CodedError('UNREACHABLE', 'the collector is shutting down', { next: 'it will be back' });
    connection.end(error, limits.shutdownRetryMs + index * step);
  }
}
