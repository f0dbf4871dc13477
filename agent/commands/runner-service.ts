// `selvage-agent run --service`: what a service manager's unit starts. Passes as long as something new came meanwhile (a path unit does not see
// what changes while its service runs), a word to the fetcher where packages are to be brought again, and a timer for the next window.
import { lstat, utimes } from 'node:fs/promises';
import type { Run } from '@selvage/shared/exec/run.ts';
import { hasErrno, readBounded } from '@selvage/shared/files/durable.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { runnerFolders } from '../runner/folders.ts';
import type { Settings } from '../settings.ts';
import { REFETCH } from './children.ts';
import type { Context } from './context.ts';
import { agentFolders } from './folders.ts';
import { changedAt } from './touches.ts';

const NEXT_TIMER = 'selvage-agent-next';
const RUN_UNIT = 'selvage-agent-run.service';
const MANAGER_DEADLINE_MS = 30_000;
const MAX_NEXT_BYTES = 64 * 1024;
const MAX_WANTED_BYTES = 4 * 1024 * 1024;
/** Whoever wakes all the time does not keep the machine busy: so many passes a start, and a pause after each. */
const MAX_PASSES = 5;
const PAUSE_MS = 1000;
/** While packages are wanted the mirror folder is brought up to date so often: the archive may have moved on. */
const FETCH_AGAIN_MS = 30 * 60_000;
/** What was asked for a moment ago is on its way. */
const FETCH_SOON_MS = 60_000;
/** A time that has come already is waited for at least so long: no busy loop on a wrong clock. */
const SHORTEST_WAIT_MS = 3000;

type Parts = Pick<Context, 'clock' | 'log' | 'run'>;

/** `pass` is one pass of the runner; what all of them wrote is returned. */
export async function servicePasses(
  parts: Parts,
  settings: Settings,
  pass: () => Promise<readonly RunResult[]>,
  stop: AbortSignal,
): Promise<readonly RunResult[]> {
  const { wake, fetched } = agentFolders(settings);
  const look = async () => `${await changedAt(wake)} ${await changedAt(fetched)}`;
  const results: RunResult[] = [];

  for (let passes = 0; passes < MAX_PASSES && !stop.aborted; passes += 1) {
    const before = await look();
    const told = await pass();
    results.push(...told);
    await askAgain(parts, settings, told);
    await parts.clock.sleep(PAUSE_MS, stop).catch(() => undefined);
    if ((await look()) === before) break;
  }
  await setTimer(parts, settings);

  return results;
}

/** What lies in the mirror folder was refused or is missing, or is of some time ago: a new time on the file wakes the fetcher. */
async function askAgain({ clock }: Parts, settings: Settings, told: readonly RunResult[]): Promise<void> {
  const { wanted } = runnerFolders(settings);
  const facts = await lstat(wanted).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  });
  if (facts === null || !(await wantsAny(wanted))) return;
  const now = clock.now().epochMilliseconds;
  const age = Math.abs(now - facts.mtimeMs);
  const refused = told.some(({ problem }) => problem !== null && REFETCH.includes(problem.code));
  if (age >= FETCH_AGAIN_MS || (refused && age >= FETCH_SOON_MS)) await utimes(wanted, now / 1000, now / 1000);
}

/** Our own file. */
async function wantsAny(path: string): Promise<boolean> {
  const bytes = await readBounded(path, MAX_WANTED_BYTES);
  const { packages } = JSON.parse(Buffer.from(bytes ?? '{}').toString('utf8')) as { packages?: readonly unknown[] };

  return (packages?.length ?? 0) > 0;
}

/** By the clock of the wall: a machine that sleeps over it runs when it wakes. Gone after a reboot, when the regular timer makes it anew. */
async function setTimer({ run, log, clock }: Parts, settings: Settings): Promise<void> {
  try {
    const at = await nextTime(runnerFolders(settings).next);
    await manager(run, ['systemctl', 'stop', `${NEXT_TIMER}.timer`], false);
    if (at === null) return;
    const soonest = clock.now().add({ milliseconds: SHORTEST_WAIT_MS });
    const when = Temporal.Instant.compare(at, soonest) < 0 ? soonest : at;
    await manager(
      run,
      [
        'systemd-run',
        '--quiet',
        '--collect',
        `--unit=${NEXT_TIMER}`,
        '--description=Selvage agent, next window',
        `--on-calendar=${calendarTime(when)}`,
        '--timer-property=AccuracySec=1s',
        '--',
        'systemctl',
        'start',
        '--no-block',
        RUN_UNIT,
      ],
      true,
    );
  } catch (error) {
    // The regular timer still runs, only later than the window opens.
    log.warn({ error }, 'no timer for the next window could be made');
  }
}

/** systemd.time(7), whole seconds, never before the instant. */
export function calendarTime(at: Temporal.Instant): string {
  const whole = at.round({ smallestUnit: 'second', roundingMode: 'ceil' }).toString();

  return `${whole.slice(0, 10)} ${whole.slice(11, 19)} UTC`;
}

async function nextTime(path: string): Promise<Temporal.Instant | null> {
  const bytes = await readBounded(path, MAX_NEXT_BYTES);
  if (bytes === null) return null;
  const { at } = JSON.parse(Buffer.from(bytes).toString('utf8')) as { at: string | null };

  return at === null ? null : Temporal.Instant.from(at);
}

async function manager(run: Run, [file = '', ...args]: readonly string[], check: boolean): Promise<void> {
  await run({ file, args, deadlineMs: MANAGER_DEADLINE_MS, check });
}
