// selvage finding through the real command and a real collector: options, widths, JSON, exit codes.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findings } from '../api/contract/findings.ts';
import { APACHE, putSampleFeeds, putSampleHosts } from '../api/testing/finding-samples.ts';
import { type CollectorLab, collectorLab, type Running } from './testing/collector-lab.ts';

let lab: CollectorLab;
let running: Running;

beforeAll(async () => {
  lab = collectorLab();
  await lab.init();
  await lab.withStore(async (store) => {
    await putSampleFeeds(store);
    await putSampleHosts(store, Temporal.Now.instant().toString() as Timestamp);
  });
  running = await lab.serve();
  // The collector matches after its start, and says when it is done.
  for (;;) {
    const { exit, stderr, stdout } = await lab.run(['finding', 'list', '--json']);
    if (exit !== 0) throw new Error(stderr);
    if (findings.parse(JSON.parse(stdout)).complete) break;
  }
});
afterAll(() => running.stop());

describe('when findings are asked for by command', () => {
  it('prints them, the most pressing first, in the width of the terminal', async () => {
    const { exit, stdout } = await lab.run(['finding', 'list'], { columns: 120 });

    expect(exit).toBe(0);
    expect(stdout).toMatch(/^7 findings on 3 of 4 machines {3}0 immediate · 1 out-of-cycle · 6 scheduled$/m);
    expect(stdout).toMatch(/^out-of-cycle {2}critical 9\.1 .*CVE-2024-38475 KEV/m);
    expect(Math.max(...stdout.split('\n').map((line) => [...line].length))).toBeLessThanOrEqual(120);
  });

  it('takes every option, and pages by what it printed', async () => {
    const one = (...args: readonly string[]) => lab.run(['finding', 'list', '--json', ...args]);

    expect((await one('--cve', APACHE)).json()).toMatchObject({ total: 1 });
    expect((await one('--package', 'openssl', '--decision', 'scheduled', '--state', 'fixable')).json()).toMatchObject({
      total: 2,
    });
    expect((await one('--older-than', '30d')).json()).toMatchObject({ total: 0 });
    expect((await one('--select', 'name=web-* and kev')).json()).toMatchObject({ total: 1 });
    const { next } = (await one('--limit', '3')).json<{ next: string }>();
    expect((await one('--limit', '1000', '--after', next)).json<{ findings: unknown[] }>().findings).toHaveLength(4);
  });

  it('explains one, also where it is not here', async () => {
    const { exit, stdout } = await lab.run(['finding', 'explain', 'web-old', APACHE], { columns: 80 });

    expect(exit).toBe(0);
    expect(stdout).toMatch(
      /^CRITICAL 9\.1 \(CVSS 3\.1, CISA-ADP\) {3}decision OUT-OF-CYCLE {3}OVERDUE {3}on web-old$/m,
    );
    expect((await lab.run(['finding', 'explain', 'db', APACHE])).stdout).toMatch(/^Is it here\? {4}no: apache2/m);
    expect((await lab.run(['finding', 'explain', 'db', APACHE, '--json'])).json()).toMatchObject({
      answer: { here: 'no' },
    });
  });

  it.each([
    [['list', '--decision', 'soon'], 2, 'USAGE'],
    [['list', '--older-than', 'yesterday'], 2, 'USAGE'],
    [['list', '--select', 'decision=soon'], 2, 'SELECT_INVALID'],
    [['list', '--after', 'nonsense'], 2, 'REQUEST_INVALID'],
    [['explain', 'nobody', APACHE], 1, 'NOT_FOUND'],
    [['explain', 'web-old'], 2, 'USAGE'],
  ])('ends %j with %d and %s', async (args, exit, code) => {
    const outcome = await lab.run(['finding', ...args]);

    expect([outcome.exit, /error ([A-Z_]+)/.exec(outcome.stderr)?.[1]]).toEqual([exit, code]);
  });
});
