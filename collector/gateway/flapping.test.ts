import type { HostId } from '@selvage/shared/model/ids.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { describe, expect, it } from 'vitest';
import { eventLine } from '../cli/event-line.ts';
import { FlapWatch } from './flapping.ts';
import { durable, RESULTS, result } from './testing/messages.ts';
import { ledger, makeWorld, uuid } from './testing/world.ts';

const HOST = uuid(1) as HostId;
const MINUTE_MS = 60_000;

describe('when a copied certificate is used while the true host is connected', () => {
  it('both take over from each other, and event and ledger name both addresses, once', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    const clients = [];
    for (let turn = 0; turn < 9; turn++) {
      clients.push(await world.connect({ ...host, from: turn % 2 === 0 ? '127.0.0.2' : '127.0.0.3' }));
      await world.clock.advance(MINUTE_MS);
    }

    const told = world.seen.filter(({ type }) => type === 'host.flapping');
    expect(told).toEqual([
      { type: 'host.flapping', host: host.id, name: 'host-1', addresses: ['127.0.0.2', '127.0.0.3'] },
    ]);
    expect((await ledger(world)).filter((action) => action === 'host.flapping')).toHaveLength(1);
    const entry = (await world.store.read.audit.after(0, 100)).find(({ action }) => action === 'host.flapping');
    expect(entry?.details).toEqual({ name: 'host-1', addresses: ['127.0.0.2', '127.0.0.3'] });
    expect(told[0] && eventLine(told[0], world.clock.now(), 'UTC')).toContain('127.0.0.2 and 127.0.0.3');
    // At any time one of them is the host, and what it sends is kept.
    expect(world.gateway.connected()).toEqual([host.id]);
    clients.at(-1)?.send(durable(RESULTS, 1, result(host, 1)));
    expect(await clients.at(-1)?.next()).toMatchObject({ type: 'acknowledgement', sequence: 1n });
  });

  it('a host that comes back from one address, or moves once, is not told about', async () => {
    const world = await makeWorld();
    const host = await world.enroll(1);
    for (const from of ['127.0.0.2', '127.0.0.2', '127.0.0.2', '127.0.0.3', '127.0.0.3', '127.0.0.2']) {
      await world.connect({ ...host, from });
      await world.clock.advance(10_000);
    }

    expect(world.seen.filter(({ type }) => type === 'host.flapping')).toEqual([]);
  });
});

describe('when take-overs are counted', () => {
  it('notices are at least an hour apart, however often the connection changes hands', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 * MINUTE_MS }), { maxLength: 200 }), (gaps) => {
        const watch = new FlapWatch();
        let now = 0;
        let last = Number.NEGATIVE_INFINITY;
        for (const [at, gap] of gaps.entries()) {
          now += gap;
          const found = watch.takenOver(HOST, at % 2 === 0 ? 'a' : 'b', at % 2 === 0 ? 'b' : 'a', now);
          if (found === null) continue;
          expect(now - last).toBeGreaterThanOrEqual(60 * MINUTE_MS);
          expect([...found.addresses].sort()).toEqual(['a', 'b']);
          last = now;
        }
      }),
    );
  });

  it('what was long ago is forgotten', () => {
    const watch = new FlapWatch();
    for (let at = 0; at < 3; at++) watch.takenOver(HOST, 'a', 'b', at * MINUTE_MS);
    watch.sweep(100 * MINUTE_MS);

    expect(watch.takenOver(HOST, 'a', 'b', 101 * MINUTE_MS)).toBeNull();
  });
});
