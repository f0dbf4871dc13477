// Random sessions of hosts that keep to nothing, over real sockets, against a gateway with real intake and store. After each,
// what is committed must be what could have been committed in order, and the gateway must serve the next one.

import { makeCase } from '@selvage/shared/wire/fuzz/fuzz.ts';
import { Luck, seedOf } from '@selvage/shared/wire/fuzz/luck.ts';
import type { AgentFrame, CollectorFrame } from '@selvage/shared/wire/wire.ts';
import { encodeAgentFrame } from '@selvage/shared/wire/wire.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { durable, INVENTORY, RESULTS, report, reportOf, result, section } from './testing/messages.ts';
import { helloOf, makeWorld, type TestHost, type World } from './testing/world.ts';

const SESSIONS = 150;
const MOST_FRAMES = 14;
/** The same sessions each time; others: SELVAGE_FAULT_SEED. */
const SEED = process.env.SELVAGE_FAULT_SEED ?? 'tests';

interface Step {
  readonly what: string;
  readonly bytes: Uint8Array | string;
  readonly frame?: AgentFrame;
}

/** What a host may do at any time, right or wrong. */
const MOVES: readonly ((
  host: TestHost,
  luck: Luck,
  next: Record<string, number>,
) => AgentFrame | Uint8Array | string)[] = [
  (host) => helloOf(host),
  (host, luck) => helloOf(host, [{ stream: luck.pick([INVENTORY, RESULTS]), sequence: BigInt(luck.below(40)) }]),
  (host) => ({ ...helloOf(host), machineId: `machine-${Number(host.id.slice(-12))}`, versions: [9, 1] }) as AgentFrame,
  (_host, luck) => ({ type: 'ping', nonce: BigInt(luck.bits()) }),
  (_host, luck) => ({
    type: 'policyRequest',
    name: luck.pick(['timestamp.json', '../../x', '1.root.json']),
    sha256: null,
  }),
  (_host, _luck, next) => durable(INVENTORY, next[INVENTORY] ?? 1, section()),
  (_host, _luck, next) => durable(INVENTORY, next[INVENTORY] ?? 1, reportOf(section())),
  (_host, luck, next) => durable(INVENTORY, (next[INVENTORY] ?? 1) + luck.pick([-1, 0, 1, 5]) || 1, report([])),
  (host, _luck, next) => durable(RESULTS, next[RESULTS] ?? 1, result(host, next[RESULTS] ?? 1)),
  (host, luck) => durable(RESULTS, 1 + luck.below(9), result(host, 1 + luck.below(9))),
  (_host, luck) => durable(RESULTS, 1 + luck.below(9), section()),
  (_host, luck) => Uint8Array.from(makeCase(seedOf('session'), luck.bits()).bytes).subarray(0, 2000),
  (_host, luck) => luck.bytes(luck.below(60)),
  () => 'a text frame',
];

function sessionOf(host: TestHost, luck: Luck): Step[] {
  const next: Record<string, number> = { [INVENTORY]: 1, [RESULTS]: 1 };
  const steps: Step[] = [];
  // Most begin as they should, else little would be reached.
  if (!luck.oneIn(5)) steps.push({ what: 'hello', bytes: encodeAgentFrame(helloOf(host)) });

  for (let count = luck.below(MOST_FRAMES); count > 0; count--) {
    // Mistakes end most connections: they come one time in four.
    const move = luck.pick(luck.oneIn(4) ? MOVES : MOVES.slice(3, 7).concat(MOVES.slice(8, 9)));
    const made = move(host, luck, next);
    if (typeof made === 'string' || made instanceof Uint8Array) {
      steps.push({ what: 'bytes', bytes: made });
    } else {
      if (made.type === 'durable' && Number(made.sequence) === next[made.stream])
        next[made.stream] = Number(made.sequence) + 1;
      steps.push({ what: made.type, bytes: encodeAgentFrame(made), frame: made });
    }
  }

  return steps;
}

async function play(world: World, host: TestHost, steps: readonly Step[]): Promise<CollectorFrame[]> {
  const client = await world.dial(host);
  const heard: CollectorFrame[] = [];
  for (const { bytes } of steps) client.sendRaw(bytes);
  client.send({ type: 'ping', nonce: 424_242n });

  for (;;) {
    const frame = await client.next().catch(() => null);
    if (frame === null) break;
    heard.push(frame);
    // Everything before it has been handled when it is asked for a file behind it.
    if (frame.type === 'pong' && frame.nonce === 424_242n)
      client.send({ type: 'policyRequest', name: 'end', sha256: null });
    if (frame.type === 'policyFile' && frame.name === 'end') break;
  }
  client.socket.close();
  await client.closed;

  return heard;
}

/** Throws when what the store has could not come from frames in order. */
async function check(
  world: World,
  host: TestHost,
  { steps, heard }: { readonly steps: readonly Step[]; readonly heard: readonly CollectorFrame[] },
): Promise<void> {
  const acknowledged = (stream: string) =>
    heard.flatMap((frame) => (frame.type === 'acknowledgement' && frame.stream === stream ? [frame.sequence] : []));
  const position = await world.store.read.streams.position(host.id, INVENTORY);
  const results = (await world.store.read.results.ofHost(host.id, 1000)).map((each) => each.result.number);

  // As if every frame had been taken: what is committed is never beyond what came in order or was skipped by a Hello.
  let reachable = 0n;
  for (const { frame } of steps) {
    if (frame?.type === 'hello') {
      for (const { stream, sequence } of frame.streams) {
        if (stream === INVENTORY && sequence > reachable) reachable = sequence;
      }
    }
    if (frame?.type === 'durable' && frame.stream === INVENTORY && frame.sequence === reachable + 1n) reachable += 1n;
  }
  expect(position <= reachable).toBe(true);
  // Inventory: acknowledgements never go back and never run ahead of what is committed.
  const inventory = acknowledged(INVENTORY);
  expect(inventory).toEqual([...inventory].sort((a, b) => (a < b ? -1 : 1)));
  expect((inventory.at(-1) ?? 0n) <= position).toBe(true);
  expect(results.length).toBe(new Set(results).size);
  // Nothing is said before Welcome but why it ends, and nothing after the end.
  const welcome = heard.findIndex(({ type }) => type === 'welcome');
  for (const [at, frame] of heard.entries()) {
    if (frame.type === 'problem' && frame.fatal) expect(at).toBe(heard.length - 1);
    if (frame.type !== 'problem') expect(at).toBeGreaterThanOrEqual(Math.max(0, welcome));
  }
}

describe('when hosts keep to nothing', () => {
  const rejections: unknown[] = [];
  const note = (reason: unknown) => rejections.push(reason);
  beforeEach(() => {
    process.on('unhandledRejection', note);
  });
  afterEach(() => {
    process.off('unhandledRejection', note);
  });

  it(`random sessions (seed ${SEED}) commit nothing out of order, and the gateway goes on`, async () => {
    const free = { connectBurst: 100_000, frameBurst: 1_000_000, byteBurst: 2 ** 40, refusalBurst: 100_000 };
    const world = await makeWorld({ limits: free });
    const honest = await world.enroll(999);
    const witness = await world.connect(honest);
    const outcomes = new Set<string>();

    for (let session = 0; session < SESSIONS; session++) {
      const luck = new Luck(seedOf(SEED), session);
      const host = await world.enroll(session + 1);
      const steps = sessionOf(host, luck);

      try {
        const heard = await play(world, host, steps);
        await check(world, host, { steps, heard });
        for (const frame of heard) outcomes.add(frame.type === 'problem' ? frame.code : frame.type);
      } catch (error) {
        throw new Error(`session ${session} of seed ${SEED}: ${steps.map(({ what }) => what).join(', ')}`, {
          cause: error,
        });
      }
    }

    // Nobody else noticed.
    witness.send(durable(RESULTS, 1, result(honest, 1)));
    expect(await witness.next()).toMatchObject({ type: 'acknowledgement', stream: RESULTS });
    expect(world.gateway.connected()).toEqual([honest.id]);
    await expect.poll(() => world.gateway.load()).toMatchObject({ connections: 1, waiting: 0 });
    expect(rejections).toEqual([]);
    for (const each of [
      'welcome',
      'pong',
      'acknowledgement',
      'sectionsWanted',
      'policyFile',
      'FRAME_INVALID',
      'FRAME_UNEXPECTED',
    ]) {
      expect(outcomes).toContain(each);
    }
  });
});
