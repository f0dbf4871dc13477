import { createRun } from '@selvage/shared/exec/run.ts';
import { describe, expect, it } from 'vitest';
import { ask, documentOf, stay, succeeded } from './commands.ts';

const run = createRun({});
const shell = (script: string) => ({ file: 'sh', args: ['-c', script] });
const DEADLINE_MS = 60_000;

describe('when a command is asked', () => {
  it('reads the coded error that it printed', async () => {
    const answer = await ask(
      run,
      shell('echo "error NOT_FOUND: no such host" >&2; echo "next: look" >&2; exit 1'),
      'x',
    );

    expect(answer.error).toMatchObject({ code: 'NOT_FOUND', message: 'no such host', next: 'look' });
    expect(() => succeeded(answer)).toThrow('expected "x" to succeed, saw 1: error NOT_FOUND: no such host');
  });

  it('reads its document, and shows what was printed in its place', async () => {
    expect(documentOf(await ask(run, shell('echo "{\\"a\\": 1}"'), 'x'))).toEqual({ a: 1 });
    await expect(async () => documentOf(await ask(run, shell('echo not json'), 'x'))).rejects.toThrow('saw not json');
  });
});

describe('when a program stays', () => {
  it('finds a line that came before and one that comes later, and stops it', async () => {
    const resident = stay(run, shell('echo one; sleep 0.1; echo ready 7; sleep 1000'), 'x');

    expect((await resident.line(/^ready (\d)$/, DEADLINE_MS))[1]).toBe('7');
    expect((await resident.line(/^one$/, DEADLINE_MS))[0]).toBe('one');
    await resident.stop();
  });

  it('says that it ended before the line came, with what it printed', async () => {
    const resident = stay(run, shell('echo cannot listen; exit 3'), 'x');

    await expect(resident.line(/^ready$/, DEADLINE_MS)).rejects.toThrow(/x ended with 3 before .*\ncannot listen/);
    await resident.stop();
  });
});
