// Installs the system parts that tests need, by this machine's own apt: patient with a mirror that fails, with a lock that somebody holds, and
// with an installation that was cut off. What does not succeed is said, never hidden: each test that lacks its part fails by itself.
import type { SpawnSyncReturns } from 'node:child_process';
import { PARTS } from '../../shared/testing/needs.ts';

export interface PartsTools {
  /** Runs a program to its end; what it prints goes to standard error, or is returned when it is asked for. */
  readonly run: (
    file: string,
    args: readonly string[],
    asked: boolean,
  ) => Pick<SpawnSyncReturns<string>, 'status' | 'stdout'>;
  readonly wait: (ms: number) => void;
  readonly say: (line: string) => void;
}

/** Milliseconds between one try and the next: four minutes in all, which a mirror that is exchanged or a job of the night may take. */
const PAUSES_MS: readonly number[] = [5000, 15_000, 30_000, 60_000, 120_000];
/** Seconds that dpkg's lock may be held by others. */
const LOCK_S = 300;
const OPTIONS = [
  '-q',
  '-o',
  `DPkg::Lock::Timeout=${LOCK_S}`,
  '-o',
  'Acquire::Retries=5',
  // Else an index that did not come is a warning, and its packages are missed a moment later.
  '-o',
  'APT::Update::Error-Mode=any',
  // Nobody is there to be asked about settings that were changed: they stay.
  '-o',
  'Dpkg::Options::=--force-confold',
];

/** False when some part is still missing. */
export function installParts({ run, wait, say }: PartsTools): boolean {
  const packages = [...new Set(Object.values(PARTS).flatMap((part) => part.packages))];
  const missing = () =>
    packages.filter((name) => {
      const { stdout } = run('dpkg-query', ['--show', `--showformat=$\{db:Status-Status}`, name], true);

      return stdout !== 'installed';
    });
  const apt = (...args: readonly string[]) => run('apt-get', [...OPTIONS, ...args], false).status === 0;
  let wanted = missing();

  for (let tried = 0; wanted.length > 0; tried++) {
    // An archive that this machine asks for something else may be gone for good: what can be installed is.
    apt('update');
    if (apt('install', '-y', '--no-install-recommends', ...wanted)) return true;
    const pause = PAUSES_MS[tried];
    if (pause === undefined) {
      say(`error PROCESS_FAILED: apt could not install ${wanted.join(' ')}. next: run apt-get install and see why`);

      return false;
    }
    say(`apt failed; the next try is in ${pause / 1000} s`);
    wait(pause);
    // A try that was cut off leaves packages unpacked, and apt refuses to go on beside them.
    run('dpkg', ['--configure', '-a'], false);
    apt('install', '-y', '--fix-broken');
    wanted = missing();
  }

  return true;
}
