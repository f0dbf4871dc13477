// What is left of the children of a process that was killed: nothing of those that may end, everything of a transaction.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { needs } from '../testing/needs.ts';
import { commandLines } from '../testing/processes.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { leashed } from './leash.ts';

const folder = temporaryFolder('leash');
const RUN = new URL('./run.ts', import.meta.url).href;
let parent: ChildProcess | undefined;
let count = 0;

afterEach(() => {
  parent?.kill('SIGKILL');
});

/** A process that starts one child through the door and is killed while that runs, with `sleepers` of its own. */
async function orphaned(script: string, options: object, sleepers: number, signal: NodeJS.Signals = 'SIGKILL') {
  const name = `${process.pid}${++count}`;
  const ready = join(folder, `ready-${name}`);
  const program = `import { createRun } from ${JSON.stringify(RUN)};
await createRun({})(${JSON.stringify({ file: '/bin/sh', args: ['-c', script.replaceAll('NAME', name).replaceAll('READY', ready)], deadlineMs: 600_000, ...options })});`;
  parent = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
  await expect.poll(() => existsSync(ready)).toBe(true);
  const left = () => commandLines().filter((line) => line.startsWith('sleep ') && line.endsWith(`.${name}`));
  await expect.poll(left).toHaveLength(sleepers);
  const gone = once(parent, 'exit');
  expect(parent.kill(signal)).toBe(true);
  await gone;

  return { left };
}

needs(['setpriv'], 'when the agent is killed with a child running', () => {
  it.each(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'by %s: the child ends at once, and with it its whole group',
    async (signal) => {
      const { left } = await orphaned('sleep 600.NAME & sleep 601.NAME & touch READY; wait', {}, 2, signal);

      await expect.poll(left).toEqual([]);
    },
  );

  it('one that ignores the request is killed', async () => {
    const { left } = await orphaned(
      'trap "" TERM; sleep 600.NAME & touch READY; while :; do sleep 1; done; sleep 601.NAME',
      {},
      1,
    );

    await expect.poll(left).toEqual([]);
  });

  it.each(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    'by %s: a child that must never be killed goes on to its end, and can still print',
    async (signal) => {
      const gate = join(folder, `gate-${signal}`);
      const outputFile = join(folder, `log-${signal}`);
      const { left } = await orphaned(
        `touch READY; while ! [ -e ${gate} ]; do sleep 0.05; done; echo went on; echo and on >&2; touch ${gate}.done`,
        { neverKill: true, outputFile },
        0,
        signal,
      );
      writeFileSync(gate, '');
      await expect.poll(() => existsSync(`${gate}.done`)).toBe(true);

      expect(readFileSync(outputFile, 'utf8')).toBe('went on\nand on\n');
      expect(left()).toEqual([]);
    },
  );
});

describe('when a command is put on the leash', () => {
  it('has a deadline of its own, a little after that of its parent', () => {
    expect(leashed({ file: '/bin/true', args: ['--', 'x'] }, 1500).args).toEqual(
      expect.arrayContaining(['--kill-after=2', '7', '/bin/true', '--', 'x']),
    );
  });
});
