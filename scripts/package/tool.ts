// Starts a program that builds packages, and says which Debian package brings it where it is missing.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run, RunOptions, RunOutput } from '@selvage/shared/exec/run.ts';

/** Throws TOOL_MISSING with the command that installs it, and PROCESS_FAILED. */
export async function runTool(run: Run, debian: string, options: RunOptions): Promise<RunOutput> {
  try {
    return await run({ ...options, check: true });
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'TOOL_MISSING') throw error;
    throw new CodedError('TOOL_MISSING', `the program ${options.file} is not installed`, {
      cause: error,
      next: `apt-get install ${debian}`,
    });
  }
}
