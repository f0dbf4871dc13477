// A program for ../fetch-killed.test.ts: one fetch, killed before its n-th program is started, or at its end.
import { createRun, type Run } from '@selvage/shared/exec/run.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import type { UnprivilegedUser } from '../apt-config.ts';
import { createAptFetcher } from '../fetcher.ts';

interface Order {
  readonly root: string;
  readonly stateDir: string;
  readonly packages: string;
  readonly unprivileged: UnprivilegedUser | null;
  readonly wanted: readonly PackageVersion[];
  readonly diesAt: number;
}

const { diesAt, wanted, ...options }: Order = JSON.parse(process.argv[2] ?? '');
const real = createRun({});
let started = 0;
const run: Run = async (call) => {
  if (started++ === diesAt) process.kill(process.pid, 'SIGKILL');

  return real(call);
};
const lists = { maxAge: 86_400_000, byteBudget: 10_000_000 };
await createAptFetcher({ ...options, run, clock: systemClock, lists }).fetch({ packages: wanted });
process.stdout.write('whole\n');
