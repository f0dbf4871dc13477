// Pending updates of this machine right after its lists changed (no answer and no cache of apt kept), against
// `apt list --upgradable` on the same lists in the same state; and how many processes an unchanged host costs.
import { chmod, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createRun, type Run } from '@selvage/shared/exec/run.ts';
import { systemClock } from '@selvage/shared/time/clock.ts';
import { unprivilegedUser } from '../../../agent/commands/user.ts';
import { createAptObserver } from '../../../agent/providers/apt/observer.ts';
import type { Bench } from '../bench.ts';
import { median } from '../median.ts';

const RUNS = 7;
const PASSABLE = 0o711;
const QUICK_RUNS = 2;
const DAY_MS = 24 * 3_600_000;
const DEADLINE_MS = 300_000;
const BYTE_BUDGET = 200_000_000;

export const pending: Bench = {
  name: 'pending',
  describe: 'pending updates on fresh lists, against `apt list --upgradable`',
  run: async ({ folder, say, quick }) => {
    const user = await unprivilegedUser('nobody');
    await chmod(folder, PASSABLE);
    const asked: string[] = [];
    const plain = createRun(process.env);
    const run: Run = (options) => {
      asked.push([options.file, ...(options.args ?? []).slice(0, 2)].join(' '));

      return plain(options);
    };
    const observer = createAptObserver({
      ...{ root: '/', stateDir: join(folder, 'lists'), run, clock: systemClock, unprivileged: user, maxAge: DAY_MS },
    });
    say('bringing the lists');
    const repositories = await observer.refresh({ deadline: DEADLINE_MS, byteBudget: BYTE_BUDGET });
    const problem = repositories.find((repository) => repository.problem !== null)?.problem;
    if (repositories.length === 0 || problem) {
      throw new CodedError('TOOL_MISSING', `this machine has no package lists: ${problem?.reason ?? 'no repository'}`, {
        next: 'run it on Debian or Ubuntu with an archive in reach',
      });
    }

    // The folder lets the unprivileged user pass, so that the observer works below it and nowhere else.
    const base = join(folder, 'lists/apt');
    const config = join(base, 'apt.conf');
    await observer.pending();
    const forget = async () => {
      await rm(join(base, 'pending.json'), { force: true });
      for (const name of await readdir(join(base, 'cache'))) {
        if (name.endsWith('.bin')) await rm(join(base, 'cache', name));
      }
    };
    const timed = async (work: () => Promise<unknown>) => {
      await forget();
      const from = performance.now();
      await work();

      return performance.now() - from;
    };
    const apt = () =>
      plain({
        ...{ file: 'apt', args: ['list', '--upgradable'], env: { APT_CONFIG: config }, cwd: '/' },
        ...{ deadlineMs: DEADLINE_MS, check: true, ...user },
      });

    const ours: number[] = [];
    const theirs: number[] = [];
    for (let run = 0; run < (quick ? QUICK_RUNS : RUNS); run++) {
      ours.push(await timed(() => observer.pending()));
      theirs.push(await timed(apt));
    }
    say(`ours ${ours.map(whole).join(' ')}; apt ${theirs.map(whole).join(' ')} ms`);

    const updates = await observer.pending();
    asked.length = 0;
    const from = performance.now();
    await observer.pending();
    const unchangedMs = performance.now() - from;
    const processes = asked.length;

    return [
      {
        name: 'pending',
        unit: 'ms',
        ours: median(ours),
        peer: { name: 'apt list --upgradable', value: median(theirs) },
        target: { atMost: 1.25 },
        notes: [
          `${updates.length} updates from ${repositories.length} repositories; fastest: ours ${whole(Math.min(...ours))}, apt ${whole(Math.min(...theirs))} ms`,
          ...(quick ? ['--quick: few runs'] : []),
        ],
      },
      {
        name: 'pending.unchanged',
        unit: 'processes',
        ours: processes,
        peer: null,
        target: { atMost: 0 },
        notes: [`neither lists nor dpkg status changed: answered in ${whole(unchangedMs)} ms`],
      },
    ];
  },
};

function whole(ms: number): string {
  return ms.toFixed(0);
}
