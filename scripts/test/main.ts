// `npm test`: runs every test and ends with one line of counts. With SELVAGE_REQUIRE_ALL=1, as root on Debian, it first
// installs the system parts that tests need; without it nothing outside this folder is ever changed.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installParts } from './parts.ts';

interface Counts {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numFailedTestSuites: number;
}

const root = join(import.meta.dirname, '../..');

/**
 * Arguments are handed to vitest. Exit code 0 only when nothing failed (and, with everything required, nothing was skipped); the line of
 * counts comes last in any case.
 */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  try {
    return tested(args, env);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    process.stderr.write(`error PROCESS_FAILED: the tests did not start (${why}). next: mend that and run it again\n`);

    return ended({ passed: 0, failed: 1, skipped: 0 });
  }
}

function tested(args: readonly string[], env: NodeJS.ProcessEnv): number {
  const all = env.SELVAGE_REQUIRE_ALL === '1';
  if (all && process.getuid?.() !== 0) {
    process.stderr.write(
      'error PROCESS_FAILED: SELVAGE_REQUIRE_ALL=1 installs system parts and needs root on Debian. next: run it as root, or without it\n',
    );

    return ended({ passed: 0, failed: 1, skipped: 0 });
  }
  // Where one cannot be had, the tests that need it fail, and all others still say what they found.
  if (all) install(env);

  const folder = mkdtempSync(join(tmpdir(), 'selvage-tests-'));
  const report = join(folder, 'report.json');
  const vitest = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/vitest/vitest.mjs'),
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...args,
    ],
    { cwd: root, stdio: 'inherit', env },
  );
  const counts = readCounts(report);
  rmSync(folder, { recursive: true, force: true });
  if (counts === null) {
    const how = vitest.error?.message ?? vitest.signal ?? `exit ${vitest.status}`;
    process.stderr.write(
      `error PROCESS_FAILED: the tests ended without a report (${how}). next: look above for what ended them\n`,
    );

    return ended({ passed: 0, failed: 1, skipped: 0 });
  }

  const skipped = counts.numPendingTests + counts.numTodoTests;
  // A file that could not be loaded has no failed test of its own, nor has an error outside of all tests: they are failures.
  const others = Math.max(counts.numFailedTestSuites, vitest.status === 0 ? 0 : 1);
  const failed = counts.numFailedTests > 0 ? counts.numFailedTests : others;
  if (all && skipped > 0) process.stderr.write(`${skipped} tests were skipped although everything was required\n`);

  return Math.max(ended({ passed: counts.numPassedTests, failed, skipped }), all && skipped > 0 ? 1 : 0);
}

/** Says the counts; the exit code. */
function ended({ passed, failed, skipped }: Readonly<Record<'passed' | 'failed' | 'skipped', number>>): number {
  process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);

  return failed === 0 ? 0 : 1;
}

function readCounts(report: string): Counts | null {
  try {
    return JSON.parse(readFileSync(report, 'utf8')) as Counts;
  } catch {
    return null;
  }
}

function install(env: NodeJS.ProcessEnv): void {
  const aptEnv = { ...env, DEBIAN_FRONTEND: 'noninteractive' };

  installParts({
    run: (file, args, asked) =>
      spawnSync(file, args, {
        stdio: ['ignore', asked ? 'pipe' : 2, asked ? 'ignore' : 2],
        env: aptEnv,
        encoding: 'utf8',
      }),
    wait: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
    say: (line) => process.stderr.write(`${line}\n`),
  });
}
