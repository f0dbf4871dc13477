// `npm test`: runs every test and ends with one line of counts. With SELVAGE_REQUIRE_ALL=1, as root on Debian, it first
// installs the system parts that tests need; without it nothing outside this folder is ever changed.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PARTS } from '../../shared/testing/needs.ts';

interface Counts {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numFailedTestSuites: number;
}

const root = join(import.meta.dirname, '../..');

/** Arguments are handed to vitest. Exit code 0 only when nothing failed (and, with everything required, nothing was skipped). */
export async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const all = env.SELVAGE_REQUIRE_ALL === '1';
  if (all && !installParts(env)) return 1;

  const report = join(tmpdir(), `selvage-tests-${process.pid}.json`);
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
  if (counts === null) {
    process.stderr.write(`error PROCESS_FAILED: the tests ended without a report (exit ${vitest.status})\n`);

    return 1;
  }

  const skipped = counts.numPendingTests + counts.numTodoTests;
  // A file that could not be loaded has no failed test of its own, but it is a failure.
  const failed = counts.numFailedTests > 0 ? counts.numFailedTests : counts.numFailedTestSuites;
  if (all && skipped > 0) process.stderr.write(`${skipped} tests were skipped although everything was required\n`);
  process.stdout.write(`${counts.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`);

  return vitest.status === 0 && failed === 0 && !(all && skipped > 0) ? 0 : 1;
}

function readCounts(report: string): Counts | null {
  try {
    return JSON.parse(readFileSync(report, 'utf8')) as Counts;
  } catch {
    return null;
  } finally {
    rmSync(report, { force: true });
  }
}

function installParts(env: NodeJS.ProcessEnv): boolean {
  if (process.getuid?.() !== 0) {
    process.stderr.write('SELVAGE_REQUIRE_ALL=1 installs system parts and needs root on Debian\n');

    return false;
  }

  const packages = [...new Set(Object.values(PARTS).flatMap((part) => part.packages))];
  const wanted = packages.filter((name) => {
    const { stdout } = spawnSync('dpkg-query', ['--show', `--showformat=$\{db:Status-Status}`, name], {
      encoding: 'utf8',
    });

    return stdout !== 'installed';
  });
  if (wanted.length === 0) return true;

  const aptEnv = { ...env, DEBIAN_FRONTEND: 'noninteractive' };
  const steps = [['update'], ['install', '-y', '--no-install-recommends', ...wanted]];

  return steps.every(
    (step) => spawnSync('apt-get', ['-q', ...step], { stdio: ['ignore', 2, 2], env: aptEnv }).status === 0,
  );
}
