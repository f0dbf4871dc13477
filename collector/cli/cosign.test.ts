// Changes that two of three admins sign, as they meet them: real commands on three machines, a real collector, real signatures.
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collectorLab, type Running } from './testing/collector-lab.ts';
import { type Command, seenBy, seenIn } from './testing/proposals.ts';

let seconds = 0;
const lab = collectorLab({ ...systemClock, now: () => systemClock.now().add({ seconds }) });
const homes = temporaryFolder('cosign');
let collector: Running;
const at =
  (name: string): Command =>
  (...args) =>
    lab.run(args, { columns: 80, home: join(homes, name) });
const ann: Command = (...args) => lab.run(args, { columns: 80 });
const [bob, carol, rea] = [at('bob'), at('carol'), at('rea')];
// Once: at midnight the documents would be others.
const TODAY = Temporal.Now.plainDateISO('UTC');
const day = (offset: number) => TODAY.add({ days: offset }).toString();
const window = (name: string, start = '01:00') =>
  lab.file(`${name}.yaml`, `kind: Window\nname: ${name}\ndays: [mon]\nstart: "${start}"\nfor: 3h\ntimezone: host\n`);
const { listed, kinds } = seenBy(ann);
const tooWide = (stdout: string) => stdout.split('\n').filter((line) => line.length > 80);
const numberIn = (stdout: string) => /proposal (\d+) waits/.exec(stdout)?.[1] ?? 'none';
const unsigned = async () =>
  (await ann('todo', '--json'))
    .json<{ needs: { kind: string; message: string }[] }>()
    .needs.find(({ kind }) => kind === 'unsigned');
/** Looks, and signs what was shown. */
const sign = async (by: Command, number: string) =>
  by('policy', 'sign', number, '--seen', seenIn((await by('policy', 'sign', number)).stdout));
const keyIds = async () =>
  (await ann('key', 'list', '--json')).json<{ threshold: number; keys: { keyId: string; admin: string | null }[] }>();

async function logIn(name: string, command: Command, ...options: readonly string[]): Promise<string> {
  const { token } = (await ann('admin', 'add', name, ...options, '--json')).json<{ token: string }>();
  const to = ['--collector', collector.api, '--pin', collector.apiPin];
  const { stdout } = await command('login', ...to, '--token', token, '--name', name);

  return /key trust ([0-9a-f]{64})/.exec(stdout)?.[1] ?? '';
}

beforeAll(async () => {
  await lab.init();
  collector = await lab.serve();
  expect(await ann('key', 'trust', await logIn('bob', bob))).toMatchObject({ exit: 0 });
  expect(await ann('key', 'trust', await logIn('carol', carol))).toMatchObject({ exit: 0 });
  await logIn('rea', rea, '--reader');
});
afterAll(async () => {
  await collector.stop();
});

describe('when admins decide that two of them must sign', () => {
  it('no more are asked for than there are keys', async () => {
    expect(await ann('key', 'threshold', '4')).toMatchObject({ exit: 3, stderr: expect.stringContaining('4 of 3') });
    expect(await ann('key', 'threshold', '0')).toMatchObject({ exit: 2 });
    expect(await ann('key', 'threshold', '1')).toMatchObject({
      ...{ exit: 1, stderr: expect.stringContaining('1 of 3 keys must sign already') },
    });
    expect(await listed()).toEqual([]);
  });

  it('that itself waits for the second signature, which is then needed for everything', async () => {
    const asked = await ann('key', 'threshold', '2');
    expect(asked).toMatchObject({ exit: 0, stderr: '' });
    expect(asked.stdout).toContain('proposal 1 waits: 1 of 2 signatures, needs one of: bob, carol');
    expect((await keyIds()).threshold).toBe(1);

    const { stdout } = await bob('policy', 'sign', '1');
    expect(stdout).toContain('proposal 1 of admin:ann');
    expect(stdout).toContain('~ 2 of 3 keys must sign (now 1 of 3)');
    expect(stdout).not.toContain('nothing would change');
    expect(await sign(bob, '1')).toMatchObject({ exit: 0, stdout: expect.stringContaining('and pushed') });
    expect((await keyIds()).threshold).toBe(2);
  });
});

describe('when a push needs the signature of another admin', () => {
  it('it waits where everybody sees it, and binds nobody', async () => {
    const pushed = await ann('policy', 'push', window('nights'));

    expect(pushed).toMatchObject({ exit: 0, stderr: '' });
    expect(pushed.stdout).toContain('it binds nobody yet');
    expect(pushed.stdout).toContain('proposal 2 waits: 1 of 2 signatures, needs one of: bob, carol');
    expect(pushed.stdout).toContain('next: let one of them run: selvage policy sign 2');
    expect(await kinds()).toEqual([]);
    expect((await carol('policy', 'proposals')).stdout).toContain('1 of 2 signatures, needs one of: bob, carol');
    expect((await unsigned())?.message).toBe(
      '1 proposal waits for a signature: 2 (Window nights: 1 of 2 signatures, needs one of: bob, carol)',
    );
    expect(await ann('policy', 'push', window('nights'))).toMatchObject({
      ...{ exit: 1, stderr: expect.stringContaining('the same waits already, as proposal 2') },
    });
  });

  it('the key that has signed it does not sign it again, and one who only reads does not sign', async () => {
    const { stdout } = await ann('policy', 'sign', '2');
    expect(await ann('policy', 'sign', '2', '--seen', seenIn(stdout))).toMatchObject({
      ...{ exit: 1, stderr: expect.stringContaining('the key of this machine has signed proposal 2 already') },
    });
    expect((await rea('policy', 'sign', '2')).exit).toBe(0);
    expect((await rea('policy', 'sign', '2', '--seen', seenIn(stdout))).exit).not.toBe(0);
    expect(await listed('--select', 'number=2')).toMatchObject([{ outcome: null, signatures: { have: 1 } }]);
  });

  it('looking shows every line and signs nothing; what was not shown is not signed', async () => {
    const { stdout } = await bob('policy', 'sign', '2');

    expect(stdout).toContain('Window nights\n  kind: Window\n  name: nights\n  days:\n    - mon\n  start: 01:00\n');
    expect(stdout).toContain('+ Window nights');
    expect(stdout).toMatch(/ {2}1 of 2 signatures: [0-9a-f]{16} \(admin:ann\)/);
    expect(stdout).toContain('nothing is signed yet');
    expect(await bob('policy', 'sign', '2', '--seen', '0'.repeat(40))).toMatchObject({
      ...{ exit: 1, stderr: expect.stringContaining('is not what was shown') },
    });
    expect(await kinds()).toEqual([]);
  });

  it('with the second signature it is in force', async () => {
    const signed = await sign(bob, '2');

    expect(signed).toMatchObject({ exit: 0, stderr: '', stdout: expect.stringContaining('and pushed') });
    expect(await kinds()).toEqual(['Window nights']);
    expect(await listed('--select', 'number=2')).toMatchObject([{ outcome: 'signed', closedBy: 'admin:bob' }]);
    expect(await unsigned()).toBeUndefined();
    expect(await sign(carol, '2')).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('admin:bob has signed it'),
    });
  });
});

describe('when a collector hands out other bytes to be signed than it has shown', () => {
  let [one, other] = ['', ''];
  beforeAll(async () => {
    one = numberIn((await ann('policy', 'push', window('days'))).stdout);
    other = numberIn((await ann('policy', 'push', window('days', '05:00'))).stdout);
  });

  it('the digits of what was shown fit nothing else, not even the same change made again', async () => {
    const { stdout } = await bob('policy', 'sign', one);
    const refused = { exit: 1, stderr: expect.stringContaining('is not what was shown') };

    expect(await bob('policy', 'sign', other, '--seen', seenIn(stdout))).toMatchObject(refused);
    expect(await ann('policy', 'decline', one)).toMatchObject({ exit: 0 });
    // Another second: another term, other bytes.
    seconds += 5;
    one = numberIn((await ann('policy', 'push', window('days'))).stdout);
    expect(await bob('policy', 'sign', one, '--seen', seenIn(stdout))).toMatchObject(refused);
    expect(await kinds()).toEqual(['Window nights']);
  });

  it('files that are not what the proposal says are refused here, before anything is signed', async () => {
    await lab.withStore((store) =>
      store.transaction(async ({ proposals }) => {
        const record = await proposals.byNumber(Number(other));
        if (record?.signing)
          await proposals.keepSigning(Number(one), record.signing, await proposals.files(Number(other)));
      }),
    );

    expect(await bob('policy', 'sign', one)).toMatchObject({
      ...{ exit: 3, stdout: '', stderr: expect.stringContaining('is not the change that is told') },
    });
    expect(await ann('policy', 'decline', one, '--reason', 'a test')).toMatchObject({ exit: 0 });
  });

  it('what another push has overtaken is refused in one line with what to do', async () => {
    const late = numberIn((await carol('policy', 'push', window('late'))).stdout);
    expect(await sign(bob, other)).toMatchObject({ exit: 0 });
    const refused = await bob('policy', 'sign', late);

    expect(refused.exit).toBe(1);
    expect(refused.stderr.split('\n').filter((line) => line !== '')).toEqual([
      expect.stringMatching(
        /^error POLICY_CONFLICT: proposal \d+: it was made on top of version \d+ of policy, and version \d+ is in force/,
      ),
      `next: propose it again, and: selvage policy decline ${late}`,
    ]);
    expect((await bob('policy', 'proposals')).stdout).toMatch(/1 of 2 signatures; overtaken by version \d+ of policy/);
    expect((await unsigned())?.message).toContain('overtaken by version');
    expect(await carol('policy', 'decline', late)).toMatchObject({ exit: 0 });
    expect(await kinds()).toEqual(['Window days', 'Window nights']);
  });
});

describe('when an acceptance has its own approver', () => {
  const acceptance = `kind: RiskAcceptance
name: one
cves: [CVE-2024-0001]
select: tier=web
reason: it breaks
control: reachable from the office only
requester: ann
approver: carol
from: ${day(-1)}
review: ${day(20)}
until: ${day(25)}
`;

  it('two others are not enough', async () => {
    const number = numberIn((await ann('policy', 'push', lab.file('one.yaml', acceptance))).stdout);
    const second = await sign(bob, number);

    expect(second.stdout).toContain(`proposal ${number} waits: 2 of 2 signatures, needs: carol`);
    expect(await kinds()).not.toContain('RiskAcceptance one');
    expect(await sign(carol, number)).toMatchObject({ exit: 0 });
    expect(await kinds()).toContain('RiskAcceptance one');
  });

  it('a wish that nobody has signed goes the same way', async () => {
    const asked = await ann('policy', 'propose', window('wished'));
    const number = numberIn(asked.stdout);
    expect(asked.stdout).toContain('nothing is signed yet');

    expect((await sign(bob, number)).stdout).toContain('1 of 2 signatures, needs one of: ann, carol');
    expect(await sign(ann, number)).toMatchObject({ exit: 0 });
    expect(await kinds()).toContain('Window wished');
  });
});

describe('when keys and terms change', () => {
  it('what ends soon is signed anew by two, and nothing is on the way of a push', async () => {
    const number = numberIn((await ann('policy', 'renew', '--within', '400d')).stdout);
    const { stdout } = await bob('policy', 'sign', number);

    expect(stdout).toMatch(/~ a new term, and nothing else, for: root, targets, policy/);
    expect(tooWide(stdout)).toEqual([]);
    expect(await sign(bob, number)).toMatchObject({ exit: 0 });
    const { stdout: list } = await bob('policy', 'proposals');
    expect(list).toMatch(new RegExp(`^${number} {3}signed .*\n {4}keys or terms\n`, 'm'));
  });

  it('the keys of the collector are replaced with two signatures', async () => {
    const number = numberIn((await ann('key', 'rotate-online')).stdout);
    expect((await bob('policy', 'sign', number)).stdout).toContain('other keys for snapshot and timestamp');

    expect(await sign(bob, number)).toMatchObject({ exit: 0, stderr: '' });
    expect((await kinds()).length).toBeGreaterThan(0);
  });

  it('a key is replaced with the signature of another, and signs from then on', async () => {
    const before = (await keyIds()).keys.find(({ admin }) => admin === 'ann')?.keyId ?? '';
    const rotated = await ann('key', 'rotate');
    const number = numberIn(rotated.stdout);
    expect(rotated.stdout).toContain(`${before.slice(0, 16)} signs until then`);
    const { stdout } = await bob('policy', 'sign', number);
    expect(stdout).toContain(`- key ${before} no more`);
    expect(tooWide(stdout)).toEqual([]);
    expect(await sign(bob, number)).toMatchObject({ exit: 0 });

    expect((await keyIds()).keys.find(({ admin }) => admin === 'ann')?.keyId).not.toBe(before);
    const next = numberIn((await ann('policy', 'push', window('after'))).stdout);
    expect(await sign(carol, next)).toMatchObject({ exit: 0 });
    expect(await kinds()).toContain('Window after');
  });

  it('an admin who was revoked counts no more, and their key is dropped by two others', async () => {
    const number = numberIn((await carol('policy', 'push', window('hers'))).stdout);
    expect(await ann('admin', 'revoke', 'carol')).toMatchObject({ exit: 0 });
    expect((await sign(bob, number)).stdout).toContain('1 of 2 signatures, needs one of: ann');
    expect(await sign(ann, number)).toMatchObject({ exit: 0 });

    const gone = (await keyIds()).keys.find(({ admin }) => admin === 'carol')?.keyId ?? '';
    const asked = await ann('key', 'distrust', gone);
    expect(asked.stdout).toContain('1 of 2 signatures, needs one of: bob');
    expect(await sign(bob, numberIn(asked.stdout))).toMatchObject({ exit: 0 });
    expect((await keyIds()).keys.map(({ admin }) => admin).toSorted()).toEqual(['ann', 'bob']);
    expect(await ann('key', 'distrust', (await keyIds()).keys[1]?.keyId ?? '')).toMatchObject({ exit: 3 });
  });

  it('where too few are left who count, whoever pushes is told how one more comes', async () => {
    const { token } = (await ann('admin', 'add', 'bob', '--json')).json<{ token: string }>();
    expect(await ann('admin', 'revoke', 'bob')).toMatchObject({ exit: 0 });
    const { stdout } = await ann('policy', 'push', window('stuck'));
    expect(stdout).toContain('needs one of: nobody who is left');
    expect(stdout).toContain('next: let the holder of another key that counts log in: selvage admin add NAME');
    expect(tooWide(stdout)).toEqual([]);

    // The same key, in a folder of its own.
    mkdirSync(join(homes, 'again', 'admin'), { recursive: true, mode: 0o700 });
    cpSync(join(homes, 'bob', 'admin', 'signing.key'), join(homes, 'again', 'admin', 'signing.key'));
    const again = at('again');
    const to = ['--collector', collector.api, '--pin', collector.apiPin];
    expect(await again('login', ...to, '--token', token, '--name', 'bob')).toMatchObject({ exit: 0 });
    expect(await sign(again, numberIn(stdout))).toMatchObject({
      ...{ exit: 0, stdout: expect.stringContaining('and pushed') },
    });
  });

  it('the threshold goes down with two signatures, and then one pushes alone', async () => {
    const again = at('again');
    const lowered = await ann('key', 'threshold', '1');
    expect(lowered.stdout).toContain('1 of 2 signatures, needs one of: bob');
    expect(await sign(again, numberIn(lowered.stdout))).toMatchObject({ exit: 0 });
    expect(await ann('policy', 'push', window('alone'))).toMatchObject({
      ...{ exit: 0, stdout: expect.stringContaining('and pushed') },
    });
  });
});
