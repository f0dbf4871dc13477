// A program for ../power-cut.test.ts: one pass of the runner over a state folder that lies ready, and then it is gone. It says when
// the package manager begins and ends, and which results it has told; the packages themselves lie on another disk.
import { silentLog } from '@selvage/shared/log/log.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { compareDebVersions } from '@selvage/shared/versions/deb.ts';
import type { Installer } from '../../providers/provider.ts';
import type { RunnerDeps } from '../deps.ts';
import { NO_OTHERS } from '../others.ts';
import { runOnce } from '../runner.ts';

/** What a test and this program must agree on. */
interface Order {
  readonly stateDir: string;
  readonly now: string;
  readonly package: { readonly name: string; readonly arch: string; readonly from: string; readonly to: string };
}

const order: Order = JSON.parse(process.argv[2] ?? '');
const { stateDir } = order;
const { name, arch, from, to } = order.package;
const clock = fakeClock(order.now);
let version = from;
const say = (line: string) => new Promise<void>((resolve) => process.stdout.write(`${line}\n`, () => resolve()));

const installer: Installer = {
  name: 'apt',
  loadMirror: async () => ({ repositories: [{ id: 'lab', date: order.now }] }),
  installed: async () => [
    {
      provider: 'apt',
      name,
      version,
      arch,
      source: name,
      sourceVersion: version,
      state: 'installed',
      held: false,
      installedAt: null,
    },
  ],
  simulate: async () => ({
    upgrade: [{ name, arch, from, to }],
    downgrade: [],
    install: [],
    remove: [],
    downloadBytes: 1000,
  }),
  interrupted: async () => null,
  repair: async () => undefined,
  space: async () => [],
  prepare: async () => undefined,
  install: async () => {
    await say('begun');
    version = to;
    await say('installed');
  },
};
const deps: RunnerDeps = {
  settings: { mode: 'managed', labels: {}, root: stateDir, stateDir, runnerDir: `${stateDir}/runner`, zone: 'UTC' },
  host: { id: '3f0c1e52-0c7b-4a52-9d0e-2b8f0a6f1c11', name: 'db-1', os: { id: 'debian', idLike: [], version: '12' } },
  installer,
  compare: compareDebVersions,
  evidence: async () => ({ rebootRequired: false, staleProcesses: [] }),
  updaters: NO_OTHERS,
  clock,
  uptime: () => ({ boot: 'boot', ms: clock.now().epochMilliseconds }),
  log: silentLog,
};

for (const { number } of await runOnce(deps)) await say(`told ${number}`);
process.kill(process.pid, 'SIGKILL');
