// A package manager at work is never ended by anything of ours: no signal to the runner or its group, no terminal that hangs up, no
// reader that has gone, no output without end, no deadline. What takes too long is said while it runs; and in the end it is proven.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterEach, expect, it } from 'vitest';
import { readOverrun } from './overrun.ts';
import { afterApt, alpha, approve, BEFORE, killTransaction, type Lab, lab, PARTS, until } from './testing/apt-lab.ts';

const top = temporaryFolder('unkillable');
const RUNNER = join(import.meta.dirname, 'testing/apt-runner.ts');
/** Prints more than is kept, before and after it waits. */
const LOUD =
  'i=0; while [ $i -lt 3000 ]; do echo "$i 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" ; i=$((i+1)); done';
const WAITING = 'if [ -p /tmp/gate ]; then touch /tmp/started; read word < /tmp/gate; fi';
const PROVEN = {
  outcome: 'installed',
  run: 'lab.alpha/1',
  evidence: { packages: [{ name: 'alpha', version: '2.0' }] },
};

needs([...PARTS, 'setpriv'], 'a real dpkg in a maintainer script', () => {
  let child: ChildProcess | undefined;
  let subject: Lab | undefined;
  afterEach(() => {
    child?.kill('SIGKILL');
    if (subject) killTransaction(subject.sandbox.root);
  });

  /** The runner in a session of its own, or under the given program, when its maintainer script waits. */
  async function waiting(made: Lab, under: readonly string[] = [], options: object = {}): Promise<() => void> {
    subject = made;
    const tmp = join(made.sandbox.root, 'tmp');
    const gate = join(tmp, 'gate');
    execFileSync('mkfifo', ['-m', '0666', gate]);
    await made.sandbox.handOver();
    made.push(approve('alpha', [alpha]));
    await made.pass();
    await made.fetch();
    const started = until(tmp, () => existsSync(join(tmp, 'started')));
    const [file = process.execPath, ...args] = [...under, process.execPath];
    child = spawn(file, [...args, RUNNER, JSON.stringify({ ...made.options, ...options })], {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    await started;

    return () => writeFileSync(gate, 'go on\n');
  }

  it('no signal to the whole group of the runner reaches it, it can still print, and the next runner proves what it did', async () => {
    // Printed when the runner has gone: into a pipe it would be the end of the script, and of dpkg.
    const made = await lab(top, `${WAITING}\n${LOUD}`);
    const goOn = await waiting(made);
    const gone = once(child as ChildProcess, 'exit');
    for (const signal of ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGKILL'] as const) {
      process.kill(-(child?.pid ?? Number.NaN), signal);
    }
    await gone;
    expect(await made.pass()).toEqual([]);
    goOn();

    expect(await afterApt(made)).toMatchObject([PROVEN]);
    expect(readFileSync(join(made.options.stateDir, 'runner/apt/transaction.log'), 'utf8')).toContain('2999 0123');
    expect(await made.versions()).toEqual({ ...BEFORE, alpha: '2.0' });
  });

  it('a terminal that hangs up does not reach it', async () => {
    const made = await lab(top);
    const command = ['script', '--quiet', '--return', '--command'];
    // script(1) gives the runner a terminal; when script is killed, the kernel hangs it up.
    subject = made;
    const goOn = await waiting(made, [
      '/bin/sh',
      '-c',
      `exec ${command.join(' ')} "$(printf "'%s' " "$@")" /dev/null`,
      'sh',
    ]);
    const gone = once(child as ChildProcess, 'exit');
    child?.kill('SIGKILL');
    await gone;
    goOn();

    expect(await afterApt(made)).toMatchObject([PROVEN]);
  });

  it('readers that have gone and output beyond every bound do not end it; the end of its words is kept', async () => {
    const made = await lab(top, `${LOUD}\n${WAITING}\n${LOUD}\necho the very end`);
    const goOn = await waiting(made);
    child?.stdout?.destroy();
    child?.stderr?.destroy();
    const gone = once(child as ChildProcess, 'exit');
    goOn();
    await gone;

    expect(await made.versions()).toEqual({ ...BEFORE, alpha: '2.0' });
    const [told] = resultsOf(made).filter(({ outcome }) => outcome === 'installed');
    expect(told).toMatchObject(PROVEN);
    expect(told?.log).toContain('the very end');
    expect(told?.log.length).toBeLessThanOrEqual(65_536);
  });

  it('past its deadline it is said while it runs, goes on, and is proven', async () => {
    const made = await lab(top);
    const goOn = await waiting(made, [], { overdueMs: 300 });
    const runnerDir = join(made.options.stateDir, 'runner');
    await expect
      .poll(() => readOverrun(runnerDir))
      .toMatchObject({
        message: expect.stringContaining('is never killed'),
      });
    const gone = once(child as ChildProcess, 'exit');
    goOn();
    await gone;

    const [told] = resultsOf(made).filter(({ outcome }) => outcome === 'installed');
    expect(told).toMatchObject(PROVEN);
    expect(told?.log).toContain('has run for 300 ms and goes on');
  });
});

function resultsOf({ options }: Lab): readonly RunResult[] {
  const folder = join(options.stateDir, 'runner/results');

  return readdirSync(folder).map((name) =>
    JSON.parse(Buffer.from(JSON.parse(readFileSync(join(folder, name), 'utf8')).payload, 'base64').toString()),
  );
}
