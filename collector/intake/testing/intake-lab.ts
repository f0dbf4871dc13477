// An intake on a real store with one host in it. For tests only.
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import type { DurableBody } from '@selvage/shared/wire/wire.ts';
import { type CollectorEvent, Events } from '../../events.ts';
import { durable } from '../../gateway/testing/messages.ts';
import { makeAuthority, makeHost, NOW, type TestHost } from '../../gateway/testing/world.ts';
import type { Store } from '../../store/ports.ts';
import { hostSample } from '../../store/samples.ts';
import { freshStores } from '../../store/testing/fresh-store.ts';
import { createIntake } from '../intake.ts';

/** `name` is that of the test file: its stores lie in a folder of their own. */
export function intakeLab(name: string) {
  const freshStore = freshStores(name);
  const authority = makeAuthority();
  const host: TestHost = makeHost(authority, 1);

  return {
    authority,
    host,
    make: async () => {
      const store = await freshStore();
      const events = new Events();
      const seen: CollectorEvent[] = [];
      events.subscribe((event) => seen.push(event));
      await store.transaction((writers) =>
        writers.hosts.add(hostSample(1, { id: host.id, runnerKey: host.runner.publicKey, agentVersion: '1' })),
      );
      const clock = fakeClock(NOW);
      const intake = createIntake({ store, clock, events });
      const send = (stream: string, sequence: number, body: DurableBody) =>
        intake.accept(host.id, durable(stream, sequence, body));

      return { store, intake, seen, send, clock, events };
    },
    position: (store: Store, stream: string) => store.read.streams.position(host.id, stream),
    ledger: async (store: Store) =>
      (await store.read.audit.after(0, 1000)).map(({ action, details }) => ({ action, ...details })),
  };
}
