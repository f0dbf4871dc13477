// One finding: a CVE on a machine, with its evidence, its decision and where it stands. Made by joining; nothing is kept per host and CVE.
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Match } from '../matching/match.ts';
import type { Software } from '../matching/software.ts';
import type { MachineKey } from '../store/software-ports.ts';
import type { Decision, Due } from '../triage/decision.ts';

/**
 * `fixable`: a fixed version exists. `no-fix`: none does. `still-running`: fixed on disk, the old code is in use (processes or the
 * kernel). `not-running`: a kernel that is installed beside the one that runs, or headers and tools of kernel sources. `accepted`: a signed risk acceptance holds.
 * `not-affected`: a VEX statement of ours or of the vendor says so. The last two stay countable.
 */
export const FINDING_STATES = [
  'fixable',
  'no-fix',
  'still-running',
  'not-running',
  'accepted',
  'not-affected',
] as const;
export type FindingState = (typeof FINDING_STATES)[number];

export interface Finding {
  readonly machine: MachineKey;
  readonly name: string;
  readonly software: Software;
  readonly cve: string;
  readonly match: Match;
  readonly state: FindingState;
  /** Later of: the machine has an affected version, and this store knows of it. */
  readonly firstSeen: Timestamp;
  readonly decision: Decision;
  readonly due: Due | null;
  /** Of `still-running`: who has to be restarted; of `accepted` and `not-affected`: whose word, until when. */
  readonly note: string | null;
}
