// What somebody with the host's certificate, but not the runner's key, can do to results: nothing that loses one.

import { generateKey } from '@selvage/shared/pki/keys.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import type { DurableBody } from '@selvage/shared/wire/wire.ts';
import { describe, expect, it } from 'vitest';
import { Events } from '../events.ts';
import { durable, RESULTS, result, section } from '../gateway/testing/messages.ts';
import { makeAuthority, makeHost, NOW, uuid } from '../gateway/testing/world.ts';
import type { Store } from '../store/ports.ts';
import { hostSample } from '../store/samples.ts';
import { freshStores } from '../store/testing/fresh-store.ts';
import { createIntake } from './intake.ts';

const freshStore = freshStores('results-intake');
const host = makeHost(makeAuthority(), 1);
const thief = generateKey().privateKey;
const HIGHEST = 2n ** 63n - 1n;
const OTHER = `results:${uuid(903)}`;

async function make() {
  const store = await freshStore();
  await store.transaction((writers) =>
    writers.hosts.add(hostSample(1, { id: host.id, runnerKey: host.runner.publicKey, agentVersion: '1' })),
  );
  const intake = createIntake({ store, clock: fakeClock(NOW), events: new Events() });
  const send = (sequence: number, body: DurableBody = result(host, sequence), stream = RESULTS) =>
    intake.accept(host.id, durable(stream, sequence, body));

  return { store, intake, send };
}

const kept = async (store: Store) =>
  (await store.read.results.ofHost(host.id, 1000)).map(({ result: { number } }) => number).sort((a, b) => a - b);
const entries = async (store: Store, action: string) =>
  (await store.read.audit.after(0, 1000)).filter((entry) => entry.action === action).map(({ details }) => details);

describe('when a Hello says that results were sent already', () => {
  it('nothing is moved, nothing is written, and every result is taken when it comes', async () => {
    const { store, intake, send } = await make();
    for (const sequence of [5n, HIGHEST]) {
      expect(await intake.resume(host.id, [{ stream: RESULTS, sequence }])).toEqual([{ stream: RESULTS, sequence }]);
    }

    expect(await store.read.streams.position(host.id, RESULTS)).toBe(0n);
    expect(await store.read.audit.head()).toBeNull();
    for (const number of [1, 2, 3]) expect(await send(number)).toMatchObject({ refused: null });
    expect(await kept(store)).toEqual([1, 2, 3]);
  });

  it('the true host is never told that more of its results are here than it says itself', async () => {
    const { intake, send } = await make();
    for (const number of [1, 2, 3]) await send(number);

    // Its runner prunes by this: a number that was used again after its disk was restored is not here yet.
    expect(await intake.resume(host.id, [{ stream: RESULTS, sequence: 1n }])).toEqual([
      { stream: RESULTS, sequence: 1n },
    ]);
  });
});

describe('when results have gaps', () => {
  it('a signed one is taken and the ledger says which are missing', async () => {
    const { store, send } = await make();
    await send(1);
    expect(await send(5)).toMatchObject({ acknowledged: 5n, refused: null });
    expect(await send(6)).toMatchObject({ acknowledged: 6n, refused: null });

    expect(await kept(store)).toEqual([1, 5, 6]);
    expect(await entries(store, 'results.missing')).toEqual([{ after: '1', upTo: '4', missing: '3' }]);
  });

  it('one that was missing is taken when it comes after all', async () => {
    const { store, send } = await make();
    await send(4);
    expect(await send(2)).toMatchObject({ acknowledged: 2n, refused: null });

    expect(await kept(store)).toEqual([2, 4]);
    expect(await store.read.streams.position(host.id, RESULTS)).toBe(4n);
  });

  it('a stream that begins anew behind results that are kept misses nothing', async () => {
    const { store, send } = await make();
    for (const number of [1, 2, 3]) await send(number);
    await send(4, result(host, 4), OTHER);

    expect(await entries(store, 'results.missing')).toEqual([]);
    expect(await kept(store)).toEqual([1, 2, 3, 4]);
  });

  it.each([
    ['signed by another key', (number: number) => result(host, number, { key: thief })],
    ['that is a section', () => section()],
    [
      'of a megabyte of brackets',
      () => ({ type: 'result' as const, payload: new Uint8Array(1_000_000).fill(91), signature: new Uint8Array(70) }),
    ],
    ['whose number is not its sequence', () => result(host, 999)],
  ])('one %s is refused wherever it stands, and moves nothing', async (_what, body) => {
    const { store, send } = await make();
    await send(1);
    for (const sequence of [2, 7, 1_000_000]) {
      const answer = await send(sequence, body(sequence));
      expect(answer).toMatchObject({ acknowledged: BigInt(sequence) });
      expect(answer.refused).not.toBeNull();
    }

    expect(await store.read.streams.position(host.id, RESULTS)).toBe(1n);
    expect(await entries(store, 'results.missing')).toEqual([]);
    for (const number of [2, 7]) expect(await send(number)).toMatchObject({ refused: null });
    expect(await kept(store)).toEqual([1, 2, 7]);
  });
});

describe('when results are replayed', () => {
  it('by any stream and in any order they are known by what was signed, and the ledger has them once', async () => {
    const { store, send } = await make();
    const bodies = [1, 2, 3].map((number) => result(host, number));
    for (const [at, body] of bodies.entries()) await send(at + 1, body);
    for (const stream of [OTHER, RESULTS]) {
      for (const at of [2, 0, 1]) await send(at + 1, bodies[at], stream);
    }

    expect(await kept(store)).toEqual([1, 2, 3]);
    expect(await entries(store, 'result.received')).toHaveLength(3);
  });

  it('a number that a restored disk used again is another result, and both are kept', async () => {
    const { store, send } = await make();
    await send(1);
    await send(1, result(host, 1, { extra: { run: 'openssl-3/other' } }));

    expect(await kept(store)).toEqual([1, 1]);
  });

  it('whatever a thief sends and says in between, no result of the runner is lost', async () => {
    const act = fc.oneof(
      fc.record({ who: fc.constant('runner' as const), number: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ who: fc.constant('forger' as const), number: fc.integer({ min: 1, max: 12 }) }),
      fc.record({ who: fc.constant('hello' as const), number: fc.integer({ min: 1, max: 1000 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 25 }), async (acts) => {
        const { store, intake, send } = await make();
        const sent = new Set<number>();
        for (const { who, number } of acts) {
          if (who === 'runner') {
            expect((await send(number)).refused).toBeNull();
            sent.add(number);
          } else if (who === 'forger') {
            expect((await send(number, result(host, number, { key: thief }))).refused?.code).toBe('RESULT_SIGNATURE');
          } else {
            await intake.resume(host.id, [{ stream: RESULTS, sequence: BigInt(number) }]);
          }
        }

        expect(await kept(store)).toEqual([...sent].sort((a, b) => a - b));
      }),
      { numRuns: 25 },
    );
  });
});

describe('when a result is long and not signed', () => {
  it('it is refused without being read: what it claims to be does not matter', async () => {
    const { send } = await make();
    const other = { claims: uuid(2), key: thief };
    const short = result(host, 1, other);
    const long = result(host, 1, { ...other, extra: { reason: 'x'.repeat(20_000) } });

    expect((await send(1, short)).refused?.code).toBe('FRAME_WRONG_HOST');
    expect((await send(1, long)).refused?.code).toBe('RESULT_SIGNATURE');
  });
});
