// The commands for many hosts as an admin types them, against a collector that serves: what they print, and what they refuse.

import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostSample } from '../store/samples.ts';
import { collectorLab, type Running } from './testing/collector-lab.ts';

const lab = collectorLab();
let running: Running;
beforeAll(async () => {
  await lab.init();
  await lab.withStore((store) =>
    store.transaction(async (writers) => {
      // Not long ago: who waits for a week is retired by the collector itself.
      const enrolledAt = Temporal.Now.instant().toString() as Timestamp;
      for (let number = 1; number <= 14; number++) {
        const machineId = `machine-${number === 14 ? 13 : number}`;
        await writers.hosts.add(hostSample(number, { acceptedAt: null, machineId, enrolledAt }));
      }
    }),
  );
  running = await lab.serve();
});
afterAll(async () => {
  expect(await running.stop()).toBe(0);
});

interface Listed {
  readonly hosts: readonly { name: string; state: string; owner: string | null; collectorLabels: object }[];
}
const one = async (name: string) =>
  (await lab.run(['host', 'show', name, '--json'])).json<{ host: Listed['hosts'][0] }>().host;

describe('when pending hosts are looked at and accepted', () => {
  it('status and list say that they wait, and how to let them in', async () => {
    expect((await lab.run(['status'])).stdout).toContain('pending     14: selvage host list --select');
    const { stdout } = await lab.run(['host', 'list']);
    expect(stdout).toContain('14 hosts   0 connected · 0 of 0 known have updates · 0 unknown');
    expect(stdout).toMatch(/^! 14 pending: selvage host accept NAME/m);
    expect((await lab.run(['host', 'show', 'host-13'])).stdout).toMatch(/PENDING .*\n.*SAME MACHINE {2}as host-14/);
  });

  it('a dry run names them, says how to go on, and changes nothing; without its number nothing happens', async () => {
    const dry = await lab.run(['host', 'accept', '--select', 'state=pending', '--dry-run']);
    expect(dry).toMatchObject({ exit: 0 });
    expect(dry.stdout).toMatch(/^dry run: 12 hosts would be accepted; nothing was changed\nnext: .*--expect 12/m);
    expect(dry.stdout).toMatch(/^- host-13: it says that it is the same machine as host-14/m);
    for (const more of [[], ['--expect', '14']]) {
      expect(await lab.run(['host', 'accept', '--select', 'state=pending', ...more])).toMatchObject({
        exit: 2,
        stderr: expect.stringMatching(/12 hosts .*nothing was changed\nnext: .*--expect 12/),
      });
    }
    expect((await one('host-1')).state).toBe('pending');
  });

  it('with its number they are let in; by name one, also one that looks like a copy', async () => {
    expect((await lab.run(['host', 'accept', 'host-13'])).stdout).toBe('host host-13 is accepted\n');
    const { stdout, exit } = await lab.run(['host', 'accept', '--select', 'state=pending', '--expect', '12']);

    expect([exit, /^12 hosts are accepted$/m.test(stdout)]).toEqual([0, true]);
    expect((await lab.run(['host', 'accept', 'host-1'])).stdout).toContain('- host-1: it is accepted already');
    expect((await one('host-14')).state).toBe('pending');
  });
});

describe('when hosts are labelled, owned, retired and revoked', () => {
  it('labels and names stand in one line', async () => {
    await lab.run(['host', 'label', 'host-1', 'host-2', 'tier=web', 'tier=db', 'zone=a']);
    expect((await lab.run(['host', 'label', 'host-1', 'zone-'])).stdout).toBe('host host-1 is labelled\n');

    expect(await one('host-1')).toMatchObject({ collectorLabels: { tier: ['web', 'db'] } });
    expect(await one('host-2')).toMatchObject({ collectorLabels: { tier: ['web', 'db'], zone: ['a'] } });
    expect((await lab.run(['host', 'show', 'host-2'])).stdout).toMatch(/by the collector +tier=web\|db, zone=a/);
    const { stdout } = await lab.run(['host', 'list', '--labels'], { columns: 120 });
    expect(stdout).toMatch(/^host-2 +active +- +\? +- +tier=web tier=db zone=a$/m);
  });

  it('an owner is said and taken away', async () => {
    expect((await lab.run(['host', 'owner', '--select', 'zone=a', 'ann@example.org'])).stdout).toContain(
      'host-2 is owned',
    );
    expect(await one('host-2')).toMatchObject({ owner: 'ann@example.org' });
    await lab.run(['host', 'owner', 'host-2', '--none']);
    expect(await one('host-2')).toMatchObject({ owner: null });
  });

  it('a retired host is out of the list, and is not let in again', async () => {
    await lab.run(['host', 'retire', 'host-3', '--reason', 'scrapped']);
    expect((await lab.run(['host', 'list'])).stdout).not.toMatch(/^host-3 /m);
    expect((await lab.run(['host', 'list', '--all'])).stdout).toMatch(/^host-3 .*retired/m);
    expect(await lab.run(['host', 'accept', 'host-3'])).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('error HOST_RETIRED: host-3: it is retired'),
    });
  });

  it.each([
    ['neither names nor a text', ['host', 'accept']],
    ['both', ['host', 'accept', 'host-1', '--select', 'name=x']],
    ['a label command without labels', ['host', 'label', 'host-1']],
    ['an owner command without an owner', ['host', 'owner', '--select', 'name=x']],
    ['a retirement without a reason', ['host', 'retire', 'host-1']],
    ['a number that is none', ['host', 'accept', '--select', 'name=x', '--expect', 'all']],
    ['a token for nobody', ['token', 'create']],
    ['a token of no use', ['token', 'create', '--uses', '0']],
    ['a token for many with one name', ['token', 'create', '--uses', '2', '--host', 'a']],
  ])('%s is wrong use', async (_what, args) => {
    expect(await lab.run(args)).toMatchObject({ exit: 2, stdout: '' });
  });
});

describe('when what is said of a host is hostile', () => {
  it.each([
    ['an owner over two lines', ['host', 'owner', 'host-1', 'ann\nroot'], 'column 4: U+000A'],
    ['an owner that commands the terminal', ['host', 'owner', 'host-1', '\u001b]0;x\u0007'], 'column 1: U+001B'],
    ['a label that turns round', ['host', 'label', 'host-1', 'tier=a\u202eb'], 'column 2: U+202E'],
    ['a label name of markup', ['host', 'label', 'host-1', '<b>=x'], '"<b>" does not fit'],
    [
      'a reason that looks like a line of ours',
      ['host', 'retire', 'host-1', '--reason', 'a\r\nok'],
      'column 2: U+000D',
    ],
    ['a token label over two lines', ['token', 'create', '--uses', '2', '--label', 'tier=a\nb'], 'column 2: U+000A'],
    ['a host name with a blank', ['token', 'create', '--host', 'a b'], 'letters, digits'],
    ['a network with a slip', ['token', 'create', '--uses', '2', '--cidr', '10.20.3.4/16'], 'is 10.20.0.0/16'],
  ])('%s is refused with its place, and printed harmlessly', async (_what, args, said) => {
    const { exit, stderr } = await lab.run(args);

    expect([exit, stderr]).toEqual([2, expect.stringContaining(said)]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });

  it('markup, quotes and shell characters are kept exactly, and a printed command can be pasted', async () => {
    const text = `<b>"a'b" $(id)</b>`;
    await lab.run(['host', 'owner', 'host-1', text]);
    expect(await one('host-1')).toMatchObject({ owner: text });
    const made = await lab.run(['token', 'create', '--uses', '2', '--label', `note=${text}`]);

    expect(made.stdout).toContain(` --label 'note=<b>"a'\\''b" $(id)</b>'`);
  });
});

describe('when tokens are listed', () => {
  it('what they are for, when they end and their bounds are there whole, on a terminal of 80 columns', async () => {
    const bounds = ['--cidr', '10.20.0.0/16', '--mode', 'advise', '--label', 'tier=web', '--label', 'site=north'];
    await lab.run(['token', 'create', '--uses', '50', '--expires', '8h', ...bounds]);
    const { stdout } = await lab.run(['token', 'list'], { columns: 80 });

    expect(stdout).toMatch(/^h[0-9a-f]{16} +any host +open +0\/50 +in [78]h +admin:ann +-$/m);
    expect(stdout).toMatch(
      /^ {2}h[0-9a-f]{16}: from 10\.20\.0\.0\/16 · mode advise at most · labels tier=web site=north$/m,
    );
    expect(stdout).not.toContain('…');
  });
});
