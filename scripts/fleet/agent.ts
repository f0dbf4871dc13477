// A simulated host in this process: the real enrollment, outbox and link of the agent over real TLS. Only what it reports is
// made up. It starts no process and touches nothing outside its folder.
import { join } from 'node:path';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { HostId, Mode } from '@selvage/shared/model/ids.ts';
import type { Connect } from '@selvage/shared/pki/https.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { type Clock, systemClock } from '@selvage/shared/time/clock.ts';
import { openIdentitySource } from '../../agent/connector/identity-source.ts';
import { resendSections, sendParcel, sentSections } from '../../agent/connector/inventory-sender.ts';
import { type LinkEvent, runLink } from '../../agent/connector/link.ts';
import { openOutbox } from '../../agent/connector/outbox.ts';
import { BUSY_MS, enrollPatiently } from '../../agent/connector/patience.ts';
import { packInventory } from '../../agent/inventory/parcel.ts';
import { inventoryOf } from './inventory.ts';

export interface Place {
  readonly url: string;
  readonly pin: string;
  readonly token: string;
  /** All that the host keeps lies in a folder of its name in here. */
  readonly folder: string;
  readonly mode: Mode;
  /** The way to the collector; left out: directly. */
  readonly connect?: Connect;
  readonly clock?: Clock;
  /** Milliseconds in which a collector that is busy, or too busy to answer, is asked again. */
  readonly patienceMs?: number;
}

export interface Simulated {
  readonly name: string;
  readonly hostId: HostId;
  /** Times that the collector sent it away before it took it. */
  readonly sentAway: number;
  readonly stateDir: string;
  readonly machineId: string;
}

/** Throws as `enroll` of the agent does. */
export async function enrollOne(name: string, place: Place): Promise<Simulated> {
  const { url, pin, token, mode, connect, clock = systemClock } = place;
  const stateDir = join(place.folder, name);
  const machineId = sha256(name);
  let sentAway = 0;
  const { hostId } = await enrollPatiently(
    {
      ...{ url, pin, token, name, mode, machineId, stateDir, runnerDir: join(stateDir, 'runner') },
      ...(connect === undefined ? {} : { connect }),
    },
    {
      ...{ clock, random: systemRandom, forMs: place.patienceMs ?? BUSY_MS, unreachable: true },
      onWait: () => {
        sentAway += 1;
      },
    },
  );

  return { name, hostId, sentAway, stateDir, machineId };
}

export interface Linked {
  readonly events: readonly LinkEvent[];
  /** Resolves when the collector has committed all that it was sent. */
  readonly delivered: Promise<void>;
  stop(): Promise<void>;
}

/** Connects and sends one inventory; stays connected until it is stopped. */
export async function link({ name, stateDir, machineId }: Simulated, place: Place): Promise<Linked> {
  const { url, mode, connect, clock = systemClock } = place;
  const outbox = await openOutbox(join(stateDir, 'outbox'), { random: systemRandom, log: silentLog });
  const takenAt = clock.now();
  await sendParcel(
    await packInventory(inventoryOf({ name, machineId, mode }, takenAt), await sentSections(outbox)),
    outbox,
  );
  const stop = new AbortController();
  const events: LinkEvent[] = [];
  const delivered = Promise.withResolvers<void>();
  const running = runLink({
    ...{ url, mode, clock, machineId, streams: [outbox] },
    ...(connect === undefined ? {} : { connect }),
    identity: openIdentitySource(join(stateDir, 'identity')),
    mirror: { sync: async () => null },
    agentVersion: '0.1.0',
    random: systemRandom,
    log: silentLog,
    onEvent: (event) => {
      events.push(event);
      if (event.type === 'acknowledged' && outbox.size() === 0) delivered.resolve();
    },
    onSectionsWanted: async (names) => void (await resendSections(names, outbox, clock.now().epochMilliseconds)),
    signal: stop.signal,
  });

  return {
    events,
    delivered: delivered.promise,
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}
