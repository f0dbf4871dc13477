// The question to rpm for everything that it has installed. What it answers is read in rpm-list.ts.
import type { Run } from '../exec/run.ts';
import { rpmFormat } from './rpm-list.ts';

/** Milliseconds; some thousand packages take well under a second. */
const LIST_DEADLINE_MS = 60_000;
/** 16 MiB; a package is a line of some 200 characters. */
const LIST_OUTPUT_BYTES = 16 * 1024 * 1024;

/**
 * `args`: what names another database. Throws TOOL_MISSING and PROCESS_*; what rpm ends with is in the answer. It is asked first which
 * tags it knows.
 */
export async function listRpms(run: Run, args: readonly string[]): ReturnType<Run> {
  const { stdout } = await run({
    file: 'rpm',
    args: ['--querytags'],
    deadlineMs: LIST_DEADLINE_MS,
    outputLimit: LIST_OUTPUT_BYTES,
  });

  return run({
    file: 'rpm',
    args: [...args, '-qa', '--queryformat', rpmFormat(stdout)],
    deadlineMs: LIST_DEADLINE_MS,
    outputLimit: LIST_OUTPUT_BYTES,
  });
}
