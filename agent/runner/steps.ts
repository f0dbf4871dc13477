// One run over one approval that may start now: the effects, in the order of ./machine.ts. INVARIANTS: the journal says what
// is meant before it is done; the gate (window, expiry, freshness) is asked immediately before each irreversible step; once
// the package manager was started nothing stops the run before its result is signed.
import { join } from 'node:path';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Transaction } from '@selvage/shared/model/package.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import type { InstallProgress } from '../providers/provider.ts';
import type { Parts } from './deps.ts';
import { conclude, type Problem } from './examination.ts';
import type { Intent, RunFacts } from './journal.ts';
import { next, type State } from './machine.ts';
import type { Plan } from './planner.ts';
import { writeState } from './state-file.ts';
import { plain } from './telling.ts';

export interface Planned {
  readonly plan: Extract<Plan, { kind: 'as-approved' }>;
  readonly transaction: Transaction;
}

export interface Steps {
  /** Throws what forbids the next step (WINDOW_CLOSED, APPROVAL_EXPIRED …). */
  readonly gate: () => Promise<void>;
  /** Simulates again; throws PLAN_CHANGED. */
  readonly plan: () => Promise<Planned>;
}

/** Last lines of output kept for the result, in characters. */
const MAX_OUTPUT = 60_000;

/**
 * Performs the run. What it throws before the package manager was started leaves the journal empty. What it throws later
 * (the runner's own disk fails) leaves the journal as it is: the next start goes on from there.
 */
export async function performRun(parts: Parts, facts: RunFacts, steps: Steps): Promise<RunResult> {
  const { installer } = parts.deps;
  const output = keepOutput();
  let state: State = 'Selected';

  const planned = await checked(parts, steps, output);
  state = next(next(state, 'plan'), 'check');
  const intent = await intentOf(parts, facts, planned);

  try {
    await steps.gate();
    await parts.journal.write({ format: 1, state: 'IntentRecorded', intent });
    state = next(state, 'record_intent');
    await saveRollback(parts, intent);
    await parts.journal.write({ format: 1, state: 'RollbackSaved', intent });
    state = next(state, 'save_rollback');
    // From here on there must be room to say how it ended.
    await parts.reserve.fill();
    await steps.gate();
  } catch (error) {
    next(state, 'stop');
    await parts.journal.clear();
    throw error;
  }

  await parts.journal.write({ format: 1, state: 'InstallStarted', intent });
  state = next(state, 'start_install');
  const problem = await attempt(async () => {
    // The write above may have taken long; a window that closed meanwhile stops here, with nothing started.
    await steps.gate();
    await parts.reserve.require();
    await installer.install(intent.packages, output, { removes: intent.removes, run: intent.run });
  });
  await parts.journal.write({ format: 1, state: 'InstallEnded', intent, problem, log: output.text() });
  state = next(state, 'end_install');
  const result = await conclude(parts, intent, problem, output.text());
  for (const event of ['examine', 'sign_result', 'report', 'clear'] as const) state = next(state, event);

  return result;
}

/** Preflight: an interrupted package manager is repaired first (inside the window), then space and files are looked at. */
async function checked(parts: Parts, steps: Steps, output: InstallProgress): Promise<Planned> {
  const { installer } = parts.deps;
  const interrupted = await installer.interrupted();
  if (interrupted !== null) {
    await steps.gate();
    output.line(`repairing what an earlier run left: ${interrupted}`);
    await installer.repair(output);
    parts.installed.drop();
  }

  const planned = await steps.plan();
  for (const { path, needed, free } of await installer.space(planned.transaction)) {
    if (free < needed) {
      throw new CodedError('NO_SPACE', `${path} has ${free} bytes free, the installation needs ${needed}`, {
        details: { path, needed, free },
      });
    }
  }
  await installer.prepare(planned.plan.install, { removes: planned.plan.removes });

  return planned;
}

async function intentOf(parts: Parts, facts: RunFacts, { plan, transaction }: Planned): Promise<Intent> {
  const installed = await parts.installed.get();
  const touched = [...transaction.upgrade, ...transaction.remove, ...transaction.downgrade];

  return {
    ...facts,
    packages: [...plan.install],
    removes: [...plan.removes],
    before: installed
      .filter((item) => touched.some((change) => change.name === item.name))
      .map(({ name, arch, version }) => ({ name, arch, version })),
    transaction: plain(transaction),
  };
}

/** What a rollback has to bring back: exact versions. The files of it are the archive's or the package store's. */
async function saveRollback(parts: Parts, intent: Intent): Promise<void> {
  const { run, approvalSha256, attempt: number, before, transaction } = intent;
  const path = join(parts.folders.rollback, `${approvalSha256}-${number}.json`);
  await writeState(parts.files, path, { format: 1, run, before, transaction });
}

async function attempt(work: () => Promise<void>): Promise<Problem | null> {
  try {
    await work();

    return null;
  } catch (error) {
    const { code, message } = asCoded(error);

    return { code, message };
  }
}

/** The package manager's own words, bounded to the last of them. */
export function keepOutput(): InstallProgress & { text(): string } {
  let text = '';

  return {
    line: (line) => {
      text = `${text}${line}\n`.slice(-MAX_OUTPUT);
    },
    text: () => text,
  };
}
