// The command as a process: it ends with its work, also where something that it began never does.
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { describe, expect, it } from 'vitest';

const run = createRun({});
const ENTRY = join(import.meta.dirname, 'selvage-agent.mjs');
/** As a stuck program of an inventory would: it keeps the event loop, and nobody waits for it any more. */
const HANGS = 'data:text/javascript,setInterval(() => undefined, 1_000_000)';

describe('when something that a command began never ends', () => {
  it.each([
    ['the answer and the exit code of success are there', ['--help'], 0, /^Usage: selvage-agent/],
    ['so is the exit code of a wrong call', ['no-such-command'], 2, /^$/],
  ])('%s', async (_, args, code, said) => {
    const answer = await run({ file: process.execPath, args: ['--import', HANGS, ENTRY, ...args], deadlineMs: 30_000 });

    expect(answer.exitCode).toBe(code);
    expect(answer.stdout).toMatch(said);
  });
});
