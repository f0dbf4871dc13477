import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { fc } from '@selvage/shared/testing/properties.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import type { DurableBody } from '@selvage/shared/wire/wire.ts';
import { describe, expect, it } from 'vitest';
import { type Outbox, openOutbox } from './outbox.ts';

const root = temporaryFolder('outbox');
const random = seededRandom('outbox');
let folders = 0;
const folder = () => join(root, String(folders++));
const open = (dir: string) => openOutbox(dir, { random, log: silentLog });

const body = (text: string): DurableBody => ({
  type: 'section',
  name: text,
  sha256: 'ab'.repeat(32) as Sha256,
  zstdJson: new Uint8Array([1, 2, 3]),
});
const nameOf = ({ body: message }: { body: DurableBody }) => (message.type === 'section' ? message.name : '');
const waiting = async (outbox: Outbox, after?: bigint) =>
  (await outbox.pending(after ?? (await outbox.position()), 1000)).map((m) => `${m.sequence} ${nameOf(m)}`);
const ack = (outbox: Outbox, upTo: bigint) => outbox.acknowledged(upTo, outbox.id);
const file = (outbox: Outbox, sequence: number) => join(outbox.folder, `${String(sequence).padStart(19, '0')}.message`);

describe('when messages are added', () => {
  it('they wait in order, also after it is opened again', async () => {
    const dir = folder();
    const first = await open(dir);
    expect(await Promise.all(['a', 'b', 'c'].map((text) => first.add(body(text))))).toEqual([1n, 2n, 3n]);

    const again = await open(dir);
    expect(again.id).toBe(first.id);
    expect(await waiting(again)).toEqual(['1 a', '2 b', '3 c']);
    expect(await again.add(body('d'))).toBe(4n);
  });

  it('a bound on how many are read is kept', async () => {
    const outbox = await open(folder());
    for (const text of ['a', 'b', 'c']) await outbox.add(body(text));

    expect((await outbox.pending(0n, 2)).map((m) => m.sequence)).toEqual([1n, 2n]);
    expect((await outbox.pending(2n, 2)).map((m) => m.sequence)).toEqual([3n]);
  });

  it('whoever waits for changes is woken, also by an add between two waits', async () => {
    const outbox = await open(folder());
    const stop = new AbortController();
    const changes = outbox.changed(stop.signal)[Symbol.asyncIterator]();
    await outbox.add(body('a'));

    expect(await changes.next()).toEqual({ done: false, value: undefined });
    stop.abort();
    expect(await changes.next()).toEqual({ done: true, value: undefined });
  });
});

describe('when the collector acknowledges', () => {
  it('files go, numbers go on, and both survive opening again', async () => {
    const dir = folder();
    const outbox = await open(dir);
    for (const text of ['a', 'b', 'c']) await outbox.add(body(text));
    await ack(outbox, 3n);
    expect(readdirSync(outbox.folder)).toEqual([]);

    const again = await open(dir);
    expect(await again.position()).toBe(3n);
    expect(await again.add(body('d'))).toBe(4n);
    expect(await waiting(again)).toEqual(['4 d']);
  });

  it('an older acknowledgement, or one of another stream, changes nothing', async () => {
    const outbox = await open(folder());
    for (const text of ['a', 'b', 'c']) await outbox.add(body(text));
    await ack(outbox, 2n);
    await ack(outbox, 1n);
    await outbox.acknowledged(3n, 'inventory:00000000-0000-4000-8000-000000000000');

    expect(await waiting(outbox)).toEqual(['3 c']);
  });

  it('more than was ever written means an old copy of the disk: a new stream begins', async () => {
    const outbox = await open(folder());
    const { id } = outbox;
    await outbox.add(body('a'));
    await ack(outbox, 80n);

    expect(outbox.id).not.toBe(id);
    expect(await outbox.position()).toBe(0n);
    expect(await outbox.add(body('b'))).toBe(1n);
  });
});

describe('when it was killed', () => {
  it('between the acknowledgement and the removal of the files: they are not sent again', async () => {
    const dir = folder();
    const outbox = await open(dir);
    for (const text of ['a', 'b', 'c']) await outbox.add(body(text));
    const bytes = readFileSync(file(outbox, 1));
    await ack(outbox, 2n);
    writeFileSync(file(outbox, 1), bytes);

    const again = await open(dir);
    expect(await waiting(again)).toEqual(['3 c']);
    expect(readdirSync(again.folder)).toHaveLength(1);
  });

  it('while a file was being written: the leftover is no message and goes', async () => {
    const dir = folder();
    const outbox = await open(dir);
    await outbox.add(body('a'));
    writeFileSync(join(outbox.folder, '.0000000000000000002.message.abcdef012345.tmp'), 'half a mess');
    writeFileSync(join(dir, '.stream.json.abcdef012345.tmp'), '{"stre');

    const again = await open(dir);
    expect(await waiting(again)).toEqual(['1 a']);
    expect(await again.add(body('b'))).toBe(2n);
    expect(readdirSync(dir).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('while a new stream began: nothing of the old one is sent under the new name', async () => {
    const dir = folder();
    const outbox = await open(dir);
    await outbox.add(body('old'));
    const old = outbox.folder;
    await outbox.restart();
    mkdirSync(old);
    writeFileSync(join(old, '0000000000000000001.message'), 'left over');

    const again = await open(dir);
    expect(await waiting(again)).toEqual([]);
    expect(readdirSync(dir).toSorted()).toEqual([again.id.slice('inventory:'.length), 'stream.json'].toSorted());
  });

  it('other files in the folder are left alone', async () => {
    const dir = folder();
    await open(dir);
    writeFileSync(join(dir, 'acknowledged.json'), '{}');
    await open(dir);

    expect(readdirSync(dir)).toContain('acknowledged.json');
  });

  it('at any point of any history: in order, nothing unacknowledged lost, no number used twice', async () => {
    const step = fc.oneof(
      fc.constant('add' as const),
      fc.constant('reopen' as const),
      fc.record({ acknowledge: fc.nat(5) }),
    );

    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const dir = folder();
        let outbox = await open(dir);
        let last = 0n;
        let acknowledged = 0n;

        for (const each of steps) {
          if (each === 'add') expect(await outbox.add(body(`m${++last}`))).toBe(last);
          else if (each === 'reopen') outbox = await open(dir);
          else {
            const upTo = acknowledged + BigInt(each.acknowledge);
            acknowledged = upTo > last ? last : upTo;
            await ack(outbox, acknowledged);
          }

          const expected = Array.from({ length: Number(last - acknowledged) }, (_, i) => acknowledged + BigInt(i) + 1n);
          expect(await waiting(outbox)).toEqual(expected.map((n) => `${n} m${n}`));
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('when something on the disk is damaged', () => {
  it.each([
    ['truncated', (path: string) => writeFileSync(path, readFileSync(path).subarray(0, 10))],
    ['empty', (path: string) => writeFileSync(path, '')],
    ['gone', (path: string) => rmSync(path)],
  ])('a message that is %s ends the run before it, and the position says that it will not come', async (_how, harm) => {
    const dir = folder();
    const outbox = await open(dir);
    for (const text of ['a', 'b', 'c']) await outbox.add(body(text));
    harm(file(outbox, 2));

    expect(await waiting(outbox)).toEqual(['1 a']);
    await ack(outbox, 1n);
    await outbox.pending(1n, 10);
    expect(await outbox.position()).toBe(2n);
    expect(await waiting(outbox)).toEqual(['3 c']);
  });

  it('the number of a damaged last message is not used again', async () => {
    const dir = folder();
    const outbox = await open(dir);
    await outbox.add(body('a'));
    writeFileSync(file(outbox, 1), 'x');
    expect(await waiting(outbox)).toEqual([]);

    expect(await outbox.position()).toBe(1n);
    expect(await outbox.add(body('b'))).toBe(2n);
  });

  it('a message under another number is not sent as that number', async () => {
    const outbox = await open(folder());
    for (const text of ['a', 'b']) await outbox.add(body(text));
    writeFileSync(file(outbox, 1), readFileSync(file(outbox, 2)));

    expect(await waiting(outbox, 0n)).toEqual([]);
  });

  it.each(['', '{', 'null', '{"stream":"../../etc","acknowledged":"1"}', '{"stream":1}'])(
    'a state of %j begins a new stream',
    async (text) => {
      const dir = folder();
      const outbox = await open(dir);
      const { id } = outbox;
      await outbox.add(body('a'));
      writeFileSync(join(dir, 'stream.json'), text);

      const again = await open(dir);
      expect(again.id).not.toBe(id);
      expect(await waiting(again)).toEqual([]);
    },
  );
});
