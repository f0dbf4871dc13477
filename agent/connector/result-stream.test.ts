import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { openResultStream } from './result-stream.ts';
import type { DurableStream } from './stream.ts';

const root = temporaryFolder('results');
const random = seededRandom('results');
let folders = 0;

function make() {
  const base = join(root, String(folders++));
  const [results, outbox] = [join(base, 'runner/results'), join(base, 'outbox')];
  const clock = fakeClock('2026-03-01T12:00:00Z');
  mkdirSync(results, { recursive: true });

  return {
    results,
    outbox,
    clock,
    open: () => openResultStream({ results, outbox, random, clock, log: silentLog }),
    write: (number: number, text?: string) => {
      const payload = Buffer.from(`result ${number}`).toString('base64');
      const signature = Buffer.from('signed').toString('base64');
      writeFileSync(join(results, `${number}.json`), text ?? JSON.stringify({ payload, signature }));
    },
    acknowledged: () => JSON.parse(readFileSync(join(outbox, 'acknowledged.json'), 'utf8')) as { results: number },
  };
}

const waiting = async (stream: DurableStream, after?: bigint, max = 100) =>
  (await stream.pending(after ?? (await stream.position()), max)).map(({ sequence }) => Number(sequence));

describe('when the runner has written results', () => {
  it('they are read in the order of their numbers, with the signed bytes', async () => {
    const { open, write } = make();
    for (const number of [10, 9, 8, 1, 2, 3, 4, 5, 6, 7]) write(number);
    const stream = await open();

    expect(await waiting(stream)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await waiting(stream, 3n, 2)).toEqual([4, 5]);
    const [first] = await stream.pending(0n, 1);
    expect(first?.body.type === 'result' && Buffer.from(first.body.payload).toString()).toBe('result 1');
  });

  it('what the collector has is noted for the runner, which prunes; nothing is removed here', async () => {
    const { open, write, acknowledged, results } = make();
    for (const number of [1, 2, 3]) write(number);
    const stream = await open();
    await stream.acknowledged(2n, stream.id);

    expect(acknowledged().results).toBe(2);
    expect(readFileSync(join(results, '1.json'))).toBeTruthy();
    expect(await waiting(stream)).toEqual([3]);
    const again = await open();
    expect(again.id).toBe(stream.id);
    expect(await waiting(again)).toEqual([3]);
  });

  it('a result that the runner pruned before is skipped over', async () => {
    const { open, write } = make();
    for (const number of [5, 6]) write(number);
    const stream = await open();

    expect(await stream.position()).toBe(4n);
    expect(await waiting(stream)).toEqual([5, 6]);
  });

  it('the folder need not be there yet', async () => {
    const { outbox, clock } = make();
    const stream = await openResultStream({ results: join(root, 'nowhere'), outbox, random, clock, log: silentLog });

    expect(await waiting(stream)).toEqual([]);
    expect(await stream.position()).toBe(0n);
  });

  it('a new file wakes whoever waits, and so does the clock where nothing notices files', async () => {
    const { open, write, clock } = make();
    const stream = await open();
    const stop = new AbortController();
    const changes = stream.changed(stop.signal)[Symbol.asyncIterator]();
    const first = changes.next();
    await clock.sleeping(1);
    write(1);
    await first;

    const second = changes.next();
    await clock.advance(15_000);
    await second;
    stop.abort();
    expect((await changes.next()).done).toBe(true);
  });
});

describe('when files are not what they should be', () => {
  it.each([
    ['not JSON', '{"payload":'],
    ['null', 'null'],
    ['no signature', '{"payload":"YQ=="}'],
    ['not base64', '{"payload":"!!","signature":"YQ=="}'],
    ['empty', ''],
  ])('a result that is %s is a hole, of which the position speaks', async (_what, text) => {
    const { open, write } = make();
    for (const number of [1, 3]) write(number);
    write(2, text);
    const stream = await open();

    expect(await waiting(stream)).toEqual([1]);
    await stream.acknowledged(1n, stream.id);
    expect(await waiting(stream, 1n)).toEqual([]);
    expect(await stream.position()).toBe(2n);
    expect(await waiting(stream)).toEqual([3]);
  });

  it('a link is not followed', async () => {
    const { open, results } = make();
    const secret = join(root, 'secret.json');
    writeFileSync(secret, JSON.stringify({ payload: 'YQ==', signature: 'YQ==' }));
    symlinkSync(secret, join(results, '1.json'));
    const stream = await open();

    expect(await waiting(stream)).toEqual([]);
  });

  it('other names in the folder are no results', async () => {
    const { open, results, write } = make();
    for (const name of ['0.json', '01.json', '1.json.tmp', '.2.json.tmp', 'x.json'])
      writeFileSync(join(results, name), '');
    write(1);

    expect(await waiting(await open())).toEqual([1]);
  });

  it.each(['', 'null', '{"stream":"results:x","results":1}', '{"results":-1}'])(
    'an acknowledgement file of %j begins a new stream that sends everything again',
    async (text) => {
      const { open, write, outbox } = make();
      write(1);
      const stream = await open();
      await stream.acknowledged(1n, stream.id);
      writeFileSync(join(outbox, 'acknowledged.json'), text);

      const again = await open();
      expect(again.id).not.toBe(stream.id);
      expect(await waiting(again)).toEqual([1]);
    },
  );

  it('an old copy of the disk gets a stream of its own, so that numbers used again are not lost', async () => {
    const { open, write } = make();
    write(1);
    const stream = await open();
    const { id } = stream;
    await stream.acknowledged(7n, id);
    expect(stream.id).not.toBe(id);

    write(2);
    expect(await waiting(stream)).toEqual([1, 2]);
  });
});
