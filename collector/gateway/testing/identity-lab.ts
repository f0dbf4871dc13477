// A gateway with a real enrollment office behind it, and machines with real keys and certificates: for tests of what an
// identity is worth over years. Real TLS sockets and SQLite; only the clock is moved by the test.
import { silentLog } from '@selvage/shared/log/log.ts';
import type { HostId, Sha256 } from '@selvage/shared/model/ids.ts';
import { type Authority, issue } from '@selvage/shared/pki/authority.ts';
import { fingerprint, hostUri } from '@selvage/shared/pki/certificate.ts';
import { createRequest } from '@selvage/shared/pki/csr.ts';
import { generateKey, type KeyPair } from '@selvage/shared/pki/keys.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import type { AgentFrame, CollectorFrame, Hello } from '@selvage/shared/wire/wire.ts';
import { afterAll } from 'vitest';
import { makeAuthority, makeServerIdentity, validFor } from '../../enrollment/authorities.ts';
import { createEnrollment } from '../../enrollment/enrollment.ts';
import { newcomer, ROOT } from '../../enrollment/testing/office.ts';
import { type CollectorEvent, Events } from '../../events.ts';
import { createIntake } from '../../intake/intake.ts';
import type { HostRecord } from '../../store/ports.ts';
import { freshStores } from '../../store/testing/fresh-store.ts';
import { type GatewayOptions, startGateway } from '../gateway.ts';
import { dial } from './world.ts';

export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
const HEX_ID = 64;

/** A machine with the files of an identity, of its own or copied. */
export interface Machine {
  readonly id: HostId;
  readonly name: string;
  readonly machineId: string;
  readonly key: string;
  readonly cert: string;
}

export const machineIdOf = (letter: string) => letter.repeat(HEX_ID) as Sha256;

/** Call at the top of a test file. The clock of a lab starts so many days before the real time. */
export function identityLabs(label: string) {
  const fresh = freshStores(label);

  return async (options: { readonly daysAgo?: number; readonly gateway?: Partial<GatewayOptions> } = {}) => {
    const start = Temporal.Now.instant().subtract({ hours: 24 * (options.daysAgo ?? 0) });
    const clock = fakeClock(start.round('millisecond').toString());
    const store = await fresh();
    const events = new Events();
    const heard: CollectorEvent[] = [];
    events.subscribe((event) => heard.push(event));
    const at = { now: clock.now(), random: systemRandom };
    const [hosts, admins] = [makeAuthority('hosts', at), makeAuthority('admins', at)];
    const common = { store, clock, random: systemRandom, events };
    const enrollment = createEnrollment({ ...common, hosts, admins, root: async () => ROOT });
    const gateway = await startGateway({
      ...{ store, clock, events, log: silentLog, enrollmentRoutes: () => false },
      tls: { ...makeServerIdentity(hosts, ['127.0.0.1'], at), hostsAuthority: hosts.certificate },
      intake: createIntake({ store, clock, events }),
      listen: { host: '127.0.0.1', port: 0 },
      renew: (request) => enrollment.renewHost(request),
      ...options.gateway,
    });
    afterAll(() => gateway.close());

    const open = async (machine: Pick<Machine, 'key' | 'cert'>) => dial(gateway, hosts, machine);
    const lab = {
      ...{ clock, store, events, heard, hosts, admins, enrollment, gateway },
      /** Moves the wall clock only: a year has too many sweeps to run each of them. */
      later: (ms: number) => clock.setWall(clock.now().add({ milliseconds: ms }).toString()),
      /** A new host on a machine of its own. */
      enroll: async (name: string, machineId: string = machineIdOf('a')): Promise<Machine> => {
        const { token } = await enrollment.createToken({
          ...{ kind: 'host', boundTo: name, ttlMs: HOUR_MS, createdBy: 'admin:ann' },
        });
        const machine = newcomer(name);
        const { hostId, certificate } = await enrollment.enrollHost(machine.request(token, { machineId }));

        return { id: hostId, name, machineId, key: machine.keys.privateKey, cert: certificate };
      },
      /** A connection that has said nothing yet. Throws Refused. */
      open,
      /** Connects and says hello; `first` is the answer. */
      connect: async (machine: Machine, over: Partial<Hello> = {}) => {
        const client = await open(machine);
        client.send(helloOf(machine, over));

        return { ...client, first: await client.next() };
      },
      record: async (machine: Pick<Machine, 'id'>): Promise<HostRecord> => {
        const host = await store.read.hosts.byId(machine.id);
        if (!host) throw new Error(`no host ${machine.id}`);

        return host;
      },
      /** Actions of the ledger about the host, in order. */
      ledger: async (machine: Pick<Machine, 'id'>) =>
        (await store.read.audit.after(0, 1000))
          .filter(({ subject }) => subject === `host:${machine.id}`)
          .map(({ action }) => action),
      /** Connects, asks for the next certificate with a new key, and disconnects without having used it. */
      renewed: async (machine: Machine): Promise<Machine> => {
        const client = await lab.connect(machine);
        const next = await lab.renewal(client, machine);
        client.socket.terminate();
        await client.closed;

        return next;
      },
      /** Asks over a connection that is open. Throws what the collector answers instead of a certificate. */
      renewal: async (
        client: { send(frame: AgentFrame): void; next(): Promise<CollectorFrame> },
        machine: Machine,
        keys: KeyPair = generateKey(),
      ): Promise<Machine> => {
        client.send({ type: 'renewalRequest', csr: createRequest({ commonName: 'x', privateKey: keys.privateKey }) });
        let frame = await client.next();
        // What a host that must renew is told before it asks.
        if (frame.type === 'problem' && frame.code === 'CERTIFICATE_EXPIRED' && !frame.fatal)
          frame = await client.next();
        if (frame.type !== 'renewal') throw frame;

        return { ...machine, key: keys.privateKey, cert: frame.certificate };
      },
    };

    return lab;
  };
}

export function helloOf(machine: Machine, over: Partial<Hello> = {}): Hello {
  return {
    type: 'hello',
    ...{ versions: [1], agentVersion: '0.1.0', machineId: machine.machineId, mode: 'managed', streams: [] },
    ...{ authorities: [], now: '', understands: [] },
    ...over,
  };
}

/** A certificate that no enrollment gave out. */
export function forged(
  machine: Pick<Machine, 'id'>,
  authority: Authority,
  over: { readonly usage?: 'client' | 'server'; readonly uri?: string; readonly now?: Temporal.Instant } = {},
): Pick<Machine, 'key' | 'cert'> {
  const { privateKey, publicKey } = generateKey();
  const cert = issue({
    ...{ authority, publicKey, commonName: machine.id, usage: over.usage ?? 'client' },
    alternativeNames: [{ type: 'uri', value: over.uri ?? hostUri(machine.id) }],
    ...validFor(30 * DAY_MS, { now: over.now ?? Temporal.Now.instant(), random: systemRandom }),
  });

  return { key: privateKey, cert };
}

export const print = (machine: Pick<Machine, 'cert'>) => fingerprint(machine.cert);
