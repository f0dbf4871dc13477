// Which threads read feeds: one after the other the same, as long as none is stopped half-way.
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { importLabs, lines, osvOf } from '../testing/import-lab.ts';

const labs = importLabs('feed-threads');
let started = 0;
const count = (_thread: Worker) => {
  started += 1;
};

beforeAll(() => {
  process.on('worker', count);
  // A thread is kept for seconds. On a busy machine the next feed comes later than that: here they do not pass.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterAll(() => {
  vi.useRealTimers();
  process.off('worker', count);
});

const records = (from: number) => lines([osvOf(`CVE-2025-000${from}`, { curl: `${from}-1` })]);

describe('when feeds are imported one after the other', () => {
  it('one thread reads them all, and nothing of one is in the next', async () => {
    const lab = await labs();
    await lab.take('osv-debian', lab.file('one.jsonl', records(1)));
    started = 0;
    const second = await lab.take('osv-debian', lab.file('two.jsonl', records(2)));
    const third = await lab.take(null, lab.file('epss.csv', 'cve,epss,percentile\nCVE-2025-0003,0.5,0.5\n'));

    expect(started).toBe(0);
    expect([second.state.records, second.duplicates, third.feed, third.state.records]).toEqual([...[1, 0, 'epss', 1]]);
    const [curl] = await lab.store.read.feeds.rules([{ ecosystem: 'Debian:12', package: 'curl' }]);
    expect(curl?.rules.map(({ record }) => record)).toEqual(['CVE-2025-0002']);
  });

  it.each([
    ['that is not what it should be', 'osv-debian', '{"id":', {}],
    ['that is stopped', 'osv-debian', records(3), { signal: AbortSignal.abort() }],
  ])('a feed %s ends its thread with it, and the next is read by another', async (_, feed, content, options) => {
    const lab = await labs();
    await lab.take(feed, lab.file('before.jsonl', records(5)));
    await lab.take(feed, lab.file('other.jsonl', content), options).catch(() => undefined);
    started = 0;
    const after = await lab.take(feed, lab.file('after.jsonl', records(6)));

    expect(after.state.records).toBe(1);
    expect(started).toBe(1);
  });

  it('a feed with other bounds of memory is read by a thread of its own, which is not kept', async () => {
    const lab = await labs();
    await lab.take('osv-debian', lab.file('before.jsonl', records(4)));
    started = 0;
    await lab.take('osv-debian', lab.file('bounded.jsonl', records(5)), { limits: { memoryMib: 512 } });
    await lab.take('osv-debian', lab.file('after.jsonl', records(6)));

    expect(started).toBe(1);
  });

  it('what is current already takes no thread away from the next', async () => {
    const lab = await labs();
    const path = lab.file('same.jsonl', records(7));
    await lab.take('osv-debian', path);
    expect(await lab.take('osv-debian', path)).toMatchObject({ changed: false });
    started = 0;
    await lab.take('osv-debian', lab.file('next.jsonl', records(8)));

    expect(started).toBe(0);
  });
});
