// The states of the link and the only ways between them. Pure; ./link.ts asks here before it tells anyone.
// The picture of it is in the README; a test compares the two.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

export const LINK_STATES = ['Idle', 'Connecting', 'Connected', 'Disconnected', 'Waiting', 'Stopped'] as const;
export type LinkState = (typeof LINK_STATES)[number];

/** The events of the link that change its state; the others (acknowledged, policy, problem) need it to be connected. */
export const LINK_TRANSITIONS = [
  { from: 'Idle', event: 'connecting', to: 'Connecting' },
  { from: 'Connecting', event: 'connected', to: 'Connected' },
  { from: 'Connecting', event: 'disconnected', to: 'Disconnected' },
  { from: 'Connected', event: 'disconnected', to: 'Disconnected' },
  { from: 'Disconnected', event: 'waiting', to: 'Waiting' },
  { from: 'Waiting', event: 'connecting', to: 'Connecting' },
  { from: 'Idle', event: 'stopped', to: 'Stopped' },
  { from: 'Connecting', event: 'stopped', to: 'Stopped' },
  { from: 'Connected', event: 'stopped', to: 'Stopped' },
  { from: 'Waiting', event: 'stopped', to: 'Stopped' },
] as const satisfies readonly { readonly from: LinkState; readonly event: string; readonly to: LinkState }[];
export type LinkTransitionEvent = (typeof LINK_TRANSITIONS)[number]['event'];

/** The state after `event`. Throws STATE when the table does not allow it. */
export function nextLinkState(state: LinkState, event: LinkTransitionEvent): LinkState {
  const transition = LINK_TRANSITIONS.find((row) => row.from === state && row.event === event);
  if (!transition) {
    throw new CodedError('STATE', `a link that is ${state} cannot be ${event}`, { details: { state, event } });
  }

  return transition.to;
}
