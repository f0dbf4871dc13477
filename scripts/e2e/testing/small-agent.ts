// A host of a test in this process: the real enrollment, outbox, result stream and link, over real TLS. Only what it reports is
// made up, and short waits are shortened, so that a collector that comes and goes many times is found again soon.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { HostId, Timestamp } from '@selvage/shared/model/ids.ts';
import { type Inventory, SECTION_NAMES } from '@selvage/shared/model/inventory.ts';
import { signBytes } from '@selvage/shared/pki/keys.ts';
import { systemRandom } from '@selvage/shared/random.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { afterAll } from 'vitest';
import { enroll } from '../../../agent/connector/enroll.ts';
import { openIdentitySource } from '../../../agent/connector/identity-source.ts';
import { resendSections, sendParcel, sentSections } from '../../../agent/connector/inventory-sender.ts';
import { type LinkEvent, runLink } from '../../../agent/connector/link.ts';
import { openOutbox } from '../../../agent/connector/outbox.ts';
import { openResultStream } from '../../../agent/connector/result-stream.ts';
import { packInventory } from '../../../agent/inventory/parcel.ts';
import { resultSample } from '../../../collector/store/samples.ts';
import { documentOf } from '../../lab/commands.ts';
import type { RealCollector, TokenDocument } from './collector.ts';

export interface SmallAgent {
  readonly hostId: HostId;
  readonly name: string;
  readonly events: readonly LinkEvent[];
  /** A new signed result; its number. */
  result(): number;
  /** An inventory with a `reboot` section of its own; its reason. */
  inventory(): Promise<string>;
  /** Highest number of a result, and whether inventory messages still wait. */
  results(): number;
  waiting(): Promise<{ readonly messages: number; readonly results: number }>;
  stop(): Promise<void>;
}

const SHORT_MS = 15_000;
const SHORTENED = 20;
const running: SmallAgent[] = [];
const clock = {
  ...systemClock,
  // The backoff and what a collector asks for; deadlines stay.
  sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms <= SHORT_MS ? ms / SHORTENED : ms, signal),
};

afterAll(async () => {
  for (const agent of running) await agent.stop();
});

export async function smallAgent(collector: RealCollector, name: string, folder: string): Promise<SmallAgent> {
  const [stateDir, runnerDir] = [join(folder, name), join(folder, name, 'runner')];
  const { token, pin } = documentOf<TokenDocument>(
    await collector.selvage(['token', 'create', '--host', name, '--json']),
  );
  const url = collector.gateway;
  const { hostId } = await enroll({ url, pin, token, name, mode: 'managed', machineId: name, stateDir, runnerDir });
  const runnerKey = readFileSync(join(runnerDir, 'key.pem'), 'utf8');
  const results = join(runnerDir, 'results');
  mkdirSync(results, { recursive: true });
  const outboxDir = join(stateDir, 'outbox');
  const tools = { random: systemRandom, log: silentLog };
  const outbox = await openOutbox(outboxDir, tools);
  const stream = await openResultStream({ results, outbox: outboxDir, clock, ...tools });
  const stop = new AbortController();
  const events: LinkEvent[] = [];
  let number = 0;
  let taken = 0;
  const link = runLink({
    identity: openIdentitySource(join(stateDir, 'identity')),
    url,
    streams: [stream, outbox],
    mirror: { sync: async () => null },
    agentVersion: '0.1.0',
    machineId: name,
    mode: 'managed',
    clock,
    random: { ...systemRandom, float: () => 0 },
    log: silentLog,
    onEvent: (event) => events.push(event),
    onSectionsWanted: async (names) => void (await resendSections(names, outbox, clock.now().epochMilliseconds)),
    signal: stop.signal,
  });

  const agent: SmallAgent = {
    hostId,
    name,
    events,
    result: () => {
      number += 1;
      const result = resultSample(number, { hostId, run: `fix/${name}/${number}`, approval: 'fix' });
      const payload = Buffer.from(JSON.stringify(result));
      const file = {
        payload: payload.toString('base64'),
        signature: Buffer.from(signBytes(payload, runnerKey)).toString('base64'),
      };
      writeFileSync(join(results, `${number}.json`), JSON.stringify(file));

      return number;
    },
    inventory: async () => {
      taken += 1;
      const reason = `kernel ${name} ${taken}`;
      await sendParcel(await packInventory(inventoryOf(reason, taken), await sentSections(outbox)), outbox);

      return reason;
    },
    results: () => number,
    waiting: async () => ({
      messages: outbox.size(),
      results: number - Number(await stream.position()),
    }),
    stop: async () => {
      stop.abort();
      await link;
    },
  };
  running.push(agent);

  return agent;
}

function inventoryOf(reason: string, second: number): Inventory {
  const missing = { ok: false, code: 'NOT_BUILT', reason: 'not taken' } as const;
  const sections = Object.fromEntries(SECTION_NAMES.map((name) => [name, missing]));
  const takenAt = Temporal.Instant.from('2026-03-01T12:00:00Z').add({ seconds: second }).toString() as Timestamp;
  const reboot = { ok: true, data: { required: true, reasons: [reason] } };

  return { takenAt, sections: { ...sections, reboot } } as unknown as Inventory;
}
