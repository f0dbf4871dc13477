// One pass of the privileged half: recover, take in policy, select, and bring each approval as far as it may go. It opens no
// network, keeps everything in its own folder, runs alone, and exits. Effects of a run are in ./steps.ts.
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { makeFolder } from '@selvage/shared/files/durable.ts';
import { refuseForeignFolder } from '@selvage/shared/files/own-folder.ts';
import type { Mode } from '@selvage/shared/model/ids.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { clockProblem } from './clock-problem.ts';
import { kept, OPEN_FOLDER, openParts, type Parts, type RunnerDeps } from './deps.ts';
import { settleFallback } from './fallback.ts';
import { runnerFolders } from './folders.ts';
import { takeLock } from './lock.ts';
import { handleApproval, type Pass } from './pass.ts';
import { acceptedNotAfter, takeInPolicy } from './policy-intake.ts';
import { recover } from './recovery.ts';
import { selectApprovals } from './selection.ts';
import { writeState } from './state-file.ts';
import type { ClockReset } from './time-floor.ts';
import type { TrustFacts } from './trust-facts.ts';
import { wantedOf, writeWanted } from './wanted.ts';

/** In these modes the packages of approvals are fetched, because they are at least simulated. */
const PLANNING_MODES: readonly Mode[] = ['advise', 'managed'];
const READABLE = 0o644;
/** How soon to look again while the package manager of an interrupted run is still at work. */
const BUSY_AGAIN = { minutes: 1 } as const;

/**
 * Runs one pass and returns the results it wrote. Several policies may select one host; their approvals are worked on in
 * the order of `selectApprovals`, and a package held by one of them is held for all. Empty while another runner runs.
 * Throws JOURNAL_INVALID, FILE_UNSAFE (nothing is installed until a person has looked) and NOT_ENROLLED; policy that does
 * not verify, or an approval that cannot be carried out, never makes it throw.
 */
export async function runOnce(deps: RunnerDeps): Promise<readonly RunResult[]> {
  const folders = runnerFolders(deps.settings);
  await makeFolder(folders.runner, OPEN_FOLDER);
  // What was accepted is believed because only this user could have written it: that must be so, all the way up. Packages
  // of a sandbox root are installed as the ordinary user it belongs to, so nothing is gained there.
  if (deps.settings.root === '/') await refuseForeignFolder(folders.runner);
  const lock = await takeLock(folders.lock);
  if (lock === null) {
    deps.log.info({}, 'another runner is at work');

    return [];
  }

  try {
    return await passWith(await openParts(deps));
  } finally {
    await lock.release();
  }
}

/**
 * A person says that the clock is right, whatever was seen before: what was written down of times to come is brought back to
 * now, so that delays and `actUntil` run anew and nothing ends later than it would have. Null while another runner runs. Throws
 * STATE while a run is under way, and what `runOnce` throws.
 */
export async function resetClock(deps: RunnerDeps): Promise<ClockReset | null> {
  const folders = runnerFolders(deps.settings);
  await makeFolder(folders.runner, OPEN_FOLDER);
  if (deps.settings.root === '/') await refuseForeignFolder(folders.runner);
  const lock = await takeLock(folders.lock);
  if (lock === null) return null;

  try {
    const parts = await openParts(deps);
    if ((await parts.journal.read()) !== null) {
      throw new CodedError('STATE', 'a run was interrupted; its result is dated first', {
        next: 'run: selvage-agent run; then reset the clock',
      });
    }
    const { clock: to } = parts.clock.now();
    // The clock last: were it first, a crash in between would leave times to come that nothing corrects.
    await parts.firstSeen.notAfter(to);
    await acceptedNotAfter(parts.folders, to, parts.files);
    const reset = await parts.clock.reset();
    deps.log.warn({ from: reset.from.toString(), to: to.toString() }, 'the clock was declared right by a person');

    return reset;
  } finally {
    await lock.release();
  }
}

async function passWith(parts: Parts): Promise<readonly RunResult[]> {
  const next = nextTime();
  const results: RunResult[] = [];
  // Best before anything else is written; a run that needs it asks again.
  await parts.reserve.fill().catch((error: unknown) => {
    if (!hasCode(error, 'DISK_FULL')) throw error;
    parts.deps.log.warn({ code: error.code }, error.message);
  });
  await parts.clock.keep();
  const recovery = await recover(parts);

  if (recovery.kind === 'busy') {
    parts.deps.log.warn({}, recovery.message);
    await writeNext(parts, parts.clock.now().clock.add(BUSY_AGAIN), null, null);

    return [];
  }
  if (recovery.kind === 'finished') results.push(recovery.result);

  await parts.results.prune();
  const { policy, trust, problem: untold } = await takeInPolicy(parts.folders, parts.clock, parts.files);
  const problem = clockProblem(parts.clock.now(), policy, untold) ?? untold;
  if (problem !== null) parts.deps.log.error({ code: problem.code }, `policy: ${problem.message}`);
  await settleFallback(parts, policy, trust, next.consider);

  if (policy !== null && parts.deps.settings.mode !== 'observe') {
    const selected = selectApprovals(policy, parts.host);
    // Decisions stay in memory as long as the accepted policy names them.
    await parts.results.forget(new Set(policy.documents.map((item) => item.sha256)));
    const planning = PLANNING_MODES.includes(parts.deps.settings.mode);
    const wanted = planning ? await wantedOf(parts, selected) : [];
    await writeWanted(parts, wanted);
    await parts.firstSeen.keepOnly(selected.flatMap(({ approval }) => [...approval.packages, ...approval.adds]));
    const mirror = kept(async () => (await parts.deps.installer.loadMirror()).repositories.length > 0);
    const pass: Pass = { parts, policy, mirror, again: next.consider };

    for (const one of selected) {
      if (parts.deps.stop?.aborted) break;
      const result = await handleApproval(pass, one);
      if (result !== null) results.push(result);
    }
  }

  await writeNext(parts, next.value(), problem, trust);
  await parts.clock.keep();

  return results;
}

/** Read by whatever starts the runner: a timer, or the resident agent. */
async function writeNext(
  parts: Parts,
  at: Temporal.Instant | null,
  problem: CodedError | null,
  trust: TrustFacts | null,
): Promise<void> {
  const told = problem === null ? null : { code: problem.code, message: problem.message };
  const next = { format: 1, at: at?.toString() ?? null, policy: told, trust };
  await writeState(parts.files, parts.folders.next, next, READABLE);
}

function nextTime() {
  let earliest: Temporal.Instant | null = null;

  return {
    consider: (at: Temporal.Instant) => {
      if (earliest === null || Temporal.Instant.compare(at, earliest) < 0) earliest = at;
    },
    value: () => earliest,
  };
}
