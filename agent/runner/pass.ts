// One approval in one pass: verdict, look into the mirror, plan, run; and what is told about it. What goes wrong with one
// approval is that approval's result and never ends the pass.
import { asCoded, CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import { CODES } from '@selvage/shared/errors/codes.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import type { Kept, Parts } from './deps.ts';
import { describeDifference, planOf } from './planner.ts';
import type { UsablePolicy } from './policy-intake.ts';
import type { Selected } from './selection.ts';
import { type Planned, performRun } from './steps.ts';
import { factsOf, tell } from './telling.ts';
import { besideOthers, type Verdict, verdictOf } from './verdict.ts';

export interface Pass {
  readonly parts: Parts;
  readonly policy: UsablePolicy;
  /** Loaded at most once per pass; true when the mirror holds anything. */
  readonly mirror: Kept<boolean>;
  /** When the pass wants the next one. */
  again(at: Temporal.Instant): void;
}

/** What is to be told, null when nothing is new. Throws only when the runner's own state cannot be written. */
export async function handleApproval(pass: Pass, selected: Selected): Promise<RunResult | null> {
  const { parts } = pass;
  if (parts.results.memoryOf(selected.approvalSha256)?.final) return null;

  return guarded(pass, selected, () => advance(pass, selected));
}

async function advance(pass: Pass, selected: Selected): Promise<RunResult | null> {
  const { parts } = pass;
  const verdict = await firstVerdict(pass, selected);
  const facts = factsOf(parts, selected, verdict.kind === 'go' ? verdict.window : null);

  switch (verdict.kind) {
    case 'not-needed':
    case 'already':
      return tell(parts, facts, { outcome: verdict.kind, problem: null });
    case 'refused':
      return tell(parts, facts, { outcome: 'refused', problem: { code: verdict.code, message: verdict.message } });
    case 'waiting':
      if (verdict.until) pass.again(verdict.until);

      return tell(parts, facts, { outcome: 'waiting', problem: { code: verdict.code, message: verdict.message } });
    case 'plan-only': {
      const { transaction } = await look(pass, selected, verdict.packages);
      const problem = { code: 'MODE_FORBIDS' as const, message: 'mode advise: planned, not installed' };

      return tell(parts, facts, { outcome: 'planned', problem, transaction });
    }
    case 'go':
      return performRun(parts, facts, {
        gate: () => gate(pass, selected),
        plan: () => look(pass, selected, verdict.packages),
      });
    default:
      return verdict satisfies never;
  }
}

/** A package that was never seen in a signed index is looked for first: its delay begins with that. */
async function firstVerdict(pass: Pass, selected: Selected): Promise<Verdict> {
  const verdict = await judge(pass, selected);
  if (verdict.kind !== 'waiting' || verdict.code !== 'NOT_FETCHED') return verdict;

  await look(pass, selected, await missingOf(pass, selected));

  return judge(pass, selected);
}

async function missingOf(pass: Pass, selected: Selected): Promise<readonly PackageVersion[]> {
  const installed = await pass.parts.installed.get();

  return selected.approval.packages.filter((wanted) =>
    installed.some((have) => have.name === wanted.name && pass.parts.deps.compare(have.version, wanted.version) < 0),
  );
}

export async function judge({ parts, policy }: Pick<Pass, 'parts' | 'policy'>, selected: Selected): Promise<Verdict> {
  const { settings, compare } = parts.deps;

  const verdict = verdictOf(selected, {
    host: parts.host,
    mode: settings.mode,
    zone: settings.zone,
    acceptedAt: policy.acceptedAt,
    signedAt: policy.signedAt,
    installed: await parts.installed.get(),
    compare,
    firstSeen: (wanted) => parts.firstSeen.of(wanted),
    now: parts.clock.now(),
  });
  // Looked for only where something could be installed: a start with nothing to do must be quick.
  if (settings.mode !== 'managed' || (verdict.kind !== 'go' && verdict.kind !== 'waiting')) return verdict;

  return besideOthers(verdict, await parts.others.get());
}

/** Simulates the full transaction from the verified mirror and holds it against the approval. */
async function look(pass: Pass, selected: Selected, packages: readonly PackageVersion[]): Promise<Planned> {
  const { parts } = pass;
  const names = packages.map((item) => `${item.name} ${item.version}`).join(', ');
  if (!(await pass.mirror.get())) throw new CodedError('NOT_FETCHED', `nothing was fetched yet; wanted: ${names}`);

  const transaction = await parts.deps.installer.simulate(packages).catch((error: unknown) => {
    // The fetcher brings what wanted.json names; an index without it is one from before.
    if (!hasCode(error, 'NO_CANDIDATE')) throw error;
    throw new CodedError('NOT_FETCHED', error.message, { cause: error });
  });
  await parts.firstSeen.note(packages, parts.clock.now().seen);
  const plan = planOf(selected.approval, packages, transaction, await parts.installed.get());
  if (plan.kind === 'as-approved') return { plan, transaction };

  const clauses = plan.differences.map(describeDifference);
  throw new CodedError('PLAN_CHANGED', `not what was approved: ${clauses.join('; ')}`, {
    details: { differences: plan.differences, transaction },
  });
}

/** The verdict anew, before an irreversible step. Throws what it says unless that is still "go". */
async function gate(pass: Pass, selected: Selected): Promise<void> {
  pass.parts.others.drop();
  const verdict = await judge(pass, selected);

  switch (verdict.kind) {
    case 'go':
      return;
    case 'refused':
    case 'waiting':
      throw new CodedError(verdict.code, verdict.message);
    default:
      throw new CodedError('PLAN_CHANGED', `the host changed during the run: the approval is ${verdict.kind} now`);
  }
}

/** An error before anything was changed is this approval's outcome. */
async function guarded(
  pass: Pass,
  selected: Selected,
  work: () => Promise<RunResult | null>,
): Promise<RunResult | null> {
  try {
    return await work();
  } catch (error) {
    // What is in the journal is not over: another entry in its place would lose it. The next start brings it to its end.
    if (pass.parts.journal.holds()) throw error;
    const verdict = verdictOfError(error);
    const facts = factsOf(pass.parts, selected, null);

    return tell(pass.parts, facts, {
      outcome: verdict.kind,
      problem: { code: verdict.code, message: verdict.message },
      transaction: transactionOf(error),
    });
  }
}

function verdictOfError(error: unknown): Extract<Verdict, { kind: 'refused' | 'waiting' }> {
  const { code, message } = asCoded(error);

  return CODES[code].rule === 'retry'
    ? { kind: 'waiting', code, message, until: null }
    : { kind: 'refused', code, message };
}

/** A refused plan is shown whole. */
function transactionOf(error: unknown): Planned['transaction'] | null {
  return hasCode(error, 'PLAN_CHANGED') && 'transaction' in error.details
    ? (error.details.transaction as Planned['transaction'])
    : null;
}
