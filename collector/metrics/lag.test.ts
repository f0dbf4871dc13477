import { performance } from 'node:perf_hooks';
import { describe, expect, it } from 'vitest';
import { monitorLag } from './lag.ts';
import { loadOf, Meter } from './meter.ts';

const STALL_MS = 300;

/** What a synchronous read, a huge JSON.parse or a slow signature does. */
function stall(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const turns = (count: number) =>
  new Promise<void>((resolve) => {
    let left = count;
    const turn = setInterval(() => {
      left -= 1;
      if (left > 0) return;
      clearInterval(turn);
      resolve();
    }, 25);
  });

describe('when the event loop is kept busy', () => {
  it('the lag says by how much it was late, and no less', async () => {
    const lag = monitorLag();
    await turns(4);
    stall(STALL_MS);
    await turns(4);
    const { p50Ms, p99Ms, maxMs } = lag.read();
    lag.close();

    expect(maxMs).toBeGreaterThan(STALL_MS * 0.8);
    // One stall in some ten looks: the worst, not the middle.
    expect(p99Ms).toBeGreaterThan(STALL_MS * 0.8);
    expect(p50Ms).toBeLessThan(STALL_MS * 0.8);
  });

  it('before anything was measured it is 0, and after close it stays readable', () => {
    const lag = monitorLag();
    expect(lag.read()).toEqual({ p50Ms: 0, p99Ms: 0, maxMs: 0 });
    lag.close();
    expect(lag.read().maxMs).toBeGreaterThanOrEqual(0);
  });
});

describe('when things are counted', () => {
  it('the load has every count and the refusals by code', () => {
    const meter = new Meter();
    meter.framesIn += 2;
    meter.refuse('RATE_LIMITED');
    meter.refuse('RATE_LIMITED');
    meter.refuse('FRAME_INVALID');
    const lag = { read: () => ({ p50Ms: 1, p99Ms: 2, maxMs: 3 }) };

    expect(loadOf({ meter, lag, connections: 5, strangers: 6 })).toMatchObject({
      ...{ eventLoop: { p99Ms: 2 }, connections: 5, strangers: 6, framesIn: 2, waiting: 0 },
      refused: { RATE_LIMITED: 2, FRAME_INVALID: 1 },
    });
  });
});
