// The words of triage: what decides, what comes out, and why. Types only. The tree is the SSVC deployer tree (CERT/CC, SSVC 2.1).
import type { CveFacts } from './cve-facts.ts';

export const DECISIONS = ['immediate', 'out-of-cycle', 'scheduled', 'defer', 'unknown'] as const;
export type DecisionWord = (typeof DECISIONS)[number];

/** Each from the mildest to the worst. */
export const EXPLOITATION = ['none', 'poc', 'active'] as const;
export type Exploitation = (typeof EXPLOITATION)[number];
export const EXPOSURES = ['small', 'controlled', 'open'] as const;
export type Exposure = (typeof EXPOSURES)[number];
export const HUMAN_IMPACTS = ['low', 'medium', 'high', 'very high'] as const;
export type HumanImpact = (typeof HUMAN_IMPACTS)[number];

/** What the machine adds: where these came from is said in words, such as `listens 0.0.0.0:443` or `label zone=dmz`. */
export interface Circumstances {
  readonly exposure: Exposure;
  readonly exposureWhy: string;
  readonly impact: HumanImpact;
  readonly impactWhy: string;
}

export interface DecisionPoint {
  readonly name: 'exploitation' | 'exposure' | 'automatable' | 'human impact';
  readonly value: string;
  /** Whose word it is: `KEV since 2025-05-01, EPSS 0.9996`. */
  readonly why: string;
  /** What another source says and why it does not count. */
  readonly overruled: string | null;
}

export interface Decision {
  readonly decision: DecisionWord;
  readonly points: readonly DecisionPoint[];
  /** `active / open / yes / medium`; `?` where a point is unknown, and then so is the decision. */
  readonly path: string;
  readonly tree: { readonly name: string; readonly version: string };
  /** Word of the highest current CVSS score, always beside the decision; null where nobody scored. */
  readonly severity: 'none' | 'low' | 'medium' | 'high' | 'critical' | null;
  readonly score: number | null;
}

/** Same answer for the same facts and circumstances. */
export type Decide = (facts: CveFacts, circumstances: Circumstances) => Decision;

export interface Due {
  /** Date in UTC. */
  readonly date: string;
  /** `KEV`, `policy linux-servers`, `severity rule critical 15d`. */
  readonly by: string;
}
