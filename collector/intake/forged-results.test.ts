// A stolen connector has the certificate of its host and every result that its runner signed, but not the runner's key. Each way to
// make something else of them is refused, stored nowhere and written into the ledger; what the runner signed is still taken.
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import type { DurableBody } from '@selvage/shared/wire/wire.ts';
import { describe, expect, it } from 'vitest';
import { Events } from '../events.ts';
import { durable, RESULTS, result } from '../gateway/testing/messages.ts';
import { makeAuthority, makeHost, NOW, type TestHost, uuid } from '../gateway/testing/world.ts';
import { hostSample } from '../store/samples.ts';
import { freshStores } from '../store/testing/fresh-store.ts';
import { createIntake } from './intake.ts';

const freshStore = freshStores('forged-results');
const authority = makeAuthority();
const one = makeHost(authority, 1);
const other = makeHost(authority, 2);
type Signed = Extract<DurableBody, { type: 'result' }>;
const signed = (host: TestHost, number: number, over = {}) => result(host, number, over) as Signed;

async function make() {
  const store = await freshStore();
  await store.transaction(async (writers) => {
    for (const [index, host] of [one, other].entries()) {
      await writers.hosts.add(
        hostSample(index + 1, { id: host.id, runnerKey: host.runner.publicKey, agentVersion: '1' }),
      );
    }
  });
  const intake = createIntake({ store, clock: fakeClock(NOW), events: new Events() });

  return {
    send: (host: TestHost, sequence: number, body: DurableBody, stream = RESULTS) =>
      intake.accept(host.id, durable(stream, sequence, body)),
    kept: async (host: TestHost) =>
      (await store.read.results.ofHost(host.id, 100))
        .map(({ result: { number, outcome } }) => [number, outcome])
        .sort(),
    refusals: async () =>
      (await store.read.audit.after(0, 100))
        .filter(({ action }) => action === 'message.refused')
        .map(({ actor, details }) => [actor, details.code]),
  };
}

function changed(body: Signed, change: (facts: Record<string, unknown>) => object): Signed {
  const facts = JSON.parse(Buffer.from(body.payload).toString());

  return { ...body, payload: new Uint8Array(Buffer.from(JSON.stringify({ ...facts, ...change(facts) }))) };
}

const failed = { extra: { outcome: 'failed', problem: { code: 'VERIFY_FAILED', message: 'no' } } };

describe('when a stolen connector makes something else of what its runner signed', () => {
  it.each<[string, () => Signed, string]>([
    ['the result of another host, as it is', () => signed(other, 1), 'FRAME_WRONG_HOST'],
    [
      'one that its own runner signed in the name of another',
      () => signed(one, 1, { claims: other.id }),
      'FRAME_WRONG_HOST',
    ],
    [
      'one of another host with its own id written into it',
      () => changed(signed(other, 1), () => ({ hostId: one.id })),
      'RESULT_SIGNATURE',
    ],
    ['another number in the payload', () => changed(signed(one, 7), () => ({ number: 1 })), 'RESULT_SIGNATURE'],
    [
      'a failure turned into a success',
      () => changed(signed(one, 1, failed), () => ({ outcome: 'installed', problem: null })),
      'RESULT_SIGNATURE',
    ],
    [
      'a blank put before the payload',
      () => ({ ...signed(one, 1), payload: new Uint8Array(Buffer.concat([Buffer.from(' '), signed(one, 1).payload])) }),
      'RESULT_SIGNATURE',
    ],
    [
      'the signature of another result',
      () => ({ ...signed(one, 1), signature: signed(one, 2).signature }),
      'RESULT_SIGNATURE',
    ],
    ['no signature', () => ({ ...signed(one, 1), signature: new Uint8Array() }), 'RESULT_SIGNATURE'],
  ])('%s is refused, and the true one still taken', async (_, forge, code) => {
    const { send, kept, refusals } = await make();
    expect((await send(one, 1, forge())).refused).toMatchObject({ code });

    expect(await kept(one)).toEqual([]);
    expect(await kept(other)).toEqual([]);
    expect(await refusals()).toEqual([[`host:${one.id}`, code]]);
    expect(await send(one, 1, signed(one, 1))).toMatchObject({ refused: null });
    expect(await kept(one)).toHaveLength(1);
  });

  it('two connectors that swap the results of their hosts bring neither of them in', async () => {
    const { send, kept } = await make();
    expect((await send(one, 1, signed(other, 1))).refused).toMatchObject({ code: 'FRAME_WRONG_HOST' });
    expect((await send(other, 1, signed(one, 1))).refused).toMatchObject({ code: 'FRAME_WRONG_HOST' });

    expect([await kept(one), await kept(other)]).toEqual([[], []]);
  });

  it.each([RESULTS, `results:${uuid(904)}`])(
    'an old result under a new number is refused, also in the stream %s',
    async (stream) => {
      const { send, kept, refusals } = await make();
      const old = signed(one, 1);
      await send(one, 1, old);
      await send(one, 2, signed(one, 2, failed));
      const before = await kept(one);
      expect((await send(one, 3, old, stream)).refused).not.toBeNull();

      expect(await kept(one)).toEqual(before);
      expect(await refusals()).toHaveLength(1);
    },
  );
});
