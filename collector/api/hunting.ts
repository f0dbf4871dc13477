// `has` of lists of machines: who of those that a list would show has the package.
import type { z } from 'zod';
import type { Fleet } from '../findings/fleet.ts';
import { parseHas } from '../findings/has-text.ts';
import { type Hit, type Hunt, huntSteps } from '../findings/hunt.ts';
import type { MachineKey } from '../store/software-ports.ts';
import type { hunt } from './contract/hunt.ts';
import type { ApiDeps } from './deps.ts';
import { inTurns } from './in-turns.ts';

export type HuntShown = z.input<typeof hunt>;

export interface Hunted<T> {
  readonly chosen: readonly T[];
  readonly hunt: HuntShown;
}

export interface HuntQuestion {
  /** Left out: everybody is shown. */
  readonly has?: string | undefined;
  readonly running?: boolean | undefined;
}

/** Throws SELECT_INVALID before anything is looked at. */
export async function hunting<T>(
  { fleet }: Pick<ApiDeps, 'fleet'>,
  { has, running = false }: HuntQuestion,
  all: readonly T[],
  identify: (one: T) => { readonly key: MachineKey; readonly id: string; readonly name: string },
): Promise<Hunted<T>> {
  const wanted = has === undefined ? null : parseHas(has);
  if (wanted === null) return { chosen: all, hunt: null };
  const machines = all.map((one) => ({ one, ...identify(one) }));
  const among = new Set(machines.map(({ key }) => key));
  const answer = await inTurns(huntSteps(fleet(), wanted, { running, among }));

  return inTurns(shownSteps(fleet(), machines, answer));
}

interface Identified<T> {
  readonly one: T;
  readonly key: MachineKey;
  readonly id: string;
  readonly name: string;
}

function* shownSteps<T>(fleet: Fleet, machines: readonly Identified<T>[], answer: Hunt): Generator<void, Hunted<T>> {
  const chosen: T[] = [];
  const found: Record<string, Hit[]> = {};
  const unknown: { readonly id: string; readonly name: string; readonly reason: string }[] = [];
  let notSeenRunning = 0;
  for (const { one, key, id, name } of machines) {
    const hits = answer.found.get(key);
    if (hits !== undefined) {
      chosen.push(one);
      found[id] = [...hits];
    }
    const reason = answer.unknown.get(key) ?? (fleet.machines.has(key) ? null : notCounted(key));
    if (reason !== null) unknown.push({ id, name, reason });
    if (answer.notSeenRunning.has(key)) notSeenRunning += 1;
    yield;
  }

  return { chosen, hunt: { ...{ has: answer.has, complete: answer.complete }, found, unknown, notSeenRunning } };
}

/** A host that waits or is gone has no list of software here, nor has a machine of a file that an agent tells of. */
function notCounted(key: MachineKey): string {
  return key.startsWith('import:')
    ? 'an agent is asked about the same machine, or its file was not read yet'
    : 'its software is not kept: it waits to be accepted, is no longer trusted, or was not read yet';
}
