// May this host act on an approval now, and if not, why and until when? Pure. It is asked again before every irreversible
// step, with a new `now`; whatever cannot be worked out answers "no".
import type { Code } from '@selvage/shared/errors/codes.ts';
import type { Mode } from '@selvage/shared/model/ids.ts';
import type { InstalledPackage, PackageVersion } from '@selvage/shared/model/package.ts';
import { windowAt } from '@selvage/shared/schedule/window.ts';
import { clockDoubt } from './clock-problem.ts';
import { actUntil, earliest, isExpired, isHeldOn } from './earliest.ts';
import type { OthersNow } from './others.ts';
import { type CompareVersions, needOf } from './planner.ts';
import type { HostFacts, Selected } from './selection.ts';
import type { Now } from './time-floor.ts';

export interface VerdictFacts {
  readonly host: HostFacts;
  readonly mode: Mode;
  readonly zone: string;
  readonly acceptedAt: string;
  /** When the newest accepted policy was signed as current; null: cannot be told. */
  readonly signedAt: Temporal.Instant | null;
  readonly installed: readonly InstalledPackage[];
  readonly compare: CompareVersions;
  /** When this host first saw the package in a signed index; null: not yet. */
  readonly firstSeen: (wanted: PackageVersion) => string | null;
  readonly now: Now;
}

export type Verdict =
  | { readonly kind: 'not-needed' }
  | { readonly kind: 'already'; readonly present: readonly InstalledPackage[] }
  | { readonly kind: 'refused'; readonly code: Code; readonly message: string }
  | {
      readonly kind: 'waiting';
      readonly code: Code;
      readonly message: string;
      /** When to look again; null: something else must happen first. */
      readonly until: Temporal.Instant | null;
    }
  /** Mode `advise`: simulate and report. */
  | { readonly kind: 'plan-only'; readonly packages: readonly PackageVersion[] }
  | {
      readonly kind: 'go';
      readonly packages: readonly PackageVersion[];
      /** Name of the open window, `any` where the lane needs none. */
      readonly window: string;
      /** Null: it does not close. */
      readonly closes: Temporal.Instant | null;
    };

/** From what never changes to what passes: need, expiry, mode, holds, freshness, earliest time, window. */
export function verdictOf(selected: Selected, facts: VerdictFacts): Verdict {
  const { approval, policy } = selected;
  const { now } = facts;
  const need = needOf(approval, facts.installed, facts.compare);
  if (need.kind !== 'todo') return need;

  const doubt = clockDoubt(now, facts.signedAt);
  if (isExpired(approval, now.floor)) {
    // By a time that the clock has taken back: it is the clock that a person must look at, not the approval.
    if (doubt?.why === 'behind' && !isExpired(approval, now.clock)) return refused('CLOCK_WRONG', doubt.message);

    return refused('APPROVAL_EXPIRED', `the approval expired at ${approval.expires}`);
  }
  if (facts.mode === 'observe') return refused('MODE_FORBIDS', 'mode observe: this host only takes inventories');
  if (facts.mode === 'ask-on-site')
    return refused('NOT_BUILT', 'mode ask-on-site is not built yet: nothing is installed');

  const held = holdOf(selected, need.packages, facts);
  if (held !== null) return refused('HELD', held);
  if (facts.mode === 'advise') return { kind: 'plan-only', packages: need.packages };

  const until = actUntil(policy, facts.acceptedAt);
  if (Temporal.Instant.compare(now.floor, until) >= 0) {
    if (doubt?.why === 'behind' && Temporal.Instant.compare(now.clock, until) < 0) {
      return waiting('CLOCK_WRONG', doubt.message, null);
    }

    return waiting(
      'ACT_UNTIL_PASSED',
      `the policy was accepted at ${facts.acceptedAt} and could be acted upon until ${until}`,
      null,
    );
  }

  if (doubt?.why === 'before-policy') return waiting('CLOCK_WRONG', doubt.message, null);

  return timeVerdict(selected, need.packages, facts);
}

/**
 * Mode `managed` only: while another updater is on, or this host has handed itself back to it, nothing is installed whatever the
 * time. A verdict that says no for a reason of its own stands.
 */
export function besideOthers(verdict: Verdict, { inTheWay, takeover }: OthersNow): Verdict {
  if (verdict.kind !== 'go' && verdict.kind !== 'waiting') return verdict;
  if (takeover.state === 'fallback') {
    return refused(
      'OTHER_UPDATER_ACTIVE',
      `this host handed itself back to its own updaters at ${takeover.since}, because no fresh policy came; with fresh policy it takes over again`,
    );
  }
  if (inTheWay.length === 0) return verdict;
  const [first, ...more] = inTheWay;

  return refused(
    'OTHER_UPDATER_ACTIVE',
    `${first}${more.length === 0 ? '' : ` and ${more.join(', ')}`} also install${more.length === 0 ? 's' : ''} updates here; take over first: selvage-agent takeover`,
  );
}

function timeVerdict(selected: Selected, packages: readonly PackageVersion[], facts: VerdictFacts): Verdict {
  const { approval, policy, lane, window } = selected;
  const { now, host } = facts;
  const time = earliest({
    approvedAt: approval.approvedAt,
    lane,
    policy: policy.name,
    host,
    firstSeen: packages.map(facts.firstSeen),
  });
  switch (time.kind) {
    case 'no-ring':
      return waiting('NOT_YET_DUE', `no ring of lane ${approval.lane} has a place for this host`, null);
    case 'not-seen':
      return waiting('NOT_FETCHED', 'the approved packages were not seen in a signed index yet', null);
    case 'at':
      // What the clock says counts: after it was set back the floor would call the time come too early.
      for (const instant of [now.clock, now.steady]) {
        if (Temporal.Instant.compare(instant, time.at) >= 0) continue;
        if (instant === now.steady) return leapt(facts) ?? waiting('NOT_YET_DUE', `not before ${time.at}`, null);
        const why = time.because === 'ring' ? `ring ${time.ring}` : time.because;

        return waiting('NOT_YET_DUE', `not before ${time.at} (${why})`, time.at);
      }
  }
  if (window === null) return { kind: 'go', packages, window: 'any', closes: null };

  // All readings must lie in the window; they differ only when the clock was set.
  for (const instant of [now.floor, now.clock, now.steady]) {
    const state = windowAt(window, instant, facts.zone);
    if (state.open) continue;

    return (instant === now.steady ? leapt(facts) : null) ?? waiting('WINDOW_CLOSED', state.reason, state.next);
  }
  const state = windowAt(window, now.clock, facts.zone);

  return { kind: 'go', packages, window: window.name, closes: state.open ? state.closes : null };
}

/** By the clock it could start, without its leap not yet. */
function leapt({ now, signedAt }: VerdictFacts): Verdict | null {
  const doubt = clockDoubt(now, signedAt);

  return doubt?.why === 'ahead' ? waiting('CLOCK_WRONG', doubt.message, null) : null;
}

/** The sentence that names the hold, or null. A host's own hold has no end; a policy's lasts through its date. */
function holdOf(
  { holds }: Selected,
  packages: readonly PackageVersion[],
  { installed, zone, now }: VerdictFacts,
): string | null {
  for (const { name } of packages) {
    if (installed.some((item) => item.name === name && item.held)) return `${name} is on hold on this host`;
    const hold = holds.find(
      (item) =>
        [now.clock, now.steady].some((instant) => isHeldOn(item.until, instant, zone)) && matches(item.package, name),
    );
    if (hold) return `${name} is held until ${hold.until} by ${hold.owner}: ${hold.reason}`;
  }

  return null;
}

/** `*` stands for any text, everything else for itself. */
function matches(pattern: string, name: string): boolean {
  const parts = pattern.split('*').map((part) => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));

  return new RegExp(`^${parts.join('.*')}$`).test(name);
}

function refused(code: Code, message: string): Verdict {
  return { kind: 'refused', code, message };
}

function waiting(code: Code, message: string, until: Temporal.Instant | null): Verdict {
  return { kind: 'waiting', code, message, until };
}
