// A change that one admin wants and another signs, as both meet it: real commands on two machines, a real collector, real signatures.
import { join } from 'node:path';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OS_SECTION } from '../api/testing/inventories.ts';
import { hostSample } from '../store/samples.ts';
import { collectorLab, type Running } from './testing/collector-lab.ts';
import { seenBy, seenIn } from './testing/proposals.ts';

const lab = collectorLab();
const bobs = join(temporaryFolder('proposals'), 'bob');
let collector: Running;
const HOST = hostSample(1).name;
const ann = (...args: readonly string[]) => lab.run(args, { columns: 80 });
const bob = (...args: readonly string[]) => lab.run(args, { columns: 80, home: bobs });
// Once: at midnight the documents would be others.
const TODAY = Temporal.Now.plainDateISO('UTC');
const day = (offset: number) => TODAY.add({ days: offset }).toString();
const acceptance = (name: string, reason = 'the program that uses it breaks') => `kind: RiskAcceptance
name: ${name}
cves: [CVE-2024-0001]
select: name=${HOST}
reason: ${reason}
control: reachable from the office only
requester: ann
approver: bob
from: ${day(-1)}
review: ${day(20)}
until: ${day(25)}
`;
const WINDOW = (name: string) => `kind: Window\nname: ${name}\ndays: [mon]\nstart: "01:00"\nfor: 3h\ntimezone: host\n`;
const { listed, kinds } = seenBy(ann);
const needs = async () =>
  (await ann('todo', '--json')).json<{ needs: { kind: string; message: string; next: string }[] }>().needs;

beforeAll(async () => {
  await lab.init();
  await lab.addHost(1, { os: OS_SECTION });
  collector = await lab.serve();
  const { token } = (await ann('admin', 'add', 'bob', '--json')).json<{ token: string }>();
  const to = ['--collector', collector.api, '--pin', collector.apiPin];
  expect(await bob('login', ...to, '--token', token, '--name', 'bob')).toMatchObject({ exit: 0 });
  const refused = await bob('policy', 'push', lab.file('first.yaml', WINDOW('first')));
  const [, key = ''] = /key trust ([0-9a-f]{64})/.exec(refused.stderr) ?? [];
  expect(await ann('key', 'trust', key)).toMatchObject({ exit: 0 });
});
afterAll(async () => {
  await collector.stop();
});

describe('when a risk acceptance needs the signature of another admin', () => {
  it('whoever asks cannot push it, and is told how to ask', async () => {
    const pushed = await ann('policy', 'push', lab.file('one.yaml', acceptance('one')));

    expect(pushed.exit).toBe(2);
    expect(pushed.stderr).toContain('bob has not signed this push');
    expect(pushed.stderr).toContain('selvage policy propose');
  });

  it('it waits where everybody sees it, and changes nothing', async () => {
    const asked = await ann('policy', 'propose', lab.file('one.yaml', acceptance('one')), '--note', 'ticket 12');

    expect(asked).toMatchObject({ exit: 0, stderr: '' });
    expect(asked.stdout).toContain('proposal 1 waits for a signature: nothing is signed yet');
    expect(asked.stdout).toContain('let bob run: selvage policy sign 1');
    expect(await kinds()).toEqual([]);
    expect(await listed()).toMatchObject([
      { number: 1, note: 'ticket 12', titles: ['RiskAcceptance one'], approvers: ['bob'], proposedBy: 'admin:ann' },
    ]);
    expect((await needs()).find(({ kind }) => kind === 'unsigned')).toMatchObject({
      message: '1 proposal waits for a signature: 1 (RiskAcceptance one, for bob)',
      next: 'selvage policy sign 1',
    });
    expect((await ann('todo')).stdout).toContain('UNSIGNED');
  });

  it('the same is not taken twice', async () => {
    const again = await ann('policy', 'propose', lab.file('one.yaml', acceptance('one')));

    expect(again).toMatchObject({ exit: 1, stderr: expect.stringContaining('the same waits already, as proposal 1') });
  });

  it('looking at it shows every line and signs nothing; whoever asked cannot sign it', async () => {
    const { stdout } = await bob('policy', 'sign', '1');

    expect(stdout).toContain('proposal 1 of admin:ann');
    expect(stdout).toContain('why: ticket 12');
    expect(stdout).toContain('  control: reachable from the office only');
    expect(stdout).toContain(`one is about 1 host: ${HOST}`);
    expect(stdout).toContain('nothing is signed yet');
    expect(await kinds()).toEqual([]);
    const own = await ann('policy', 'sign', '1', '--seen', seenIn(stdout));
    expect(own).toMatchObject({ exit: 2, stderr: expect.stringContaining('bob has not signed this push') });
    expect(own.stderr).toContain('let bob sign it: selvage policy sign 1');
    expect(await listed('--select', 'state=waiting')).toHaveLength(1);
  });

  it('what was not shown is not signed', async () => {
    const other = await bob('policy', 'sign', '1', '--seen', '0123456789abcdef');

    expect(other).toMatchObject({ exit: 1, stderr: expect.stringContaining('is not what was shown') });
    expect(await kinds()).toEqual([]);
  });

  it('the one whose signature counts signs what was shown, and it waits no longer', async () => {
    const { stdout } = await bob('policy', 'sign', '1');
    const signed = await bob('policy', 'sign', '1', '--seen', seenIn(stdout));

    expect(signed).toMatchObject({ exit: 0, stderr: '', stdout: expect.stringContaining('signed with') });
    expect(await kinds()).toEqual(['RiskAcceptance one']);
    expect(await listed()).toMatchObject([{ number: 1, outcome: 'signed', closedBy: 'admin:bob' }]);
    expect((await needs()).filter(({ kind }) => kind === 'unsigned')).toEqual([]);
    const again = await bob('policy', 'sign', '1', '--seen', seenIn(stdout));
    expect(again).toMatchObject({ exit: 1, stderr: expect.stringContaining('admin:bob has signed it') });
    const ledger = (await ann('audit', 'list', '--json')).stdout;
    expect(ledger).toContain('policy.proposed');
    expect(ledger).toMatch(/"proposal": ?1/);
  });
});

describe('when the policy has changed since a proposal was looked at', () => {
  it('the old look is worth nothing', async () => {
    const file = lab.file('changed.yaml', acceptance('one', 'the vendor has gone'));
    expect(await ann('policy', 'propose', file)).toMatchObject({ exit: 0 });
    const { stdout } = await bob('policy', 'sign', '2');
    expect(stdout).toContain('reason: the program that uses it breaks → the vendor has gone');

    expect(await bob('policy', 'push', lab.file('mine.yaml', acceptance('one', 'nobody knows')))).toMatchObject({
      exit: 0,
    });
    expect(await bob('policy', 'sign', '2', '--seen', seenIn(stdout))).toMatchObject({ exit: 1 });
    expect(await listed('--select', 'number=2')).toMatchObject([{ outcome: null }]);
  });

  it('one that would change nothing any more is refused, and may be declined with a reason', async () => {
    expect(
      await bob('policy', 'push', lab.file('changed.yaml', acceptance('one', 'the vendor has gone'))),
    ).toMatchObject({
      exit: 0,
    });
    expect(await bob('policy', 'sign', '2')).toMatchObject({
      ...{ exit: 1, stderr: expect.stringContaining('would change nothing any more') },
    });
    expect(await bob('policy', 'decline', '2', '--reason', 'done otherwise')).toMatchObject({ exit: 0 });
    expect((await ann('policy', 'proposals')).stdout).toContain('declined by admin:bob: done otherwise');
    expect(await bob('policy', 'decline', '2')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('NOT_FOUND'),
    });
  });
});

describe('when a proposal removes documents', () => {
  it('what goes is shown, and is gone once it is signed', async () => {
    const [days, nights] = [lab.file('days.yaml', WINDOW('days')), lab.file('nights.yaml', WINDOW('nights'))];
    expect(await ann('policy', 'push', days, nights)).toMatchObject({ exit: 0 });
    const kept = lab.file('kept.yaml', acceptance('one', 'the vendor has gone'));
    expect(await ann('policy', 'propose', '--prune', nights, kept)).toMatchObject({ exit: 0 });
    const { stdout } = await bob('policy', 'sign', '3');

    expect(stdout).toContain('- Window days');
    expect(stdout).toContain('remove Window days\n  kind: Window\n  name: days\n  days:\n    - mon\n');
    expect(await ann('policy', 'sign', '3', '--seen', seenIn(stdout))).toMatchObject({ exit: 0 });
    expect(await kinds()).toEqual(['RiskAcceptance one', 'Window nights']);
  });
});

describe('when somebody wants more signed than is seen', () => {
  const pad = (text: string) => text.padEnd(90);
  const text = JSON.stringify(`${pad('it breaks')}${pad('  approver: carol')}until: 2020-01-01`);
  const padded = acceptance('padded', text);
  const linesOf = (stdout: string) => stdout.split('\n');

  const OBEYED = /[^\P{C}\n]/u;

  it('no part of a text stands where a field stands, new or changed', async () => {
    const note = `${pad('please')}  kind: Window`;
    expect(await ann('policy', 'propose', lab.file('padded.yaml', padded), '--note', note)).toMatchObject({ exit: 0 });
    const { stdout } = await bob('policy', 'sign', '4');

    expect(linesOf(stdout).filter((line) => line.length > 80)).toEqual([]);
    expect(linesOf(stdout).filter((line) => /^ *(approver|until|kind):/.test(line))).toEqual([
      '  kind: RiskAcceptance',
      '  approver: bob',
      `  until: ${day(25)}`,
    ]);
    expect(await bob('policy', 'sign', '4', '--seen', seenIn(stdout))).toMatchObject({ exit: 0 });
    const worse = padded.replace('it breaks', 'it broke');
    expect(await ann('policy', 'propose', lab.file('padded.yaml', worse))).toMatchObject({ exit: 0 });
    const { stdout: changed } = await bob('policy', 'sign', '5');
    expect(linesOf(changed).filter((line) => line.length > 80)).toEqual([]);
    expect(linesOf(changed).filter((line) => /^ *(approver|until):/.test(line))).toEqual([]);
  });

  it('control characters reach no terminal', async () => {
    const evil = 'a\u001b[2Jb\u202ec\u009b';
    const file = lab.file('evil.yaml', acceptance('evil', JSON.stringify(evil)));
    expect(await ann('policy', 'propose', file, '--note', `${evil}\nnext: selvage policy sign 1`)).toMatchObject({
      exit: 0,
    });
    for (const { stdout } of [await bob('policy', 'sign', '6'), await bob('policy', 'proposals'), await bob('todo')]) {
      expect(stdout).not.toMatch(OBEYED);
      expect(stdout).not.toMatch(/^ *next: selvage policy sign 1$/m);
    }
    expect((await bob('policy', 'sign', '6', '--json')).stdout).not.toMatch(OBEYED);
    expect(await bob('policy', 'decline', '6', '--json')).toMatchObject({ exit: 0 });
  });

  it('what was shown is known by more digits than anybody finds two of a kind of', async () => {
    expect(seenIn((await bob('policy', 'sign', '5')).stdout)).toHaveLength(40);
    const { seen } = (await bob('policy', 'sign', '5', '--json')).json<{ seen: string }>();
    expect(await bob('policy', 'sign', '5', '--seen', seen.slice(0, 16))).toMatchObject({ exit: 1 });
    const declined = await bob('policy', 'decline', '5', '--reason', 'no', '--json');
    expect(declined.json()).toEqual({ number: 5, outcome: 'declined', reason: 'no' });
  });

  it('a collector that puts and removes a document at once is refused here', async () => {
    const [nights, other] = [WINDOW('nights'), WINDOW('nights').replace('01:00', '02:00')];
    expect(nights).not.toBe(other);
    expect(await ann('policy', 'propose', lab.file('nights.yaml', other))).toMatchObject({ exit: 0 });
    const [{ documents, number } = { documents: [], number: 0 }] = await listed('--select', 'state=waiting');
    await lab.withStore((store) =>
      store.transaction(async ({ proposals }) => {
        await proposals.add({
          ...{ documents, removed: ['policy/windows/nights.json'], note: '' },
          ...{ proposedBy: 'admin:ann', proposedAt: Temporal.Now.instant().toString() as Timestamp },
        });
      }),
    );

    expect(await bob('policy', 'sign', `${number + 1}`)).toMatchObject({
      ...{ exit: 2, stdout: '', stderr: expect.stringContaining('policy/windows/nights.json is put and removed') },
    });
    for (const each of [number, number + 1])
      expect(await bob('policy', 'decline', `${each}`)).toMatchObject({ exit: 0 });
  });

  it('one who only reads looks, and neither proposes nor declines', async () => {
    const { token } = (await ann('admin', 'add', 'rea', '--reader', '--json')).json<{ token: string }>();
    const home = join(temporaryFolder('proposals'), 'rea');
    const to = ['--collector', collector.api, '--pin', collector.apiPin];
    expect(await lab.run(['login', ...to, '--token', token, '--name', 'rea'], { home })).toMatchObject({ exit: 0 });
    const file = lab.file('hers.yaml', WINDOW('hers'));
    expect(await ann('policy', 'propose', file)).toMatchObject({ exit: 0 });
    const [{ number } = { number: 0 }] = await listed('--select', 'state=waiting');
    const refused = { exit: 3, stderr: expect.stringContaining('FORBIDDEN') };

    expect(await lab.run(['policy', 'sign', `${number}`], { home })).toMatchObject({ exit: 0 });
    expect(await lab.run(['policy', 'decline', `${number}`], { home })).toMatchObject(refused);
    expect(await lab.run(['policy', 'propose', lab.file('more.yaml', WINDOW('more'))], { home })).toMatchObject(
      refused,
    );
    expect(await bob('policy', 'decline', `${number}`)).toMatchObject({ exit: 0 });
  });
});

describe('when two sign at once', () => {
  it('one does, and the other is told where to look', async () => {
    expect(await ann('policy', 'propose', lab.file('raced.yaml', WINDOW('raced')))).toMatchObject({ exit: 0 });
    const [{ number } = { number: 0 }] = await listed('--select', 'state=waiting');
    const seen = seenIn((await bob('policy', 'sign', `${number}`)).stdout);
    const both = await Promise.all([ann, bob].map((by) => by('policy', 'sign', `${number}`, '--seen', seen)));

    expect(both.map(({ exit }) => exit).toSorted()).toEqual([0, 1]);
    expect(both.map(({ stderr }) => stderr).join('')).toMatch(/next: .*selvage policy (sign \d+|proposals)$/m);
    expect((await kinds()).filter((one) => one === 'Window raced')).toHaveLength(1);
  });
});

describe('when there is nothing to sign', () => {
  it('it is said plainly', async () => {
    expect(await bob('policy', 'sign', '99')).toMatchObject({ exit: 1, stderr: expect.stringContaining('NOT_FOUND') });
    expect(await bob('policy', 'sign', 'x')).toMatchObject({ exit: 2 });
    expect(await bob('policy', 'decline', '1', '--reason', 'x'.repeat(1001))).toMatchObject({
      ...{ exit: 2, stdout: '', stderr: expect.stringContaining('At most 1000 characters') },
    });
    const same = await ann('policy', 'propose', lab.file('nights.yaml', WINDOW('nights')));
    expect(same.stdout).toContain('nothing would change');
    expect(await listed('--select', 'state=waiting')).toEqual([]);
  });
});
