// selvage host history, host list --changed-outside and the field of the same name, against a real collector: what is printed, in
// text and JSON, also of a host that writes whatever it likes into its logs.

import { silentLog } from '@selvage/shared/log/log.ts';
import type { Changes } from '@selvage/shared/model/changes.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Events } from '../events.ts';
import { keepHistory } from '../history/keeper.ts';
import { type CollectorLab, collectorLab, type Running } from './testing/collector-lab.ts';

const ago = (hours: number) => Temporal.Now.instant().subtract({ hours }).round('second').toString();
const told = (number: number, at: string, over: Partial<Changes['told'][number]> = {}): Changes['told'][number] => ({
  ...{ id: number.toString(16).padStart(32, '0'), source: 'apt', at, endedAt: at, certain: true, actor: 'anna (1000)' },
  ...{ command: 'apt install nmap', run: null, problem: null },
  changes: [{ name: 'nmap', arch: 'amd64', from: null, to: '7.93-1' }],
  ...over,
});
const AGENT = { version: '0.1.0', mode: 'managed' as const, labels: {}, components: [] };

let lab: CollectorLab;
let served: Running;

beforeAll(async () => {
  lab = collectorLab();
  await lab.init();
  const nasty = {
    actor: 'a\u001b[31mb\u202e',
    command: 'apt \u0007',
    changes: [{ name: 'x', arch: 'all', from: null, to: '1' }],
  };
  // host-1: enrolled long ago (see hostSample), changed by anna twice; one of the times was there twice.
  await lab.addHost(1, {
    agent: AGENT,
    changes: {
      complete: false,
      problems: [{ log: '/var/log/dpkg.log.3.xz', code: 'FILE_UNREADABLE', reason: 'packed in a way' }],
      told: [
        told(1, ago(2)),
        told(2, ago(50), {
          certain: false,
          problem: 'dpkg returned an error code (1)',
          changes: [{ name: 'vim', arch: 'amd64', from: '9.0', to: '9.1' }],
        }),
        told(3, '2025-01-01T00:00:00Z', {
          actor: null,
          changes: ['nmap', 'b', 'c', 'd', 'e'].map((name) => ({ name, arch: 'amd64', from: null, to: '7.93-1' })),
        }),
      ],
    },
  });
  await lab.addHost(2, { agent: AGENT, changes: { complete: true, problems: [], told: [told(4, ago(1), nasty)] } });
  await lab.addHost(3, {
    agent: AGENT,
    changes: { complete: true, problems: [], told: [told(5, ago(3), { run: 'web/1' })] },
  });
  // An agent of before: it tells nothing of logs.
  await lab.addHost(4, { agent: AGENT, packages: [] });
  await lab.withStore(async (store) => {
    // What lies in the store untaken is found by a start; here it is waited for.
    const keeper = keepHistory({ store, clock: systemClock, events: new Events(), log: silentLog });
    await keeper.idle();
    await keeper.close();
  });
  served = await lab.serve();
});
afterAll(() => served?.stop());

describe('when an admin asks what happened to a host', () => {
  it('the page says what, by whom and how it is known; what is missing is said', async () => {
    const { stdout, exit } = await lab.run(['host', 'history', 'host-1'], { columns: 100 });
    expect(exit).toBe(0);
    const [since, before] = stdout.split('from host logs, not witnessed');
    expect(since).toMatch(/^host-1 +3 events, 2 of them changes outside Selvage\n/);
    expect(since).toMatch(/changed outside Selvage +anna \(1000\) +nmap 7\.93-1 new/);
    expect(since).toMatch(
      /~\S+ \S+ +changed outside Selvage +anna \(1000\) +vim 9\.0 → 9\.1, \(dpkg returned an error/,
    );
    // How many comes first: the end is cut on a narrow screen.
    expect(before).toMatch(/2025-01-01 .* changed +apt install nmap +5: nmap 7\.93-1 new, b/);
    expect(stdout).toContain('! its logs hold more than was told: older changes are missing');
    expect(stdout).toContain('! /var/log/dpkg.log.3.xz: packed in a way');
  });

  it('--since leaves out what is older, and a wrong one is wrong use', async () => {
    const { events } = (await lab.run(['host', 'history', 'host-1', '--since', '1d', '--json'])).json<{
      events: object[];
    }>();
    expect(events).toMatchObject([{ kind: 'changed-outside', origin: 'told', actor: 'anna (1000)', source: 'apt' }]);
    expect((await lab.run(['host', 'history', 'host-1', '--since', 'soon'])).exit).toBe(2);
    expect((await lab.run(['host', 'history', 'nobody'])).stderr).toContain('error NOT_FOUND');
  });

  it('the page of the host has the newest of it', async () => {
    const { stdout } = await lab.run(['host', 'show', 'host-1']);
    expect(stdout).toContain('changed outside Selvage');
    expect(stdout).toContain('selvage host history host-1');
    expect((await lab.run(['host', 'show', 'host-1', '--json'])).json().history).toHaveLength(3);
  });

  it('where nothing was told of logs it is said', async () => {
    const { stdout } = await lab.run(['host', 'history', 'host-4']);
    expect(stdout).toContain('! nothing of its logs has arrived yet');
  });

  it('a mark without a result is said to be open', async () => {
    const { stdout } = await lab.run(['host', 'history', 'host-3']);
    expect(stdout).toContain('Selvage, no result yet');
    expect(stdout).toContain('0 of them changes outside Selvage');
  });
});

describe('when an admin asks which hosts others have changed', () => {
  it('they are named with the last change, the newest first; Selvage is not among them', async () => {
    const { stdout } = await lab.run(['host', 'list', '--changed-outside'], { columns: 100 });
    expect(stdout).toMatch(/^2 hosts changed outside Selvage, heard of in the last 7d\n/);
    expect(stdout).toMatch(/host-1 +2 +2h ago +anna \(1000\) +nmap 7\.93-1 new/);
    const one = await lab.run(['host', 'list', '--changed-outside', '--select', 'name=host-1']);
    expect(one.stdout).toMatch(/^1 host changed outside/);
    expect(stdout.indexOf('host-2')).toBeLessThan(stdout.indexOf('host-1'));
    expect(stdout).not.toMatch(/host-[34]/);
  });

  it('what a host writes into its logs reaches no terminal', async () => {
    for (const args of [
      ['host', 'list', '--changed-outside'],
      ['host', 'history', 'host-2'],
    ]) {
      const { stdout } = await lab.run(args);
      expect(stdout).toContain('a?[31mb?');
      expect([...stdout].filter((char) => char !== '\n' && (char < ' ' || char === '\u202e'))).toEqual([]);
    }
  });

  it('--select and the field say the same', async () => {
    const names = async (...args: string[]) =>
      (await lab.run(['host', 'list', '--json', ...args]))
        .json<{ hosts: { name: string }[] }>()
        .hosts.map(({ name }) => name)
        .sort();
    expect(await names('--changed-outside', '1d', '--select', 'name=host-1')).toEqual(['host-1']);
    expect(await names('--select', 'changed-outside<90m')).toEqual(['host-2']);
    // Never is longer ago than any time.
    expect(await names('--select', 'changed-outside>90m')).toEqual(['host-1', 'host-3', 'host-4']);
    expect((await lab.run(['host', 'list', '--changed-outside', 'x'])).exit).toBe(2);
  });
});
