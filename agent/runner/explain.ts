// What would happen, when, and why not now: the same verdicts a pass works with, shown. It takes no lock, writes nothing,
// loads no mirror and simulates nothing.
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import type { WindowDocument } from '@selvage/shared/policy/documents.ts';
import { type WindowsOfHost, windowsOf } from '@selvage/shared/policy/windows.ts';
import { nextOpenings } from '@selvage/shared/schedule/window.ts';
import { clockProblem } from './clock-problem.ts';
import { openParts, type Parts, type RunnerDeps } from './deps.ts';
import { earliest } from './earliest.ts';
import { fallbackAfter } from './fallback.ts';
import type { Memory } from './journal.ts';
import { judge } from './pass.ts';
import { needOf } from './planner.ts';
import { takeInPolicy, type UsablePolicy } from './policy-intake.ts';
import { policiesOf, type Selected, selectApprovals } from './selection.ts';
import type { Verdict } from './verdict.ts';

export interface ApprovalPlan {
  readonly approval: string;
  readonly policy: string;
  readonly lane: string;
  readonly fix: { readonly provider: string; readonly source: string; readonly version: string };
  /** What this host would bring to the approved version. */
  readonly packages: readonly PackageVersion[];
  /** `done` when a result ended the matter. */
  readonly verdict: Verdict['kind'] | 'done';
  readonly code: Code | null;
  readonly message: string;
  /** Earliest time by approval, delay and ring, where it is known. */
  readonly earliest: string | null;
  readonly window: { readonly name: string; readonly next: readonly string[] };
  readonly expires: string;
  readonly last: Memory | null;
}

export interface PlanReport {
  readonly now: string;
  readonly mode: string;
  readonly policy: { readonly acceptedAt: string } | null;
  /** Why newer policy is not accepted, or why there is none. */
  readonly problem: { readonly code: Code; readonly message: string } | null;
  readonly approvals: readonly ApprovalPlan[];
  /** Policies that select this host, and the window that opens next; null without policy. */
  readonly windows: WindowsOfHost | null;
  /** Other updaters that install by themselves and are on; null: that cannot be known. */
  readonly otherUpdaters: readonly string[] | null;
  /** Milliseconds without fresh policy after which a host that was taken over hands itself back; null: never. */
  readonly fallbackAfterMs: number | null;
}

const SHOWN_OPENINGS = 3;
const writeNothing = { write: async () => undefined, remove: async () => undefined };

/** Throws what the runner itself would throw about its own state; it changes nothing. */
export async function explainPlan(deps: RunnerDeps): Promise<PlanReport> {
  const parts = await openParts({ ...deps, files: writeNothing });
  const now = parts.clock.now();
  const { policy, problem: untold } = await takeInPolicy(parts.folders, parts.clock, writeNothing);
  const problem = clockProblem(parts.clock.now(), policy, untold) ?? untold;
  const approvals =
    policy === null
      ? []
      : await Promise.all(
          selectApprovals(policy, parts.host).map(async (selected) =>
            describe(parts, selected, await judge({ parts, policy }, selected)),
          ),
        );

  return {
    now: now.clock.toString(),
    mode: deps.settings.mode,
    policy: policy === null ? null : { acceptedAt: policy.acceptedAt },
    problem: problem === null ? null : { code: problem.code, message: problem.message },
    approvals,
    windows: policy && windowsHere(parts, policy),
    fallbackAfterMs: policy && fallbackAfter(policiesOf(policy, parts.host)),
    // Who cannot know it is told so; a pass of the runner then installs nothing and says why.
    otherUpdaters: await parts.others.get().then(
      ({ inTheWay }) => inTheWay,
      () => null,
    ),
  };
}

function windowsHere(parts: Parts, policy: UsablePolicy): WindowsOfHost {
  const documents = policy.documents.map(({ document }) => document);

  return windowsOf(documents, parts.host, { now: parts.clock.now().clock, zone: parts.deps.settings.zone });
}

async function describe(parts: Parts, selected: Selected, verdict: Verdict): Promise<ApprovalPlan> {
  const { approval, policy, lane, window } = selected;
  const need = needOf(approval, await parts.installed.get(), parts.deps.compare);
  const packages = need.kind === 'todo' ? need.packages : [];
  const last = parts.results.memoryOf(selected.approvalSha256);
  const time = earliest({
    approvedAt: approval.approvedAt,
    lane,
    policy: policy.name,
    host: parts.host,
    firstSeen: packages.map((item) => parts.firstSeen.of(item)),
  });
  const said = last?.final
    ? { verdict: 'done' as const, code: last.code, message: `${last.outcome} already` }
    : say(verdict);

  return {
    approval: approval.name,
    policy: policy.name,
    lane: approval.lane,
    fix: approval.fix,
    packages,
    ...said,
    earliest: time.kind === 'at' ? time.at.toString() : null,
    window: { name: window?.name ?? 'any', next: openings(window, parts) },
    expires: approval.expires,
    last,
  };
}

function openings(window: WindowDocument | null, parts: Parts): readonly string[] {
  if (window === null) return [];

  return nextOpenings(window, parts.clock.now().clock, SHOWN_OPENINGS, parts.deps.settings.zone).map(({ opened }) =>
    opened.toString(),
  );
}

function say(verdict: Verdict): Pick<ApprovalPlan, 'verdict' | 'code' | 'message'> {
  switch (verdict.kind) {
    case 'not-needed':
      return { verdict: verdict.kind, code: null, message: 'none of the approved packages is installed here' };
    case 'already':
      return { verdict: verdict.kind, code: null, message: 'the approved versions, or newer ones, are installed' };
    case 'plan-only':
      return { verdict: verdict.kind, code: 'MODE_FORBIDS', message: 'mode advise: it is planned, not installed' };
    case 'go':
      return { verdict: verdict.kind, code: null, message: `installs now, in window ${verdict.window}` };
    case 'refused':
    case 'waiting':
      return { verdict: verdict.kind, code: verdict.code, message: verdict.message };
    default:
      return verdict satisfies never;
  }
}
