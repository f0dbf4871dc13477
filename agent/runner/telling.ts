// From what happened to a signed result: what goes into it, and whether it is news. The same outcome is told once.
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { Transaction } from '@selvage/shared/model/package.ts';
import type { Outcome, RunResult } from '@selvage/shared/model/result.ts';
import type { Parts } from './deps.ts';
import type { Memory, RunFacts } from './journal.ts';
import { settle } from './results.ts';
import type { Selected } from './selection.ts';

export interface Told {
  readonly outcome: Outcome;
  readonly problem: { readonly code: Code; readonly message: string } | null;
  readonly transaction?: Transaction | null;
  readonly evidence?: RunResult['evidence'];
  readonly log?: string;
}

/** Bounds of shared/model/result.ts. */
const MAX_MESSAGE = 8192;
const MAX_LOG = 65_536;
/** After these outcomes an approval is neither run nor told again: undoing it by hand must not bring it back. */
const FINAL: readonly Outcome[] = ['installed', 'already'];

/** The facts of the next run over this approval. */
export function factsOf(parts: Parts, selected: Selected, window: string | null): RunFacts {
  const { approval, approvalSha256 } = selected;
  const attempt = (parts.results.memoryOf(approvalSha256)?.attempts ?? 0) + 1;

  return {
    run: `${approval.name}/${attempt}`,
    attempt,
    approval: approval.name,
    approvalSha256,
    provider: approval.fix.provider,
    fix: { source: approval.fix.source, version: approval.fix.version },
    window,
    startedAt: parts.clock.now().floor.toString(),
  };
}

/** A result for an approval that was not run, or null when the last one already said so. */
export async function tell(parts: Parts, facts: RunFacts, told: Told): Promise<RunResult | null> {
  const before = parts.results.memoryOf(facts.approvalSha256);
  const code = told.problem?.code ?? null;
  if (before?.outcome === told.outcome && before.code === code) return null;

  return report(parts, facts, told, {
    approval: facts.approval,
    outcome: told.outcome,
    code,
    attempts: before?.attempts ?? 0,
    final: FINAL.includes(told.outcome),
  });
}

/** Signs, journals, writes. Whether it is news is not asked: what was installed is always told. */
export async function report(parts: Parts, facts: RunFacts, told: Told, remember: Memory): Promise<RunResult> {
  const { attempt: _attempt, ...identity } = facts;
  const { problem } = told;
  const result = await settle(
    parts.results,
    parts.journal,
    {
      ...identity,
      hostId: parts.host.id,
      outcome: told.outcome,
      problem: problem === null ? null : { code: problem.code, message: problem.message.slice(0, MAX_MESSAGE) },
      finishedAt: parts.clock.now().floor.toString(),
      transaction: told.transaction === undefined || told.transaction === null ? null : plain(told.transaction),
      evidence: told.evidence ?? null,
      log: (told.log ?? '').slice(-MAX_LOG),
    },
    remember,
  );
  parts.deps.log.info(
    { run: facts.run, outcome: told.outcome, code: problem?.code ?? null, number: result.number },
    problem?.message ?? `${facts.approval} is ${told.outcome}`,
  );

  return result;
}

/** The schema's own mutable shape. */
export function plain(transaction: Transaction): NonNullable<RunResult['transaction']> {
  return {
    upgrade: [...transaction.upgrade],
    downgrade: [...transaction.downgrade],
    install: [...transaction.install],
    remove: [...transaction.remove],
    downloadBytes: transaction.downloadBytes,
  };
}
