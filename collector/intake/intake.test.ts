import { zstdCompressSync } from 'node:zlib';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Sha256, Timestamp } from '@selvage/shared/model/ids.ts';
import { SECTION_NAMES } from '@selvage/shared/model/inventory.ts';
import { reportHash } from '@selvage/shared/model/report-hash.ts';
import { generateKey } from '@selvage/shared/pki/keys.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import type { DurableBody } from '@selvage/shared/wire/wire.ts';
import { describe, expect, it } from 'vitest';
import { Events } from '../events.ts';
import { durable, INVENTORY, REBOOT, RESULTS, report, reportOf, result, section } from '../gateway/testing/messages.ts';
import { makeHost, NOW, uuid } from '../gateway/testing/world.ts';
import type { Store } from '../store/ports.ts';
import { createIntake } from './intake.ts';
import { intakeLab } from './testing/intake-lab.ts';

const { authority, host, make, position, ledger } = intakeLab('intake');

describe('when an inventory comes', () => {
  it('sections and report are committed, and the event names what changed', async () => {
    const { store, seen, send } = await make();
    const reboot = section();
    expect(await send(INVENTORY, 1, reboot)).toEqual({ acknowledged: 1n, wanted: [], refused: null });
    expect(await send(INVENTORY, 2, reportOf(reboot))).toEqual({ acknowledged: 2n, wanted: [], refused: null });

    const latest = await store.read.inventory.latest(host.id);
    expect(latest?.sections.reboot).toEqual({ ok: true, data: REBOOT });
    expect(latest?.takenAt).toBe(NOW);
    expect(seen).toEqual([{ type: 'inventory.received', host: host.id, name: 'host-1', changed: ['reboot'] }]);
    expect((await store.read.hosts.byId(host.id))?.lastSeen).toBe(NOW);
  });

  it('a report with a hash that the store lacks is current at once, says so, and asks for the section', async () => {
    const { store, send } = await make();
    const reboot = section();
    await send(INVENTORY, 1, reboot);
    await send(INVENTORY, 2, reportOf(reboot));
    const other = section('reboot', { required: true, reasons: ['kernel'] });

    expect(await send(INVENTORY, 3, reportOf(other))).toEqual({ acknowledged: 3n, wanted: ['reboot'], refused: null });
    // Not the old data: that is not how the host is now.
    expect((await store.read.inventory.latest(host.id))?.sections.reboot).toMatchObject({
      ok: false,
      code: 'NOT_FOUND',
    });

    await send(INVENTORY, 4, other);
    await send(INVENTORY, 5, reportOf(other));
    expect((await store.read.inventory.latest(host.id))?.sections.reboot).toMatchObject({ ok: true });
  });

  it('"nothing changed" makes the report before current again, with its sections and its own time', async () => {
    const { store, seen, send } = await make();
    const reboot = section();
    const missing = { name: 'os', sha256: null, code: 'PARSE', reason: 'line 7' } as const;
    const states = [{ name: 'reboot', sha256: reboot.sha256, code: '', reason: '' }, missing];
    await send(INVENTORY, 1, reboot);
    await send(INVENTORY, 2, report(states));
    const later = '2026-03-01T13:00:00Z' as Timestamp;
    const same = { type: 'unchanged', takenAt: later, sha256: reportHash(states) } as const;

    expect(await send(INVENTORY, 3, same)).toEqual({ acknowledged: 3n, wanted: [], refused: null });
    const latest = await store.read.inventory.latest(host.id);
    expect(latest?.takenAt).toBe(later);
    expect(latest?.sections.reboot).toEqual({ ok: true, data: REBOOT });
    expect(latest?.sections.os).toEqual({ ok: false, code: 'PARSE', reason: 'line 7' });
    expect(seen.at(-1)).toMatchObject({ type: 'inventory.received', changed: [] });
  });

  it('"nothing changed" since a report that is not here changes nothing and asks for a whole one', async () => {
    const { store, send } = await make();
    const reboot = section();
    const said = { type: 'unchanged', takenAt: NOW, sha256: 'ab'.repeat(32) as Sha256 } as const;

    expect(await send(INVENTORY, 1, said)).toMatchObject({ acknowledged: 1n, wanted: [], reportWanted: true });
    expect(await store.read.inventory.latest(host.id)).toBeNull();
    await send(INVENTORY, 2, reboot);
    await send(INVENTORY, 3, reportOf(reboot));
    expect(await send(INVENTORY, 4, { ...said, takenAt: '2026-03-01T14:00:00Z' as Timestamp })).toMatchObject({
      reportWanted: true,
    });
    expect((await store.read.inventory.latest(host.id))?.takenAt).toBe(NOW);
  });

  it('a section that the host could not take keeps its code and reason; a code of a newer agent is kept as text', async () => {
    const { store, send } = await make();
    await send(
      INVENTORY,
      1,
      report([
        { name: 'os', sha256: null, code: 'PARSE', reason: 'line 7' },
        { name: 'kernel', sha256: null, code: 'SOMETHING_NEW', reason: 'why' },
      ]),
    );

    const latest = await store.read.inventory.latest(host.id);
    expect(latest?.sections.os).toEqual({ ok: false, code: 'PARSE', reason: 'line 7' });
    expect(latest?.sections.kernel).toEqual({ ok: false, code: 'INTERNAL', reason: 'SOMETHING_NEW: why' });
  });
});

describe('when a message can never be accepted', () => {
  const bytesOf = (text: string | Uint8Array, name = 'reboot', compressed = zstdCompressSync(text)) => ({
    type: 'section' as const,
    name,
    sha256: sha256(text),
    zstdJson: new Uint8Array(compressed),
  });

  it.each([
    // True to its shape, so that only its size can be the reason: 20 MB of JSON in 2 kB.
    [
      'a zip bomb',
      () => section('reboot', { required: true, reasons: Array(20_000).fill('a'.repeat(1000)) }),
      'FRAME_INVALID',
    ],
    ['bytes that are not zstd', () => bytesOf('{}', 'reboot', Buffer.from('{}')), 'FRAME_INVALID'],
    ['truncated zstd', () => bytesOf('{}', 'reboot', zstdCompressSync('{"a":1}').subarray(0, 8)), 'FRAME_INVALID'],
    ['another hash', () => ({ ...section(), sha256: 'ab'.repeat(32) as Sha256 }), 'FRAME_INVALID'],
    ['a hash over the compressed bytes', () => ({ ...section(), sha256: sha256(section().zstdJson) }), 'FRAME_INVALID'],
    ['JSON cut short', () => bytesOf('{"required":'), 'FRAME_INVALID'],
    ['JSON 100,000 deep', () => bytesOf('['.repeat(100_000)), 'FRAME_INVALID'],
    ['text that is not UTF-8', () => bytesOf(new Uint8Array([0x22, 0xff, 0x22])), 'FRAME_INVALID'],
    ['data of another shape', () => section('reboot', { required: 'maybe' }), 'FRAME_INVALID'],
    ['a field too many', () => section('reboot', { ...REBOOT, extra: 1 }), 'FRAME_INVALID'],
    ['a section nobody knows', () => section('passwords', {}), 'FRAME_INVALID'],
    ['a section called like a method', () => section('toString', {}), 'FRAME_INVALID'],
    [
      'a report naming a section nobody knows',
      () => reportOf({ name: '__proto__', sha256: 'ab'.repeat(32) as Sha256 }),
      'FRAME_INVALID',
    ],
    [
      'a report naming a section twice',
      () => report(['os', 'os'].map((name) => ({ name, sha256: null, code: 'PARSE', reason: '' }))),
      'FRAME_INVALID',
    ],
    ['a result in the stream of inventories', () => result(host, 1), 'FRAME_UNEXPECTED'],
  ])('%s is refused, recorded, acknowledged, and the next message is taken', async (_what, make_, code) => {
    const { store, send } = await make();
    const answer = await send(INVENTORY, 1, make_());

    expect(answer).toMatchObject({ acknowledged: 1n, wanted: [], refused: { code } });
    expect(await ledger(store)).toEqual([expect.objectContaining({ action: 'message.refused', code })]);
    expect(await send(INVENTORY, 2, section())).toMatchObject({ acknowledged: 2n, refused: null });
  });

  it.each([
    [20, null],
    [27, 'FRAME_INVALID'],
  ])('a frame that asks for a window of 2^%d bytes: %s', async (windowLog, code) => {
    const { send } = await make();
    const json = Buffer.from('{"reasons":[],"required":false}');
    // RFC 8878: magic, descriptor without content size, window descriptor, one last raw block.
    const header = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (windowLog - 10) << 3, (json.length << 3) | 1, 0, 0];
    const zstdJson = new Uint8Array([...header, ...json]);
    const answer = await send(INVENTORY, 1, { type: 'section', name: 'reboot', sha256: sha256(json), zstdJson });

    expect(answer.refused?.code ?? null).toBe(code);
  });

  it('sections without end and without a report are refused', async () => {
    const { store, send } = await make();
    const allowed = 4 * SECTION_NAMES.length;
    let sequence = 0;
    let refused = 0;

    for (; sequence < allowed + 6; sequence++) {
      const data = { required: true, reasons: [`r${sequence}`] };
      const answer = await send(INVENTORY, sequence + 1, section('reboot', data));
      if (answer.refused) refused += 1;
    }

    expect(refused).toBe(6);
    expect(await send(INVENTORY, allowed + 7, report([]))).toMatchObject({ refused: null });
    expect(await send(INVENTORY, allowed + 8, section())).toMatchObject({ refused: null });
    expect(await position(store, INVENTORY)).toBe(BigInt(allowed + 8));
  });
});

describe('when a result comes', () => {
  it('it is stored with its ledger entry, once, and told', async () => {
    const { store, seen, send } = await make();
    const body = result(host, 1);
    expect(await send(RESULTS, 1, body)).toEqual({ acknowledged: 1n, wanted: [], refused: null });
    expect(await send(RESULTS, 1, body)).toEqual({ acknowledged: 1n, wanted: [], refused: null });

    expect(await store.read.results.ofHost(host.id, 10)).toHaveLength(1);
    expect(await ledger(store)).toEqual([expect.objectContaining({ action: 'result.received', number: 1 })]);
    expect(seen).toEqual([
      { type: 'result.received', host: host.id, name: 'host-1', run: 'openssl-3/1', outcome: 'installed' },
    ]);
  });

  it.each([
    ['signed by another key', () => result(host, 1, { key: generateKey().privateKey }), 'RESULT_SIGNATURE'],
    [
      'changed after it was signed',
      () => {
        const body = result(host, 1) as DurableBody & { type: 'result' };
        const payload = new Uint8Array(
          Buffer.from(Buffer.from(body.payload).toString().replace('installed', 'failed   ')),
        );

        return { ...body, payload };
      },
      'RESULT_SIGNATURE',
    ],
    [
      'with a signature of zeros',
      () => ({ ...result(host, 1), signature: new Uint8Array(70) }) as DurableBody,
      'RESULT_SIGNATURE',
    ],
    ['of another host, signed by that host', () => result(makeHost(authority, 2), 1), 'FRAME_WRONG_HOST'],
    ['naming another host, signed by this one', () => result(host, 1, { claims: uuid(2) }), 'FRAME_WRONG_HOST'],
    ['with another number than its sequence', () => result(host, 2), 'FRAME_INVALID'],
    ['of no known shape', () => result(host, 1, { extra: { outcome: 'splendid' } }), 'FRAME_INVALID'],
    [
      'that is no JSON',
      () => ({ ...result(host, 1), payload: new Uint8Array([1, 2]) }) as DurableBody,
      'FRAME_INVALID',
    ],
    ['that is a section', () => section(), 'FRAME_UNEXPECTED'],
  ])('one %s is refused, recorded and acknowledged, never stored', async (_what, body, code) => {
    const { store, seen, send } = await make();

    expect(await send(RESULTS, 1, body())).toMatchObject({ acknowledged: 1n, refused: { code } });
    expect(await store.read.results.ofHost(host.id, 10)).toEqual([]);
    expect(await ledger(store)).toEqual([expect.objectContaining({ action: 'message.refused', code })]);
    expect(seen).toEqual([]);
    expect(await send(RESULTS, 2, result(host, 2))).toMatchObject({ acknowledged: 2n, refused: null });
  });
});

describe('when messages come twice, late or not at all', () => {
  it('a gap is FRAME_UNEXPECTED and commits nothing', async () => {
    const { store, send } = await make();
    await send(INVENTORY, 1, section());

    await expect(send(INVENTORY, 3, section())).rejects.toMatchObject({
      code: 'FRAME_UNEXPECTED',
      details: { acknowledged: '1' },
    });
    expect(await position(store, INVENTORY)).toBe(1n);
    expect(await ledger(store)).toEqual([]);
  });

  it('streams do not disturb each other', async () => {
    const { send } = await make();
    await send(INVENTORY, 1, section());

    expect(await send(RESULTS, 1, result(host, 1))).toMatchObject({ acknowledged: 1n });
    expect(await send(INVENTORY, 2, section())).toMatchObject({ acknowledged: 2n });
  });

  it('whatever the order and repetition, each result is stored exactly once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 20 }), async (order) => {
        const { store, send } = await make();
        for (const number of order) {
          expect(await send(RESULTS, number, result(host, number))).toMatchObject({
            acknowledged: BigInt(number),
            refused: null,
          });
        }

        const stored = (await store.read.results.ofHost(host.id, 100)).map(({ result: { number } }) => number);
        expect(stored.reverse()).toEqual([...new Set(order)]);
        const received = (await ledger(store)).filter(({ action }) => action === 'result.received');
        expect(received).toHaveLength(stored.length);
      }),
      { numRuns: 15 },
    );
  });

  it('whatever the order and repetition, inventory is committed in order only', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 20 }), async (order) => {
        const { store, send } = await make();
        let next = 1;

        for (const sequence of order) {
          const sent = send(INVENTORY, sequence, report([]));
          if (sequence > next) await expect(sent).rejects.toMatchObject({ code: 'FRAME_UNEXPECTED' });
          else expect((await sent).acknowledged).toBe(BigInt(sequence === next ? sequence : next - 1));
          if (sequence === next) next += 1;
        }
        expect(await position(store, INVENTORY)).toBe(BigInt(next - 1));
      }),
      { numRuns: 15 },
    );
  });

  it('the same message on two connections at once is committed once', async () => {
    const { store, send } = await make();
    const body = result(host, 1);
    const answers = await Promise.all([1, 2, 3, 4].map(() => send(RESULTS, 1, body)));

    expect(answers.map(({ acknowledged }) => acknowledged)).toEqual([1n, 1n, 1n, 1n]);
    expect(await ledger(store)).toHaveLength(1);
  });

  it('a failing store commits neither the message nor its position', async () => {
    const { store, seen } = await make();
    const failing: Store = {
      ...store,
      transaction: (work) =>
        store.transaction((writers) =>
          work({ ...writers, streams: { ...writers.streams, advance: () => Promise.reject(new Error('disk')) } }),
        ),
    };
    const intake = createIntake({ store: failing, clock: fakeClock(NOW), events: new Events() });

    await expect(intake.accept(host.id, durable(RESULTS, 1, result(host, 1)))).rejects.toThrow('disk');
    expect(await store.read.results.ofHost(host.id, 10)).toEqual([]);
    expect(await ledger(store)).toEqual([]);
    expect(seen).toEqual([]);
  });
});
