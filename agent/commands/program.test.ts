import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { createKeep } from '@selvage/shared/exec/keep.ts';
import { createRun } from '@selvage/shared/exec/run.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { SMALL_DISK_PARTS, smallDisk } from '@selvage/shared/testing/small-disk.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { describe, expect, it } from 'vitest';
import { runProgram } from './program.ts';

const folder = temporaryFolder('agent-commands');
const settingsFile = join(folder, 'settings.json');
writeFileSync(
  settingsFile,
  JSON.stringify({ mode: 'advise', stateDir: join(folder, 'state'), labels: { tier: 'web' } }),
);

async function run(args: readonly string[], logLevel?: string, input = '') {
  const output = { stdout: '', stderr: '' };
  const code = await runProgram(args, {
    stdout: { write: (text: string) => (output.stdout += text) },
    stderr: { write: (text: string) => (output.stderr += text) },
    logLevel,
    input: async () => input,
    stdin: Readable.from([]),
    run: createRun({}),
    keep: createKeep({}),
    clock: fakeClock('2026-11-23T00:00:00Z'),
    random: seededRandom(1),
    proxies: {},
    entry: '/nowhere/selvage-agent.mjs',
    become: null,
  });

  return { code, ...output };
}

const withSettings = (...args: readonly string[]) => ['--settings', settingsFile, ...args];

describe('when a command is typed wrongly', () => {
  it.each([
    ['an unknown command', ['wat']],
    ['an unknown option', withSettings('status', '--wat')],
    ['a required option is missing', withSettings('enroll', '--collector', 'wss://localhost:1')],
    ['no command at all', []],
  ])('%s ends with 2 and shows the usage', async (_, args) => {
    const { code, stdout, stderr } = await run(args);

    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).not.toBe('');
  });

  it('help and version end with 0 on standard output', async () => {
    expect(await run(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('enroll'), stderr: '' });
    expect(await run(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it('a log level that does not exist is named', async () => {
    expect(await run(withSettings('settings'), 'loud')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error USAGE: SELVAGE_LOG is "loud"\nnext: .+\n$/),
    });
  });
});

describe('when the settings are asked for', () => {
  it('shows those in force and where they come from', async () => {
    const { code, stdout } = await run(withSettings('settings'));

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      from: [settingsFile, join(folder, 'settings.d')],
      mode: 'advise',
      labels: { tier: ['web'] },
    });
  });

  it('a later file of settings.d wins', async () => {
    mkdirSync(join(folder, 'settings.d'), { recursive: true });
    writeFileSync(join(folder, 'settings.d/10-mode.json'), '{"mode":"observe"}');

    expect(JSON.parse((await run(withSettings('settings'))).stdout)).toMatchObject({ mode: 'observe' });
    writeFileSync(join(folder, 'settings.d/10-mode.json'), '{}');
  });

  it('a named file that is not there is an error, never a default', async () => {
    expect(await run(['--settings', join(folder, 'missing.json'), 'settings'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('error SETTINGS_INVALID'),
    });
  });

  it('names every wrong path at once', async () => {
    const wrong = join(temporaryFolder('wrong'), 'settings.json');
    writeFileSync(wrong, JSON.stringify({ mode: 'yolo', stateDir: 'relative', wat: 1 }));
    const { code, stderr } = await run(['--settings', wrong, 'settings']);

    expect(code).toBe(2);
    for (const path of ['mode', 'stateDir', 'wat']) expect(stderr).toContain(path);
  });
});

describe('when the host is not enrolled', () => {
  it.each([['connect'], ['run'], ['plan']])('%s ends with NOT_ENROLLED and the way to enroll', async (command) => {
    expect(await run(withSettings(command))).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error NOT_ENROLLED: .+\nnext: .*selvage-agent enroll .+\n$/),
    });
  });

  it('status still answers, and says what is wrong and what to do', async () => {
    const { code, stdout } = await run(withSettings('status'));

    expect(code).toBe(0);
    expect(stdout).toContain('not enrolled');
    expect(stdout).toMatch(/wrong +NOT_ENROLLED: .+\n +next: .*enroll/);
    expect(JSON.parse((await run(withSettings('status', '--json'))).stdout)).toMatchObject({
      mode: 'advise',
      host: null,
      link: null,
      wrong: [{ code: 'NOT_ENROLLED' }],
    });
  });

  it('what the collector said cannot command the terminal of who looks', async () => {
    const said = 'no\u001b]0;owned\u0007\u009b2J\nwrong        nothing known';
    const facts = { connectedSince: null, lastConnected: null, clockSkewMs: null, policy: null };
    const problem = { at: '2026-11-23T00:00:00Z', code: 'UNREACHABLE', message: said };
    mkdirSync(join(folder, 'state/link'), { recursive: true });
    writeFileSync(join(folder, 'state/link/link.json'), JSON.stringify({ ...facts, problem }));

    const { stdout } = await run(withSettings('status'));
    expect(stdout).toMatch(/^also wrong {3}1 more: UNREACHABLE: /m);
    expectHarmless(stdout);
    expect(JSON.parse((await run(withSettings('status', '--json'))).stdout).link.problem.message).toBe(said);
    // Where it is the first thing that is wrong, it is said on one line.
    writeFileSync(join(folder, 'state/link/link.json'), said);
    expectHarmless((await run(withSettings('status'))).stdout);
    const { stderr } = await run(['--settings', '/x\u001b[2J', 'status']);
    expect(stderr).toMatch(/^error SETTINGS_INVALID: .*\/x\?\[2J\nnext: /);
  });

  it('a token that should come on standard input and does not is named', async () => {
    const args = ['enroll', '--collector', 'wss://127.0.0.1:1', '--pin', `sha256:${'0'.repeat(64)}`, '--token', '-'];

    expect(await run(withSettings(...args))).toMatchObject({ code: 2, stderr: expect.stringContaining('no token') });
    expect(await run(withSettings(...args), undefined, 'slv_x_y\n')).toMatchObject({ code: 4 });
  });

  it('an unreachable collector ends with 4', async () => {
    const pin = `sha256:${'0'.repeat(64)}`;
    const args = withSettings('enroll', '--collector', 'wss://127.0.0.1:1', '--pin', pin, '--token', 'slv_x_y');

    expect(await run(args)).toMatchObject({ code: 4, stderr: expect.stringContaining('error UNREACHABLE') });
  });
});

function expectHarmless(text: string): void {
  for (const control of ['\u0007', '\u001b', '\u009b']) expect(text).not.toContain(control);
  expect(text).not.toMatch(/^wrong {8}nothing known/m);
}

needs(SMALL_DISK_PARTS, 'when a machine is looked at before anything is enrolled', () => {
  it('a state folder on a disk that is too small is named, with what is free and needed', async () => {
    const { path } = await smallDisk({ bytes: 1024 * 1024 });
    const file = join(folder, 'small.json');
    writeFileSync(file, JSON.stringify({ stateDir: join(path, 'not/yet'), user: 'nobody' }));
    const { code, stdout } = await run(['--settings', file, 'preflight']);

    expect(code).toBe(3);
    expect(stdout).toMatch(
      /^not ready: NO_SPACE \d MiB free for \S+\/not\/yet and \S+, it needs 768 MiB; do: free space/,
    );
    expect(stdout.trimEnd()).not.toContain('\n');
  });
});
