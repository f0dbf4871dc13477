// Who may send, and how a host that comes back goes on.
import type { HostId } from '@selvage/shared/model/ids.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { describe, expect, it } from 'vitest';
import { Events } from '../events.ts';
import { durable, INVENTORY, RESULTS, report, result, section } from '../gateway/testing/messages.ts';
import { NOW, uuid } from '../gateway/testing/world.ts';
import type { Store } from '../store/ports.ts';
import { createIntake } from './intake.ts';
import { intakeLab } from './testing/intake-lab.ts';

const { host, make, position, ledger } = intakeLab('senders');

describe('when the sender may not speak', () => {
  it('a revoked host is HOST_REVOKED, also when it is revoked while the message is being unpacked', async () => {
    const { store, intake } = await make();
    const racing: Store = {
      ...store,
      transaction: async (work) => {
        await store.transaction((writers) => writers.hosts.revoke(host.id, NOW));

        return store.transaction(work);
      },
    };
    const late = createIntake({ store: racing, clock: fakeClock(NOW), events: new Events() });

    await expect(late.accept(host.id, durable(INVENTORY, 1, section()))).rejects.toMatchObject({
      code: 'HOST_REVOKED',
    });
    await expect(intake.accept(host.id, durable(INVENTORY, 1, section()))).rejects.toMatchObject({
      code: 'HOST_REVOKED',
    });
    expect(await position(store, INVENTORY)).toBe(0n);
  });

  it('a host in quarantine is HOST_QUARANTINED, and nothing of it is committed', async () => {
    const { store, intake } = await make();
    await store.transaction((writers) =>
      writers.hosts.quarantine(host.id, { at: NOW, reason: 'cloned', machines: ['a', 'b'], addresses: [] }),
    );

    for (const message of [durable(INVENTORY, 1, section()), durable(RESULTS, 1, result(host, 1))]) {
      await expect(intake.accept(host.id, message)).rejects.toMatchObject({ code: 'HOST_QUARANTINED' });
    }
    expect(await position(store, INVENTORY)).toBe(0n);
    expect(await store.read.results.ofHost(host.id, 9)).toEqual([]);
  });

  it('an unknown host is CERTIFICATE_INVALID', async () => {
    const { intake } = await make();

    await expect(intake.accept(uuid(77) as HostId, durable(INVENTORY, 1, section()))).rejects.toMatchObject({
      code: 'CERTIFICATE_INVALID',
    });
  });
});

describe('when a host comes back', () => {
  it('it is told where its streams stand', async () => {
    const { store, intake, send } = await make();
    await send(INVENTORY, 1, section());
    const streams = [
      { stream: INVENTORY, sequence: 0n },
      { stream: RESULTS, sequence: 0n },
    ];

    expect(await intake.resume(host.id, streams)).toEqual([
      { stream: INVENTORY, sequence: 1n },
      { stream: RESULTS, sequence: 0n },
    ]);
    expect(await ledger(store)).toEqual([]);
  });

  it('inventory that it will not send again is skipped and noted: a restored collector is not stuck', async () => {
    const { store, intake, send } = await make();
    await send(INVENTORY, 1, section());

    expect(await intake.resume(host.id, [{ stream: INVENTORY, sequence: 5n }])).toEqual([
      { stream: INVENTORY, sequence: 5n },
    ]);
    expect((await ledger(store)).at(-1)).toEqual({ action: 'stream.skipped', after: '1', upTo: '5' });
    expect(await send(INVENTORY, 6, section())).toMatchObject({ acknowledged: 6n, refused: null });
  });

  it('it cannot begin or skip streams without end: each is a row for ever', async () => {
    const { store, intake, clock } = await make();
    const stream = (number: number) => `inventory:${uuid(number)}`;
    for (let number = 1; number <= 16; number++) {
      await intake.accept(host.id, durable(stream(number), 1, report([])));
      await intake.resume(host.id, [{ stream: stream(100 + number), sequence: 7n }]);
    }

    const limited = expect.objectContaining({ code: 'RATE_LIMITED' });
    await expect(intake.accept(host.id, durable(stream(50), 1, report([])))).rejects.toEqual(limited);
    await expect(intake.resume(host.id, [{ stream: stream(51), sequence: 1n }])).rejects.toEqual(limited);
    expect(await ledger(store)).toHaveLength(16);
    // What it has already goes on, and in an hour it may begin again.
    expect(await intake.accept(host.id, durable(stream(1), 2, report([])))).toMatchObject({ acknowledged: 2n });
    await clock.advance(60 * 60_000);
    expect(await intake.accept(host.id, durable(stream(50), 1, report([])))).toMatchObject({ acknowledged: 1n });
  });
});
