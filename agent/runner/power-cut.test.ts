// The power goes away at any moment of a run, and every state that the disk may be in afterwards is started from again: nothing
// is installed twice, no result is lost, no half file is taken for a whole one, and the runner goes on by itself.
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RunResult, runResult } from '@selvage/shared/model/result.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { expect, it } from 'vitest';
import { recordWrites } from '../../scripts/faults/power-cut/record.ts';
import { type CrashState, checkStates } from '../../scripts/faults/power-cut/states.ts';
import { runOnce } from './runner.ts';
import { bench, IN_WINDOW, installedPackage, OPENSSL } from './testing/bench.ts';

const CHILD = fileURLToPath(new URL('./testing/power-child.ts', import.meta.url));
const SEED = Number(process.env.SELVAGE_FAULT_SEED ?? 1);
const STATES = Number(process.env.SELVAGE_FAULT_STATES ?? 120);
const DEADLINE_MS = 120_000;
/** What is recorded has its deadline; the states that are started from it have as long again. */
const TEST_MS = 2 * DEADLINE_MS;
const OLD_VERSION = installedPackage().version;

needs(['strace'], 'when the power goes away in a run', () => {
  it(
    'never twice, never lost, never half, and it goes on by itself',
    async () => {
      const subject = bench();
      // What is in the folder before it starts is durable: an earlier pass has been there.
      await runOnce(subject.deps());
      const before = subject.results().length;
      const recording = await recordWrites({
        folder: subject.stateDir,
        file: process.execPath,
        args: [
          CHILD,
          JSON.stringify({
            stateDir: subject.stateDir,
            now: IN_WINDOW,
            package: { name: OPENSSL.name, arch: OPENSSL.arch, from: OLD_VERSION, to: OPENSSL.version },
          }),
        ],
        deadlineMs: DEADLINE_MS,
      });

      const goesOn = async ({ folder, printed }: CrashState) => {
        const host = bench();
        cpSync(folder, host.stateDir, { recursive: true });
        host.clock.setWall(IN_WINDOW);
        const begun = printed.includes('begun');
        host.installer.packages = [
          installedPackage(
            printed.includes('installed')
              ? { version: OPENSSL.version }
              : begun
                ? { version: OPENSSL.version, state: 'half-configured' }
                : {},
          ),
        ];
        await runOnce(host.deps());
        await runOnce(host.deps());
        const results = resultsIn(join(host.runner, 'results'));
        const told = printed.filter((line) => line.startsWith('told ')).map((line) => Number(line.slice(5)));

        expect(host.installer.acts.filter(({ act }) => act === 'install')).toHaveLength(begun ? 0 : 1);
        expect(results.map(({ number }) => number)).toEqual(results.map((_, index) => index + 1));
        expect(results.filter(({ outcome }) => outcome === 'installed')).toHaveLength(1);
        expect(results.length).toBeGreaterThanOrEqual(Math.max(before + 1, ...told));
        expect(existsSync(join(host.runner, 'journal.json'))).toBe(false);
      };

      expect(await checkStates(recording, { seed: SEED, limit: STATES }, goesOn)).toBe(STATES);
    },
    TEST_MS,
  );
});

/** In the order of their numbers, each understood whole. */
function resultsIn(folder: string): readonly RunResult[] {
  return readdirSync(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .map((name) => {
      const { payload } = JSON.parse(readFileSync(join(folder, name), 'utf8'));

      return runResult.parse(JSON.parse(Buffer.from(payload, 'base64').toString()));
    })
    .sort((one, other) => one.number - other.number);
}
