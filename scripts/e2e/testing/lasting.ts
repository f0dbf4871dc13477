// A collector and hosts on one clock that a test moves by days and years: the product's own rooms on both sides, over real
// TLS sockets and a real database. What they keep on disk is all they have after each jump.
import { dirname, join } from 'node:path';
import { makeFolder } from '@selvage/shared/files/durable.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { HostId } from '@selvage/shared/model/ids.ts';
import { pinOf } from '@selvage/shared/pki/pin.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { type FakeClock, fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll } from 'vitest';
import { enroll } from '../../../agent/connector/enroll.ts';
import { type Identity, loadIdentity } from '../../../agent/connector/identity.ts';
import { openIdentitySource } from '../../../agent/connector/identity-source.ts';
import { type LinkEvent, runLink } from '../../../agent/connector/link.ts';
import { makeAuthority, makeServerIdentity } from '../../../collector/enrollment/authorities.ts';
import { createEnrollment, type Enrollment } from '../../../collector/enrollment/enrollment.ts';
import { openHostsAuthorities } from '../../../collector/enrollment/hosts-authorities.ts';
import { createRotation, type RotationDesk } from '../../../collector/enrollment/rotation.ts';
import { enrollmentRoutes } from '../../../collector/enrollment/routes.ts';
import { type CollectorEvent, Events } from '../../../collector/events.ts';
import { type Gateway, startGateway } from '../../../collector/gateway/gateway.ts';
import { type CollectorFiles, homeAt } from '../../../collector/home.ts';
import { hostsShelf } from '../../../collector/hosts-shelf.ts';
import { createIntake } from '../../../collector/intake/intake.ts';
import type { HostRecord, Store } from '../../../collector/store/ports.ts';
import { openStore } from '../../../collector/store/store.ts';

const LOOPBACK = '127.0.0.1';
const ROOT = new TextEncoder().encode('{"signed":{"_type":"root"}}\n');
const TOKEN_MS = 3_600_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const cleanups: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const cleanup of cleanups.reverse()) await cleanup();
});

export interface LastingCollector {
  readonly clock: FakeClock;
  readonly store: Store;
  readonly enrollment: Enrollment;
  readonly rotation: RotationDesk;
  readonly gateway: Gateway;
  readonly events: readonly CollectorEvent[];
  /** Days go by for everybody; nobody is connected meanwhile. */
  days(count: number): Promise<void>;
  host(name: string): Promise<LastingHost>;
  record(host: LastingHost): Promise<HostRecord>;
  /** What the ledger says, oldest first. */
  ledger(): Promise<readonly string[]>;
}

export async function makeLastingCollector(): Promise<LastingCollector> {
  // Enrollment trusts the clock of the machine, as a person who stands there does: time starts today.
  const clock = fakeClock(Temporal.Now.instant().toString());
  const random = systemRandom;
  const at = () => ({ now: clock.now(), random });
  const files: CollectorFiles = homeAt(temporaryFolder('lasting')).collector;
  await makeFolder(dirname(files.database));
  const store = await openStore({ file: files.database, clock });
  const events = new Events();
  const seen: CollectorEvent[] = [];
  events.subscribe((event) => seen.push(event));
  const shelf = hostsShelf(files);
  await shelf.writePresent(makeAuthority('hosts', at()));
  const authorities = await openHostsAuthorities(shelf);
  const hosts = authorities.issuing;
  const enrollment = createEnrollment({
    ...{ store, hosts, clock, random, events },
    newest: () => authorities.newest,
    admins: makeAuthority('admins', at()),
    root: async () => ROOT,
  });
  let server = makeServerIdentity(hosts, [LOOPBACK], at());
  const tls = () => ({ ...server, hostsAuthority: authorities.trusted });
  const gateway = await startGateway({
    ...{ store, tls: tls(), clock, events, log: silentLog },
    enrollmentRoutes: enrollmentRoutes(enrollment, { log: silentLog }),
    intake: createIntake({ store, clock, events }),
    listen: { host: LOOPBACK, port: 0 },
    renew: (request) => enrollment.renewHost(request),
    authorities: () => authorities.endorsed,
  });
  const rotation = createRotation({
    ...{ authorities, store, clock, random },
    onChanged: (step) => {
      if (step === 'switched') server = makeServerIdentity(hosts, [LOOPBACK], at());
      gateway.secure(tls());
      gateway.announceAuthorities();
    },
  });
  cleanups.push(async () => {
    await gateway.close();
    await store.close();
  });

  return {
    ...{ clock, store, enrollment, rotation, gateway, events: seen },
    days: async (count) => {
      clock.setWall(
        clock
          .now()
          .add({ milliseconds: Math.round(count * DAY_MS) - HOUR_MS })
          .toString(),
      );
      // Rates are counted by the other clock; an hour is as good as days for them.
      await clock.advance(HOUR_MS);
    },
    host: async (name) => {
      const stateDir = temporaryFolder('lasting-host');
      const { token } = await enrollment.createToken({
        kind: 'host',
        boundTo: name,
        ttlMs: TOKEN_MS,
        createdBy: 'admin',
      });
      const machineId = name.padEnd(64, '0');
      const { hostId } = await enroll({
        ...{ url: gateway.url, token, name, mode: 'observe', machineId, stateDir, runnerDir: join(stateDir, 'runner') },
        pin: pinOf(hosts.certificate, ROOT),
      });

      return new LastingHost({ hostId, clock, machineId, url: gateway.url, identity: join(stateDir, 'identity') });
    },
    record: async ({ hostId }) => {
      const record = await store.read.hosts.byId(hostId);
      if (!record) throw new Error(`no host ${hostId}`);

      return record;
    },
    ledger: async () => (await store.read.audit.after(0, 1000)).map(({ action }) => action),
  };
}

interface HostParts {
  readonly hostId: HostId;
  readonly clock: FakeClock;
  readonly machineId: string;
  readonly url: string;
  /** Folder. */
  readonly identity: string;
}

export class LastingHost {
  readonly #parts: HostParts;
  readonly #events: LinkEvent[] = [];
  #arrived: () => void = () => undefined;
  #stop: (() => Promise<void>) | null = null;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  get hostId(): HostId {
    return this.#parts.hostId;
  }

  /** The folder of its identity. */
  get folder(): string {
    return this.#parts.identity;
  }

  identity(): Promise<Identity> {
    return loadIdentity(this.#parts.identity);
  }

  /** The same identity on this machine or, with another id, on another one: a copy of the disk. */
  copy(over: { readonly identity: string; readonly machineId?: string }): LastingHost {
    return new LastingHost({ ...this.#parts, ...over });
  }

  start(): void {
    const { clock, identity, machineId, url } = this.#parts;
    const controller = new AbortController();
    const done = runLink({
      ...{ clock, machineId, url },
      identity: openIdentitySource(identity),
      streams: [],
      mirror: { sync: async () => null },
      agentVersion: '0.1.0',
      mode: 'observe',
      random: systemRandom,
      log: silentLog,
      onEvent: (event) => {
        this.#events.push(event);
        this.#arrived();
      },
      signal: controller.signal,
    });
    this.#stop = async () => {
      controller.abort();
      await done;
    };
    cleanups.push(() => this.stop());
  }

  async stop(): Promise<void> {
    await this.#stop?.();
    this.#stop = null;
    this.#events.length = 0;
  }

  /** The next event of that type; whatever the link waits for on the way there passes at once. */
  async until<T extends LinkEvent['type']>(type: T): Promise<LinkEvent & { readonly type: T }> {
    for (;;) {
      const event = this.#events.shift();
      if (event?.type === type) return event as LinkEvent & { readonly type: T };
      if (event?.type === 'waiting') {
        await this.#parts.clock.sleeping();
        await this.#parts.clock.advance(event.ms);
      } else if (event === undefined) {
        await new Promise<void>((resolve) => {
          this.#arrived = resolve;
        });
      }
    }
  }
}
