// What the todo list asks of triage, of versions and of those who know whether a machine will act. Types only.
import type { Ecosystem, Software } from '../matching/software.ts';
import type { MachineKey } from '../store/software-ports.ts';
import type { Triage as FleetTriage } from '../triage/triage.ts';
import type { Suppress } from '../vex/suppress.ts';

export type { Verdict } from '../triage/decide.ts';

/** The part of triage that counting needs. */
export type Triage = Pick<FleetTriage, 'circumstances' | 'facts' | 'verdict' | 'due' | 'policies'>;

/** Order of two versions; null where they cannot be compared. */
export type Compare = (ecosystem: Ecosystem, a: string, b: string) => number | null;

/** What is said of single findings by people: acceptances and VEX statements. */
export interface Judgements {
  /** False where nothing is said of it on any machine, so that nobody asks machine by machine. */
  concerns(software: Software, cve: string): boolean;
  readonly of: Suppress;
}

export const NO_JUDGEMENTS: Judgements = { concerns: () => false, of: () => null };

/** Of one machine: whether it can act, and whether anybody hears of it. */
export interface MachineStanding {
  readonly imported: boolean;
  /** Days since its last contact, where that is a week or more or never (null). */
  readonly silentDays: number | null | false;
  /** Its own settings let it install. */
  readonly managed: boolean;
}

export type Standings = (machine: MachineKey) => MachineStanding;
