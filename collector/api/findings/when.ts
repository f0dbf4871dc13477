// When it will happen, and what stands in the way: the machine's mode, signed policies, approvals and windows, and the host's own word.
// Pure; the host decides by itself.

import type { Mode } from '@selvage/shared/model/ids.ts';
import type { ApprovalDocument, PatchPolicyDocument, PolicyDocument } from '@selvage/shared/policy/documents.ts';
import type { z } from 'zod';
import type { Machine } from '../../findings/fleet.ts';
import type { Open } from '../../findings/join.ts';
import { decide } from '../../fixes/decision.ts';
import type { explanation } from '../contract/findings.ts';
import type { HostPlan } from '../host-plan.ts';
import type { Remedy } from './remedies.ts';

export type When = NonNullable<z.input<typeof explanation>['when']>;

export interface WhenFacts {
  readonly machine: Machine;
  readonly findings: readonly Open[];
  readonly remedies: readonly Remedy[];
  readonly documents: readonly PolicyDocument[];
  /** Null for a machine without an agent. */
  readonly host: {
    /** Null while it has not said. */
    readonly mode: Mode | null;
    readonly plan: HostPlan;
    /** Days since its last contact, where nobody hears of it; null: it is there. */
    readonly silentDays: number | null;
    /** Labels that signed documents may select by: its own and those of HostGroups. */
    readonly labels: Readonly<Record<string, readonly string[]>>;
  } | null;
  readonly now: Temporal.Instant;
}

/** Null where nothing is open. */
export function whenOf(facts: WhenFacts): When | null {
  const { findings, host, machine } = facts;
  if (findings.length === 0) return null;
  if (host === null) {
    return answer(
      'never',
      [`known from a file of ${machine.takenAt.slice(0, 10)}: it has no agent that could install`],
      {
        next: [`selvage token create --host ${machine.name}`],
      },
    );
  }
  const states = new Set(findings.map(({ state }) => state));
  const policies = { policies: host.plan.policies };
  if ([...states].every((state) => state === 'still-running')) {
    return answer(
      'waits',
      ['the fix is installed: it waits for a restart of what runs the old code, or of the machine'],
      policies,
    );
  }
  if ([...states].every((state) => state === 'accepted' || state === 'not-affected')) {
    return answer('never', ['nothing is to be done: see its state'], policies);
  }
  // What is offered and leaves it open is no end of it, however soon it comes.
  const fix = facts.remedies.find(({ to, closes }) => to !== null && closes);
  if (!fix || fix.to === null) {
    const why = facts.remedies.flatMap(({ note }) => note ?? []);

    return answer(machine.offers === null ? 'unknown' : 'never', why, policies);
  }

  const rest = facts.remedies.flatMap(({ source, closes, note }) =>
    closes || note === null ? [] : [`it stays open in ${source}: ${note}`],
  );
  const found = ofFix({ ...facts, host }, fix as Remedy & { readonly to: string });

  return { ...found, why: [...found.why, ...rest] };
}

function ofFix(
  { host, documents, machine, now }: WhenFacts & { readonly host: NonNullable<WhenFacts['host']> },
  fix: Remedy & { readonly to: string },
): When {
  const id = `${fix.source}@${fix.to}`;
  const { plan, mode, silentDays } = host;
  const policies = { policies: plan.policies };
  const approvals = documents.filter(
    (one): one is ApprovalDocument =>
      one.kind === 'Approval' && one.fix.source === fix.source && one.fix.version === fix.to,
  );
  const { verdict, approval } = decide(
    approvals.filter(({ policy }) => plan.policies.includes(policy)),
    now,
  );
  const waiting = plan.waiting.find((one) => one.approval === approval?.name);
  const silent = silentDays === null ? [] : [`nobody has heard of it for ${silentDays} days`];

  if (mode !== null && mode !== 'managed')
    return answer('never', [`its own settings say mode ${mode}: it installs nothing`, ...silent], policies);
  if (fix.held) return answer('never', ['the host holds the package back', ...silent], policies);
  if (plan.policies.length === 0) {
    const unknown = plan.policiesUnknown.map((name) => `it is not known whether ${name} selects it`);
    const near = documents.flatMap((one) => (one.kind === 'PatchPolicy' ? nearMiss(one, host.labels) : []));

    return answer('never', [...(unknown.length > 0 ? unknown : ['no policy selects this host']), ...near, ...silent], {
      next:
        near.length > 0
          ? [`set the label in the host's own settings, or push a HostGroup that names ${machine.name}`]
          : [],
    });
  }
  if (verdict === 'refused')
    return answer(
      'never',
      [`${id} was rejected for ${approval?.policy}${approval?.reason ? `: ${approval.reason}` : ''}`, ...silent],
      policies,
    );
  if (verdict === 'open' || approval === null) {
    const lapsed = approval === null ? [] : [`its approval for ${approval.policy} has expired`];
    const [policy = 'NAME'] = plan.policies;

    return answer('needs-approval', [...lapsed, ...silent], {
      ...policies,
      next: [`selvage fix approve ${id} --policy ${policy} --lane ${laneOf(documents, policy)}`],
    });
  }
  if (waiting) {
    const why = `the host says ${waiting.outcome}${waiting.why === null ? '' : `: ${waiting.why}`}`;

    return answer('waits', [why, ...silent], { ...policies, ...nextWindow(plan) });
  }
  const problem = plan.windowProblem === null ? [] : [plan.windowProblem];
  const approved = `approved for ${approval.policy}, lane ${approval.lane}`;
  if (plan.nextWindow === null)
    return answer('unknown', [approved, 'no window opens', ...problem, ...silent], policies);

  return answer('expected', [approved, ...silent], { ...policies, ...nextWindow(plan) });
}

/** What of a policy's `select` keeps a host out, where labels alone do. */
function nearMiss(
  { name, select }: PatchPolicyDocument,
  labels: Readonly<Record<string, readonly string[]>>,
): string[] {
  if (typeof select === 'string') return [`policy ${name} selects: ${select}`];
  return Object.entries(select.labels ?? {}).flatMap(([label, allowed]) => {
    const own = Object.hasOwn(labels, label) ? (labels[label] ?? []) : [];
    if (own.some((value) => allowed.includes(value))) return [];

    return [
      own.length === 0
        ? `policy ${name}: label ${label} is missing`
        : `policy ${name}: label ${label} is ${own.join(', ')}, not ${allowed.join(' or ')}`,
    ];
  });
}

function laneOf(documents: readonly PolicyDocument[], name: string): string {
  const policy = documents.find((one): one is PatchPolicyDocument => one.kind === 'PatchPolicy' && one.name === name);

  return Object.keys(policy?.lanes ?? {})[0] ?? 'LANE';
}

function nextWindow({ nextWindow: next }: HostPlan): { readonly at: string | null; readonly window: string | null } {
  return { at: next?.opens ?? null, window: next?.window ?? null };
}

function answer(word: When['answer'], why: readonly string[], more: Partial<When> = {}): When {
  return { answer: word, at: null, window: null, policies: [], next: [], ...more, why: [...why] };
}
