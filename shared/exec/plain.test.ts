import { describe, expect, it } from 'vitest';
import { startPlainly } from './plain.ts';
import { createRun } from './run.ts';

const run = createRun({ HOME: '/nonexistent', SECRET: 'leak' }, startPlainly);
const sh = (script: string) => ({ file: '/bin/sh', args: ['-c', script], deadlineMs: 60_000 });

describe('when children are started without execa', () => {
  it('returns output and exit code, and gives the input', async () => {
    const output = await run({ ...sh('read -r line; echo "got $line"; echo err >&2; exit 3'), input: 'this\n' });

    expect(output).toEqual({ stdout: 'got this\n', stderr: 'err\n', exitCode: 3 });
  });

  it('passes only the allow-listed environment', async () => {
    const { stdout } = await run({ file: 'env', deadlineMs: 60_000 });

    expect(stdout).toContain('HOME=/nonexistent\n');
    expect(stdout).not.toContain('leak');
  });

  it('says that a program is missing, or cannot be started', async () => {
    await expect(run({ file: '/nonexistent/program', deadlineMs: 60_000 })).rejects.toMatchObject({
      code: 'TOOL_MISSING',
    });
    await expect(run({ ...sh('true'), cwd: '/nonexistent' })).rejects.toMatchObject({
      code: expect.stringMatching(/^(TOOL_MISSING|PROCESS_FAILED)$/),
    });
  });

  it('kills a hung child with its whole group at the deadline', async () => {
    await expect(run({ ...sh('sleep 600 & sleep 600'), deadlineMs: 200 })).rejects.toMatchObject({
      code: 'PROCESS_DEADLINE',
    });
  });

  it('bounds the output', async () => {
    await expect(run({ ...sh('yes'), outputLimit: 10_000 })).rejects.toMatchObject({ code: 'PROCESS_OUTPUT_LIMIT' });
  });

  it('a child that does not read its input is judged by how it ends', async () => {
    expect(await run({ ...sh('exit 0'), input: 'x'.repeat(1_000_000) })).toMatchObject({ exitCode: 0 });
  });
});
