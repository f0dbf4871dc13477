// A real API over a store and a fleet, and one admin who asks it: TLS, guard and routes as a collector has them. What no question about
// findings needs is left out.
import { request } from 'node:https';
import type { ApiDeps } from '../../../collector/api/deps.ts';
import { startApi } from '../../../collector/api/server.ts';
import { workNow } from '../../../collector/api/todo-work.ts';
import { makeAuthority, makeServerIdentity, validFor } from '../../../collector/enrollment/authorities.ts';
import { Events } from '../../../collector/events.ts';
import type { FleetIndex } from '../../../collector/findings/index.ts';
import { createTriageNow } from '../../../collector/findings/triage-now.ts';
import type { Store } from '../../../collector/store/ports.ts';
import { SUPPRESS_NOTHING } from '../../../collector/vex/suppress.ts';
import { silentLog } from '../../../shared/log/log.ts';
import type { Sha256, Timestamp } from '../../../shared/model/ids.ts';
import { issue } from '../../../shared/pki/authority.ts';
import { adminUri, fingerprint } from '../../../shared/pki/certificate.ts';
import { generateKey } from '../../../shared/pki/keys.ts';
import { systemRandom } from '../../../shared/random.ts';
import { systemClock } from '../../../shared/time/clock.ts';

const DAY_MS = 86_400_000;

export interface AskedApi {
  /** Bytes of the answer; throws when it is none. */
  get(path: string): Promise<number>;
  /** What a collector works out between two questions. */
  workAhead(): Promise<void>;
  close(): Promise<void>;
}

export async function askedApi(store: Store, fleet: FleetIndex): Promise<AskedApi> {
  const at = { now: systemClock.now(), random: systemRandom };
  const admins = makeAuthority('admins', at);
  const policy = {
    current: async () => ({ timestampVersion: 1, expires: at.now.toString(), documents: [], files: [] }),
  };
  const deps: Partial<ApiDeps> = {
    ...{ store, policy: policy as unknown as ApiDeps['policy'], events: new Events(), clock: systemClock },
    ...{ log: silentLog, version: '0', alarms: async () => ({ alarms: [], held: [] }), fleet: () => fleet },
    ...{ suppress: () => SUPPRESS_NOTHING, triage: createTriageNow({ feeds: store.read.feeds, fleet, policy }) },
    connections: {
      connected: () => [],
      connectedSince: () => null,
      unknownHosts: () => [],
    } as unknown as ApiDeps['connections'],
    firstContact: () => false,
    tls: { ...makeServerIdentity(admins, ['127.0.0.1'], at), adminsAuthority: admins.certificate },
    listen: { host: '127.0.0.1', port: 0 },
  };
  const api = await startApi(deps as ApiDeps);
  // Another one each time that the same store is asked.
  const name = `bench-${at.now.epochMilliseconds}`;
  const { privateKey: key, publicKey } = generateKey();
  const cert = issue({
    ...{ authority: admins, publicKey, commonName: name, usage: 'client' as const },
    alternativeNames: [{ type: 'uri', value: adminUri(name) }],
    ...validFor(DAY_MS, at),
  });
  await store.transaction((writers) =>
    writers.admins.add({
      ...{ name, role: 'reader', state: 'active', keyId: null, revokedAt: null },
      certificate: fingerprint(cert) as Sha256,
      certificateExpires: at.now.add({ milliseconds: DAY_MS }).toString() as Timestamp,
      addedAt: at.now.toString() as Timestamp,
    }),
  );
  const connection = { host: '127.0.0.1', port: api.port, ca: admins.certificate, key, cert, agent: false } as const;

  return {
    get: (path) =>
      new Promise((resolve, reject) => {
        const sent = request({ ...connection, method: 'GET', path }, (response) => {
          let bytes = 0;
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
          });
          response.on('end', () => {
            if (response.statusCode === 200) resolve(bytes);
            else reject(new Error(`${path} was answered with ${response.statusCode}`));
          });
        });
        sent.on('error', reject);
        sent.end();
      }),
    workAhead: async () => {
      await workNow(deps as ApiDeps);
    },
    close: () => api.close(),
  };
}
