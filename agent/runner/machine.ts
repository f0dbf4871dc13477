// The state machine of one run over one approval: facts that are true, events that happen, and the only ways between them.
// It decides nothing and touches nothing; ./steps.ts performs the effects and asks here before it believes a new state.
// The picture of it is in the README; a test compares the two.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

/** In order of life. From `IntentRecorded` on, every state is in the journal before the next effect. */
export const STATES = [
  'Selected',
  'Planned',
  'Checked',
  'IntentRecorded',
  'RollbackSaved',
  'InstallStarted',
  'InstallEnded',
  'Interrupted',
  'Repaired',
  'Examined',
  'Stopped',
  'ResultSigned',
  'Reported',
  'Cleared',
] as const;
export type State = (typeof STATES)[number];

export const EVENTS = [
  'plan',
  'check',
  'record_intent',
  'save_rollback',
  'start_install',
  'end_install',
  'find_interrupted',
  'repair',
  'examine',
  'stop',
  'sign_result',
  'report',
  'clear',
] as const;
export type Event = (typeof EVENTS)[number];

export interface Transition {
  readonly from: State;
  readonly event: Event;
  readonly to: State;
}

/** Every allowed transition. What is not here is refused with STATE. */
export const TRANSITIONS: readonly Transition[] = [
  { from: 'Selected', event: 'plan', to: 'Planned' },
  { from: 'Planned', event: 'check', to: 'Checked' },
  { from: 'Checked', event: 'record_intent', to: 'IntentRecorded' },
  { from: 'IntentRecorded', event: 'save_rollback', to: 'RollbackSaved' },
  { from: 'RollbackSaved', event: 'start_install', to: 'InstallStarted' },
  { from: 'InstallStarted', event: 'end_install', to: 'InstallEnded' },
  { from: 'InstallEnded', event: 'examine', to: 'Examined' },
  // Only a start of the runner that finds `InstallStarted` in the journal takes this way; nothing leads back to an installation.
  { from: 'InstallStarted', event: 'find_interrupted', to: 'Interrupted' },
  { from: 'Interrupted', event: 'repair', to: 'Repaired' },
  { from: 'Repaired', event: 'examine', to: 'Examined' },
  // Before the package manager was started a run may stop at any state; afterwards it is examined.
  { from: 'Selected', event: 'stop', to: 'Stopped' },
  { from: 'Planned', event: 'stop', to: 'Stopped' },
  { from: 'Checked', event: 'stop', to: 'Stopped' },
  { from: 'IntentRecorded', event: 'stop', to: 'Stopped' },
  { from: 'RollbackSaved', event: 'stop', to: 'Stopped' },
  { from: 'Examined', event: 'sign_result', to: 'ResultSigned' },
  { from: 'Stopped', event: 'sign_result', to: 'ResultSigned' },
  { from: 'ResultSigned', event: 'report', to: 'Reported' },
  { from: 'Reported', event: 'clear', to: 'Cleared' },
];

/** The state after `event`. Throws STATE when the table does not allow it. */
export function next(state: State, event: Event): State {
  const transition = TRANSITIONS.find((row) => row.from === state && row.event === event);
  if (!transition) {
    throw new CodedError('STATE', `a run that is ${state} cannot ${event}`, { details: { state, event } });
  }

  return transition.to;
}
