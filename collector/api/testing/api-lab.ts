// A real API on port 0: real TLS, real SQLite, real enrollment, certificates of both authorities. Only the policy
// repository and the live connections are stand-ins that behave. For tests only.
import { request } from 'node:https';
import { join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { HostId, Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { type Authority, issue } from '@selvage/shared/pki/authority.ts';
import { adminUri, fingerprint } from '@selvage/shared/pki/certificate.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { createSigningKey } from '@selvage/shared/policy/keys.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { makeAuthority, makeServerIdentity, validFor } from '../../enrollment/authorities.ts';
import { createEnrollment, type Enrollment } from '../../enrollment/enrollment.ts';
import { type AuthorityShelf, openHostsAuthorities, type Rotation } from '../../enrollment/hosts-authorities.ts';
import { createRotation } from '../../enrollment/rotation.ts';
import { loginRoutes } from '../../enrollment/routes.ts';
import { Events } from '../../events.ts';
import { createFeeds } from '../../feeds/feeds.ts';
import { feedSettings } from '../../feeds/keeping/settings.ts';
import { FleetIndex } from '../../findings/index.ts';
import { createTriageNow } from '../../findings/triage-now.ts';
import type { Load } from '../../metrics/meter.ts';
import type { AdminRecord, Store } from '../../store/ports.ts';
import { openStore } from '../../store/store.ts';
import { SUPPRESS_NOTHING, type Suppress } from '../../vex/suppress.ts';
import type { ApiDeps, CurrentPolicy } from '../deps.ts';
import { startApi } from '../server.ts';

export interface ClientIdentity {
  readonly key: string;
  readonly cert: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly json: { readonly code?: string; readonly [key: string]: unknown };
  readonly text: string;
}

interface CallOptions {
  readonly as?: ClientIdentity;
  readonly body?: unknown;
  /** Bytes instead of a body. */
  readonly raw?: string;
  /** Of the body; JSON when left out. */
  readonly type?: string;
  readonly maxVersion?: 'TLSv1.2';
  /** Another server with the same certificate. */
  readonly port?: number;
}

export interface ApiLab {
  readonly port: number;
  readonly store: Store;
  readonly events: Events;
  readonly clock: ReturnType<typeof fakeClock>;
  readonly deps: ApiDeps;
  readonly admins: Authority;
  readonly hosts: Authority;
  readonly connected: Set<HostId>;
  readonly disconnected: string[];
  /** Hosts that knock and are in no database. */
  readonly unknown: { readonly id: string; readonly address: string; readonly lastSeen: string }[];
  readonly policy: { current: CurrentPolicy };
  /** Empty; a test may put another one in. */
  readonly findings: { fleet: FleetIndex; suppress: Suppress };
  /** An active admin in the store with a certificate of the admins' authority. */
  /** The room itself, for what no route of the API does. */
  readonly office: Enrollment;
  admin(name: string, role: AdminRecord['role']): Promise<ClientIdentity>;
  /** A client certificate of an authority, known to nobody. */
  certificate(authority: Authority, uri: string, lifeMs?: number): ClientIdentity;
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;
export const LOAD: Load = {
  eventLoop: { p50Ms: 0.1, p99Ms: 2.5, maxMs: 7 },
  ...{ connections: 3, strangers: 2, accepted: 9, shedding: 1, handshakes: 8, handshakesFailed: 1 },
  ...{ framesIn: 40, framesOut: 41, bytesIn: 4096, commits: 12, waiting: 0, residentBytes: 80_000_000 },
  refused: { RATE_LIMITED: 4, CERTIFICATE_INVALID: 2 },
};

export async function apiLab(): Promise<ApiLab> {
  // Certificates are checked against the real time by TLS, so the fake clock starts there.
  const clock = fakeClock(Temporal.Now.instant().round('second').toString());
  const random = systemRandom;
  const at = { now: clock.now(), random };
  const store = await openStore({ file: join(temporaryFolder('api'), 'selvage.db'), clock });
  const events = new Events();
  const hosts = makeAuthority('hosts', at);
  const admins = makeAuthority('admins', at);
  const enrollment = createEnrollment({
    ...{ store, hosts, admins, clock, random, events },
    root: async () => new TextEncoder().encode('{"root":1}'),
  });
  const connected = new Set<HostId>();
  const disconnected: string[] = [];
  const unknown: ApiLab['unknown'] = [];
  events.subscribe((event) => {
    if (event.type === 'host.revoked') disconnected.push(event.host);
  });
  const policy: { current: CurrentPolicy } = {
    current: { timestampVersion: 1, expires: clock.now().toString(), versions: {}, documents: [], files: [] },
  };
  const findings = { fleet: new FleetIndex(), suppress: SUPPRESS_NOTHING };
  const feeds = await createFeeds({
    ...{ store, clock, random, events, log: silentLog, version: '0.0.0', environment: {} },
    ...{ folder: temporaryFolder('feeds'), settings: feedSettings.parse({ list: 'off' }), ecosystems: async () => [] },
  });
  const deps: ApiDeps = {
    feeds,
    ...{ store, enrollment, events, clock, log: silentLog, version: '0.0.0' },
    policy: {
      current: async () => policy.current,
      push: async ({ by, metadata }) => {
        const at = clock.now().toString() as Timestamp;
        await store.transaction((writers) =>
          writers.audit.append({ at, actor: by, action: 'policy.pushed', subject: metadata[0]?.name ?? '' }),
        );

        return { timestampVersion: 2 };
      },
      offer: async () => ({
        ...{ number: 1, timestampVersion: null },
        signatures: { needed: 2, have: 1, from: ['bob'], problem: null },
      }),
      proposeOnlineKeys: async () => ({ snapshot: createSigningKey(), timestamp: createSigningKey() }),
    },
    fleet: () => findings.fleet,
    suppress: () => findings.suppress,
    triage: () =>
      createTriageNow({
        ...{ feeds: store.read.feeds, fleet: findings.fleet },
        policy: { current: async () => policy.current },
      })(),
    alarms: async () => ({ alarms: [], held: [] }),
    authorities: createRotation({
      ...{ store, clock, random, onChanged: () => undefined },
      authorities: await openHostsAuthorities(shelfOf(hosts)),
    }),
    connections: {
      connected: () => [...connected],
      connectedSince: (host) => (connected.has(host) ? clock.now() : null),
      unknownHosts: () => unknown,
      load: () => LOAD,
    },
    firstContact: loginRoutes(enrollment),
    addresses: () => ({ gateway: 'wss://c:1', gatewayPin: 'sha256:a', api: 'https://c:2', apiPin: 'sha256:b' }),
    tls: { ...makeServerIdentity(admins, ['127.0.0.1'], at), adminsAuthority: admins.certificate },
    listen: { host: '127.0.0.1', port: 0 },
  };
  const api = await startApi(deps);

  const certificate = (authority: Authority, uri: string, lifeMs = DAY_MS): ClientIdentity => {
    const { privateKey, publicKey } = generateKey();
    const cert = issue({
      ...{ authority, publicKey, commonName: 'test', usage: 'client' as const },
      alternativeNames: [{ type: 'uri', value: uri }],
      ...validFor(lifeMs, { now: Temporal.Now.instant(), random }),
    });

    return { key: privateKey, cert };
  };

  return {
    office: enrollment,
    ...{
      port: api.port,
      store,
      events,
      clock,
      deps,
      admins,
      hosts,
      connected,
      disconnected,
      unknown,
      policy,
      findings,
      certificate,
    },
    admin: async (name, role) => {
      const identity = certificate(admins, adminUri(name));
      const record: AdminRecord = {
        ...{ name, role, state: 'active', keyId: null, revokedAt: null },
        certificate: fingerprint(identity.cert) as Sha256,
        certificateExpires: clock.now().add({ milliseconds: DAY_MS }).toString() as Timestamp,
        addedAt: clock.now().toString() as Timestamp,
      };
      await store.transaction((writers) => writers.admins.add(record));

      return identity;
    },
    call: (method, path, options = {}) =>
      call({ port: api.port, authority: admins.certificate }, method, path, options),
    close: async () => {
      await api.close();
      await feeds.close();
      await store.close();
    },
  };
}

function call(
  server: { readonly port: number; readonly authority: string },
  method: string,
  path: string,
  options: CallOptions,
): Promise<Answer> {
  const payload = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));

  return new Promise((resolve, reject) => {
    const sent = request(
      {
        ...{ host: '127.0.0.1', port: options.port ?? server.port, method, path, ca: server.authority, agent: false },
        ...(options.as ?? {}),
        ...(options.maxVersion ? { maxVersion: options.maxVersion } : {}),
        headers: payload === undefined ? {} : { 'content-type': options.type ?? 'application/json' },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parse(text) });
        });
      },
    );
    sent.on('error', reject);
    sent.end(payload);
  });
}

/** The files of an authority, in memory. */
function shelfOf(authority: Authority): AuthorityShelf {
  let present = authority;
  let rotation: Rotation | null = null;

  return {
    readPresent: async () => present,
    writePresent: async (next) => {
      present = next;
    },
    readRotation: async () => rotation,
    writeRotation: async (next) => {
      rotation = next;
    },
    removeRotation: async () => {
      rotation = null;
    },
  };
}

function parse(text: string): Answer['json'] {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
