// The runner with the real apt on a sandbox root, as a process of its own that a test can kill: `node apt-runner.ts '{…}'`.
// Prints its results as one line of JSON.
import { createRun } from '@selvage/shared/exec/run.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { compareDebVersions } from '@selvage/shared/versions/deb.ts';
import { createAptInstaller } from '../../providers/apt/installer.ts';
import type { RunnerDeps } from '../deps.ts';
import { NO_OTHERS } from '../others.ts';
import { writeOverrun } from '../overrun.ts';
import { runOnce } from '../runner.ts';
import { systemUptime } from '../uptime.ts';

export interface AptRunnerOptions {
  readonly root: string;
  readonly stateDir: string;
  /** Milliseconds after which an installation is said to take too long. */
  readonly overdueMs?: number;
  readonly unprivileged: { readonly uid: number; readonly gid: number } | null;
}

export function aptRunnerDeps({ root, stateDir, unprivileged, overdueMs }: AptRunnerOptions): RunnerDeps {
  const runnerDir = `${stateDir}/runner`;

  return {
    settings: { mode: 'managed', labels: {}, root, stateDir, runnerDir, zone: 'UTC' },
    host: {
      id: '3f0c1e52-0c7b-4a52-9d0e-2b8f0a6f1c11',
      name: 'lab-host',
      os: { id: 'debian', idLike: [], version: '12' },
    },
    installer: createAptInstaller({
      root,
      runnerDir,
      run: createRun({}),
      unprivileged,
      packages: `${stateDir}/packages`,
      compare: compareDebVersions,
      overdue: (message) => void writeOverrun(runnerDir, systemClock.now(), message),
      ...(overdueMs === undefined ? {} : { overdueMs }),
    }),
    compare: compareDebVersions,
    evidence: async () => ({ rebootRequired: false, staleProcesses: [] }),
    updaters: NO_OTHERS,
    clock: systemClock,
    uptime: systemUptime,
    log: silentLog,
  };
}

if (import.meta.main) {
  const options: AptRunnerOptions = JSON.parse(process.argv[2] ?? '');
  process.stdout.write(`${JSON.stringify(await runOnce(aptRunnerDeps(options)))}\n`);
}
