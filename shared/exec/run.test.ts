import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commandLines } from '../testing/processes.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { createRun } from './run.ts';

const run = createRun({ HOME: '/nonexistent', SECRET: 'leak' });
/** For programs that end at once; a busy machine may take its time. */
const DEADLINE_MS = 60_000;
const sh = (script: string) => ({ file: '/bin/sh', args: ['-c', script] });

describe('when a program runs', () => {
  it('returns its output and exit code', async () => {
    const output = await run({ ...sh('echo out; echo err >&2; exit 3'), deadlineMs: DEADLINE_MS });

    expect(output).toEqual({ stdout: 'out\n', stderr: 'err\n', exitCode: 3 });
  });

  it('passes only the allow-listed environment', async () => {
    const { stdout } = await run({ file: 'env', deadlineMs: DEADLINE_MS, env: { EXTRA: '1' } });

    expect(stdout.trim().split('\n').sort()).toEqual([
      'EXTRA=1',
      'HOME=/nonexistent',
      'LANG=C.UTF-8',
      'LC_MESSAGES=C',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ]);
  });

  it('leaves a home and temporary folder behind that belong to the user it was', async () => {
    const own = createRun({ HOME: '/root', TMPDIR: '/root/tmp' });
    const { stdout } = await own({ file: 'env', deadlineMs: DEADLINE_MS, uid: process.getuid?.() ?? 0 });

    expect(stdout).not.toMatch(/HOME|TMPDIR/);
  });

  it('hands over lines as they come, also the last without a line end', async () => {
    const lines: string[] = [];
    await run({ ...sh('printf "a\\nb"'), deadlineMs: DEADLINE_MS, onLine: (line) => lines.push(line) });

    expect(lines).toEqual(['a', 'b']);
  });

  it('hands over bytes as they come and keeps none, up to the limit', async () => {
    const parts: Uint8Array[] = [];
    const onBytes = (bytes: Uint8Array) => void parts.push(bytes);
    const { stdout } = await run({ ...sh('printf "a\\n\\377"'), deadlineMs: DEADLINE_MS, onBytes });

    expect(stdout).toBe('');
    expect(Buffer.concat(parts)).toEqual(Buffer.from([0x61, 0x0a, 0xff]));
    await expect(
      run({ ...sh('head -c 100000 /dev/zero'), deadlineMs: DEADLINE_MS, outputLimit: 9000, onBytes }),
    ).rejects.toMatchObject({ code: 'PROCESS_OUTPUT_LIMIT' });
  });

  it.runIf(process.getuid?.() === 0)('as another user it has no groups, and can gain no rights', async () => {
    const status = { file: 'cat', args: ['/proc/self/status'], deadlineMs: DEADLINE_MS };
    const { stdout } = await run({ ...status, uid: 65_534, gid: 65_534 });

    expect(stdout).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
    expect(stdout).toMatch(/^Groups:\s*$/m);
    expect(stdout).toMatch(/^NoNewPrivs:\t1$/m);
  });

  it('never gives arguments to a shell', async () => {
    const { stdout } = await run({ file: 'echo', args: ['$(id)', ';', '`id`'], deadlineMs: DEADLINE_MS });

    expect(stdout).toBe('$(id) ; `id`\n');
  });

  it('feeds standard input', async () => {
    const { stdout } = await run({ file: 'cat', input: 'hello', deadlineMs: DEADLINE_MS });

    expect(stdout).toBe('hello');
  });
});

describe('when a program misbehaves', () => {
  it('is TOOL_MISSING when it is not installed', async () => {
    await expect(run({ file: 'no-such-program-here', deadlineMs: DEADLINE_MS })).rejects.toMatchObject({
      code: 'TOOL_MISSING',
    });
  });

  it('is PROCESS_FAILED with its output when the exit code is checked', async () => {
    await expect(run({ ...sh('echo why >&2; exit 9'), deadlineMs: DEADLINE_MS, check: true })).rejects.toMatchObject({
      code: 'PROCESS_FAILED',
      details: { exitCode: 9, stderr: 'why\n' },
    });
  });

  it('kills the whole group past the deadline, grandchildren included', async () => {
    const marker = `${process.pid}.7391`;
    await expect(run({ ...sh(`sleep ${marker} & sleep ${marker}`), deadlineMs: 200 })).rejects.toMatchObject({
      code: 'PROCESS_DEADLINE',
    });

    expect(commandLines().filter((line) => line.startsWith(`sleep ${marker}`))).toEqual([]);
  });

  it('kills a child that ignores SIGTERM', async () => {
    await expect(run({ ...sh('trap "" TERM; while :; do sleep 1; done'), deadlineMs: 100 })).rejects.toMatchObject({
      code: 'PROCESS_DEADLINE',
    });
  });

  it('stops endless output at the limit', async () => {
    await expect(run({ file: 'yes', deadlineMs: 30_000, outputLimit: 1000 })).rejects.toMatchObject({
      code: 'PROCESS_OUTPUT_LIMIT',
    });
  });

  it('does not wait for a daemon that holds the pipes', async () => {
    const started = performance.now();
    const { stdout } = await run({ ...sh('sleep 30 & echo done'), deadlineMs: 60_000 });

    expect(stdout).toBe('done\n');
    expect(performance.now() - started).toBeLessThan(20_000);
  });

  it('never kills a child marked so: the deadline is only told', async () => {
    let overdue = 0;
    const output = await run({
      ...sh('sleep 0.5; yes | head -c 5000; echo end >&2'),
      deadlineMs: 50,
      outputLimit: 1000,
      neverKill: true,
      onOverdue: () => {
        overdue += 1;
      },
    });

    expect(output).toMatchObject({ exitCode: 0, stderr: 'end\n' });
    expect(overdue).toBe(1);
  });

  it('writes to a file where that is asked, so that no closed pipe can end the child', async () => {
    const outputFile = join(temporaryFolder(), 'log');
    await run({ ...sh('echo first'), deadlineMs: DEADLINE_MS, outputFile });
    const output = await run({ ...sh('echo second; echo third >&2'), deadlineMs: DEADLINE_MS, outputFile });

    expect(output.stdout).toBe('second\nthird\n');
    expect(readFileSync(outputFile, 'utf8')).toBe('first\nsecond\nthird\n');
  });

  it('stops when the caller aborts', async () => {
    const controller = new AbortController();
    const running = run({ file: 'sleep', args: ['30'], deadlineMs: 60_000, signal: controller.signal });
    controller.abort(new Error('enough'));

    await expect(running).rejects.toMatchObject({ code: 'PROCESS_DEADLINE' });
  });
});
