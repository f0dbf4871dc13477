// What there is to do, by fixes instead of CVEs: one source package brought to one version, with the machines that need it, what it
// closes and why it matters. Types only.
import type { ProviderName } from '@selvage/shared/model/package.ts';
import type { Ecosystem } from '../matching/software.ts';
import type { MachineKey } from '../store/software-ports.ts';
import type { DecisionWord, Due } from '../triage/decision.ts';

/**
 * Where one machine stands with one fix. `needs-approval`: nobody decided. `approved`: signed, the host has not said anything yet.
 * `waiting`: the host knows and waits. `refused`, `failed`: the host or an admin said no; it was tried and not proven. `held`: the host
 * holds the package back. `silent`: approved, but nobody heard of the host for a week. `observing`: its own settings let nothing be
 * installed, approved or not. `imported`: no agent that could. `unknown`: what the host is offered is not known.
 */
export const STANDINGS = [
  'failed',
  'refused',
  'needs-approval',
  'held',
  'silent',
  'observing',
  'imported',
  'unknown',
  'approved',
  'waiting',
] as const;
export type Standing = (typeof STANDINGS)[number];

export type ByDecision = Readonly<Record<DecisionWord, number>>;

/** Why a fix matters, the strongest reason first; each a few words. */
export interface Reason {
  readonly kind:
    | 'kev'
    | 'exploited'
    | 'epss'
    | 'poc'
    | 'exposed'
    | 'severity'
    | 'kernel-sources'
    | 'point-release'
    | 'security-repository';
  readonly text: string;
  readonly cve: string | null;
}

/** When the last machine is expected to have it: an instant, or null with what stands in the way. */
export interface Expected {
  readonly at: string | null;
  readonly reason: string | null;
}

export interface FixRow {
  /** `<source>@<version>`, as `fix approve` takes it. */
  readonly id: string;
  readonly ecosystem: Ecosystem | null;
  readonly provider: ProviderName | null;
  readonly source: string;
  readonly version: string;
  /** `offer`: hosts are offered it. `feed`: only advisories name it, because what the machines are offered is not known. */
  readonly from: 'offer' | 'feed';
  readonly security: boolean;
  readonly decision: DecisionWord;
  /** Open findings that it closes, on all its machines. */
  readonly closes: number;
  readonly closesByDecision: ByDecision;
  /** Distinct CVEs among them. */
  readonly cves: number;
  readonly why: readonly Reason[];
  /** The earliest of all findings that it closes. */
  readonly due: Due | null;
  readonly machines: number;
  readonly standings: Readonly<Partial<Record<Standing, number>>>;
  /** Names of some, those that are in trouble first. */
  readonly some: readonly string[];
  /** Said by a host or an admin, about the standing that counts most. */
  readonly reason: string | null;
  readonly approval: { readonly policy: string; readonly lane: string; readonly expires: string } | null;
  readonly lastHost: Expected;
  /** It brings another kernel, which runs only after a reboot. */
  readonly reboot: boolean;
}

/** Why a fix that a feed knows is not offered to a machine whose updates are known. */
export const NOT_OFFERED = ['pocket', 'not-offered', 'older-offered'] as const;
export type NotOffered = (typeof NOT_OFFERED)[number];

/** Fixed by its maker, and not to be had on these machines as they are. */
export interface NotOfferedRow {
  readonly ecosystem: Ecosystem;
  readonly source: string;
  /** Lowest version that has all of the fixes. */
  readonly fixed: string;
  readonly kind: NotOffered;
  readonly why: string;
  readonly decision: DecisionWord;
  readonly findings: number;
  readonly cves: number;
  readonly due: Due | null;
  readonly machines: number;
  readonly some: readonly string[];
}

/** Findings that no row closes, counted; `byDecision` adds up to `findings`. */
export interface Counted {
  readonly findings: number;
  readonly machines: number;
  readonly byDecision: ByDecision;
}

export interface Todo {
  /** By decision, then by what is due first. */
  readonly fixes: readonly FixRow[];
  readonly notOffered: readonly NotOfferedRow[];
  /** `kernelSources`: of these are in headers or tools of kernel sources of which no kernel runs. `urgent`: immediate ones but those. */
  readonly noFix: Counted & { readonly kernelSources: number; readonly urgent: number };
  readonly stillRunning: Counted;
  readonly notRunning: Counted;
  readonly accepted: Counted;
  readonly notAffected: Counted;
  /** Updates that close nothing that is known and come from no security repository. */
  readonly otherUpdates: { readonly fixes: number; readonly machines: number };
  /** All findings that are open, whether a fix exists or not: fixable, without a fix, still running. */
  readonly open: ByDecision;
  readonly machines: {
    readonly counted: number;
    /** Of these it is not known what is installed: nothing above is about them. */
    readonly unknown: readonly MachineUnknown[];
  };
}

export interface MachineUnknown {
  readonly key: MachineKey;
  readonly name: string;
  readonly reason: string;
}
