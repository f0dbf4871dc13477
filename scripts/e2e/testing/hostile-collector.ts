// A collector that serves whatever policy its thief likes: gateway, intake, enrollment and store are the real ones on real
// TLS; only the policy files come from a repository that publishes without any check.
import { join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { SampleRepository } from '@selvage/shared/policy/testing/sample-repository.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { afterAll } from 'vitest';
import { makeAuthority, makeServerIdentity } from '../../../collector/enrollment/authorities.ts';
import { createEnrollment } from '../../../collector/enrollment/enrollment.ts';
import { enrollmentRoutes } from '../../../collector/enrollment/routes.ts';
import { Events } from '../../../collector/events.ts';
import { startGateway } from '../../../collector/gateway/gateway.ts';
import { createIntake } from '../../../collector/intake/intake.ts';
import type { PolicyReader, Store } from '../../../collector/store/ports.ts';
import { openStore } from '../../../collector/store/store.ts';
import { succeeded } from '../../lab/commands.ts';
import type { RealHost } from './host.ts';

export interface HostileCollector {
  readonly store: Store;
  enroll(host: RealHost): Promise<void>;
  /** Tells connected agents of the timestamp that the repository has now; returns its version. */
  announce(): number;
}

const TOKEN_MS = 3_600_000;
const LOOPBACK = '127.0.0.1';
const close: (() => Promise<void>)[] = [];

afterAll(async () => {
  for (const each of close) await each();
});

export async function hostileCollector(policy: SampleRepository): Promise<HostileCollector> {
  const clock = systemClock;
  const random = systemRandom;
  const events = new Events();
  const at = { now: clock.now(), random };
  const store = await openStore({ file: join(temporaryFolder('hostile'), 'selvage.db'), clock });
  const files: PolicyReader = { file: async (name, hash) => policy.files(name, hash), names: async () => [] };
  const served: Store = {
    read: { ...store.read, policy: files },
    transaction: (work) => store.transaction(work),
    close: () => store.close(),
  };
  const hosts = makeAuthority('hosts', at);
  const enrollment = createEnrollment({
    store,
    hosts,
    admins: makeAuthority('admins', at),
    root: async () => policy.root,
    clock,
    random,
    events,
  });
  const gateway = await startGateway({
    store: served,
    tls: { ...makeServerIdentity(hosts, [LOOPBACK], at), hostsAuthority: hosts.certificate },
    enrollmentRoutes: enrollmentRoutes(enrollment, { log: silentLog }),
    intake: createIntake({ store, clock, events }),
    clock,
    log: silentLog,
    events,
    listen: { host: LOOPBACK, port: 0 },
  });
  close.push(async () => {
    await gateway.close();
    await store.close();
  });

  return {
    store,
    enroll: async (host) => {
      const { token } = await enrollment.createToken({
        kind: 'host',
        boundTo: host.name,
        ttlMs: TOKEN_MS,
        createdBy: 'thief',
      });
      const contact = ['--collector', gateway.url, '--pin', await enrollment.pin('hosts'), '--name', host.name];
      succeeded(await host.agent(['enroll', ...contact, '--token', token]));
    },
    announce: () => {
      const { signed } = JSON.parse(Buffer.from(policy.contents.get('timestamp.json') ?? []).toString('utf8'));
      gateway.announcePolicy(signed.version);

      return signed.version;
    },
  };
}
