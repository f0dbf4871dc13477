// What a host is to the people who look after it, from its record. Pure: the one place that says who counts.
import type { HostRecord } from './store/ports.ts';

export const HOST_STATES = ['pending', 'active', 'revoked', 'retired'] as const;
export type HostState = (typeof HOST_STATES)[number];

type Facts = Pick<HostRecord, 'state' | 'acceptedAt' | 'retiredAt'>;

export function hostState({ state, acceptedAt, retiredAt }: Facts): HostState {
  if (state === 'active') return acceptedAt === null ? 'pending' : 'active';

  return retiredAt === null ? 'revoked' : 'retired';
}

/** How many are in each state; each stands for one, or for as many as it says. */
export function countStates(
  hosts: readonly (Facts & { readonly count?: number })[],
): Readonly<Record<HostState, number>> {
  const counted = { pending: 0, active: 0, revoked: 0, retired: 0 };
  for (const host of hosts) counted[hostState(host)] += host.count ?? 1;

  return counted;
}

/** True for a host that counts: it gets policy, and is in every number and denominator. A pending one is not. */
export function counts(host: Facts): boolean {
  return hostState(host) === 'active';
}
