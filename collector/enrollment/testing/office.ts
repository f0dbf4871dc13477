// A whole enrollment office for tests: real store on a file, real authorities, real TLS servers on loopback, and newcomers
// with real keys. Only its clock is a fake; it starts at the real time, because certificates are checked by OpenSSL's.

import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import type { Authority } from '@selvage/shared/pki/authority.ts';
import { createRequest, runnerProofMessage } from '@selvage/shared/pki/csr.ts';
import { generateKey, type KeyPair, signBytes } from '@selvage/shared/pki/keys.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { type FakeClock, fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { afterAll } from 'vitest';
import { type CollectorEvent, Events } from '../../events.ts';
import type { AuditEntry, Store } from '../../store/ports.ts';
import { freshStores } from '../../store/testing/fresh-store.ts';
import { makeAuthority, makeServerIdentity } from '../authorities.ts';
import { createEnrollment, type Enrollment } from '../enrollment.ts';
import type { HostRequest } from '../requests.ts';
import { enrollmentRoutes, loginRoutes, type RouteOptions } from '../routes.ts';

export const ROOT = new TextEncoder().encode('{"signed":{"_type":"root"}}');
export const HOUR_MS = 3_600_000;

export interface Office {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly hosts: Authority;
  readonly admins: Authority;
  readonly enrollment: Enrollment;
  readonly events: readonly CollectorEvent[];
  ledger(): Promise<readonly AuditEntry[]>;
  hostToken(boundTo?: string | null): Promise<string>;
  adminToken(boundTo: string, role?: 'admin' | 'reader'): Promise<string>;
}

/** Call at the top of a test file; the function it returns opens a new office each time. */
export function offices(label: string): () => Promise<Office> {
  const fresh = freshStores(label);

  return async () => {
    const store = await fresh();
    const clock = fakeClock(Temporal.Now.instant().toString());
    const at = { now: clock.now(), random: systemRandom };
    const [hosts, admins] = [makeAuthority('hosts', at), makeAuthority('admins', at)];
    const events = new Events();
    const heard: CollectorEvent[] = [];
    events.subscribe((event) => heard.push(event));
    const root = async () => ROOT;
    const enrollment = createEnrollment({ store, hosts, admins, root, clock, random: systemRandom, events });
    const common = { ttlMs: HOUR_MS, createdBy: 'admin:ann' };

    return {
      store,
      clock,
      hosts,
      admins,
      enrollment,
      events: heard,
      ledger: () => store.read.audit.after(0, 1000),
      hostToken: async (boundTo = 'web-1') =>
        (await enrollment.createToken({ kind: 'host', boundTo, ...common })).token,
      adminToken: async (boundTo, role) =>
        (await enrollment.createToken({ kind: 'admin', boundTo, ...(role ? { role } : {}), ...common })).token,
    };
  };
}

export interface Newcomer {
  readonly keys: KeyPair;
  readonly runner: KeyPair;
  request(token: string, over?: Partial<HostRequest>): HostRequest;
}

/** A machine with keys of its own. */
export function newcomer(name = 'web-1'): Newcomer {
  const keys = generateKey();
  const runner = generateKey();

  return {
    keys,
    runner,
    request: (token, over = {}) => {
      const csr = over.csr ?? createRequest({ commonName: name, privateKey: keys.privateKey });

      return {
        token,
        name,
        csr,
        machineId: 'f'.repeat(64) as Sha256,
        mode: 'managed',
        runnerKey: runner.publicKey,
        runnerProof: proofOf(csr, runner.privateKey),
        ...over,
      };
    },
  };
}

export function proofOf(csr: string, runnerKey: string): string {
  return Buffer.from(signBytes(runnerProofMessage(csr), runnerKey)).toString('base64');
}

/** The office's own gate: the routes on a TLS 1.3 port of 127.0.0.1. Returns its address. */
export async function gate(office: Office, kind: 'hosts' | 'admins', options: RouteOptions = {}): Promise<string> {
  const routes = (kind === 'hosts' ? enrollmentRoutes : loginRoutes)(office.enrollment, options);
  const tls = makeServerIdentity(office[kind], ['127.0.0.1'], { now: office.clock.now(), random: systemRandom });

  return serve(tls, (request, response) => {
    if (!routes(request, response)) response.writeHead(404).end();
  });
}

/** Any TLS server; closed when the test file ends. */
async function serve(
  tls: { readonly key: string; readonly cert: string; readonly ca?: string; readonly requestCert?: boolean },
  listener: RequestListener,
): Promise<string> {
  const server = createServer({ ...tls, minVersion: 'TLSv1.3' }, listener);
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
