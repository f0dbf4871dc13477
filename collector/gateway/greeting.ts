// Answers Hello: is this still the host it was at the upgrade, do both sides share a version, is it the machine that
// enrolled, and where do its streams stand. What does not hold is thrown and ends the connection.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import { type Hello, PROTOCOL_VERSIONS, type Welcome } from '@selvage/shared/wire/wire.ts';
import type { Intake } from '../intake/intake.ts';
import type { HostRecord, Store } from '../store/ports.ts';
import { admit, type Claim } from './admission.ts';
import type { GatewayLimits } from './limits.ts';

export interface GreetingParts {
  readonly store: Store;
  readonly intake: Intake;
  readonly clock: Clock;
  readonly limits: GatewayLimits;
  readonly claim: Claim;
  readonly collectorVersion: string;
}

export function greeter(parts: GreetingParts): (hello: Hello) => Promise<Omit<Welcome, 'type'>> {
  const { store, intake, clock, limits, claim, collectorVersion } = parts;

  return async (hello) => {
    // Again: the host may have been revoked between the upgrade and now.
    const host = await admit(store.read.hosts, claim);
    const version = PROTOCOL_VERSIONS.find((known) => hello.versions.includes(known));
    if (version === undefined) {
      throw new CodedError(
        'PROTOCOL_VERSION',
        `the agent speaks versions ${hello.versions.join(', ') || 'none'}, this collector ${PROTOCOL_VERSIONS.join(', ')}`,
      );
    }
    const now = clock.now().toString() as Timestamp;
    if (hello.machineId !== host.machineId) await refuseClone(store, host, now);

    const streams = await intake.resume(host.id, hello.streams);
    await store.transaction((writers) =>
      writers.hosts.seen(host.id, now, { agentVersion: hello.agentVersion, mode: hello.mode }),
    );

    return {
      version,
      collectorVersion,
      now,
      streams,
      heartbeatSeconds: limits.heartbeatSeconds,
      inFlight: limits.inFlight,
    };
  };
}

/** One identity on two machines: the second one is not merged with the first, and the ledger says that it came. */
async function refuseClone(store: Store, host: HostRecord, now: Timestamp): Promise<never> {
  await store.transaction((writers) =>
    writers.audit.append({
      at: now,
      actor: `host:${host.id}`,
      action: 'host.cloned',
      subject: host.name,
      details: {},
    }),
  );

  throw new CodedError('FRAME_WRONG_HOST', `the identity of ${host.name} came from another machine`, {
    next: 'enroll this machine with a token of its own',
  });
}
