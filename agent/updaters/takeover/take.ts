// Takes a host over from its other updaters: saves what stands there, masks what starts them, and says what only a person can
// do. Cut off anywhere, the same command or a release brings it to its end. It never stops a service.
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Files } from '../../runner/state-file.ts';
import { lookForUpdaters } from '../list.ts';
import { heldBySnapd, holdSnapd } from '../snap-hold.ts';
import type { UpdaterHost } from '../updater.ts';
import { FRAGMENT, fragmentState, writeFragment } from './apt-conf.ts';
import { heldOf, inTheWay, type Person, planTakeover, workingOf } from './plan.ts';
import { readTakeover, type SavedUnit, type Takeover, writeTakeover } from './state.ts';

/** Some may be stopped then and others not; what is saved knows all of them. */
const HALF_WAY =
  'put right what it says, then again: selvage-agent takeover; or give back what was begun: selvage-agent release';

export interface TakeoverDoor {
  /** The host as it is now: read again at each call. */
  readonly host: () => UpdaterHost;
  /** Path of the saved state. */
  readonly file: string;
  readonly now: () => Temporal.Instant;
  readonly files: Files;
}

export interface TakenOver {
  /** Nothing was changed, only shown. */
  readonly dryRun: boolean;
  /** Names of units that were (or would be) masked now. */
  readonly masked: readonly string[];
  /** All units that a release gives back, as they were before the first takeover. */
  readonly saved: readonly SavedUnit[];
  readonly aptConf: boolean;
  readonly snap: boolean;
  readonly persons: readonly Person[];
  /** Services that began meanwhile; they are left to their end. */
  readonly ending: readonly string[];
  /** Updaters that are still in the way afterwards; with `dryRun` those a person must stop. */
  readonly remaining: readonly string[];
}

/**
 * Throws PACKAGE_MANAGER_LOCKED, before anything is changed, while an updater is at work. A host without other updaters is taken over
 * too: there is nothing to give back then, and it is said all the same.
 */
export async function takeOver(door: TakeoverDoor, dryRun = false): Promise<TakenOver> {
  const host = door.host();
  const saved = await readTakeover(door.file);
  const held = heldOf(saved);
  const plan = planTakeover(await lookForUpdaters(host), saved);
  if (plan.working.length > 0) {
    throw new CodedError('PACKAGE_MANAGER_LOCKED', `${plan.working.join(' and ')} is at work; nothing was changed`, {
      next: 'run it again when that has ended (systemctl status says so); it is never cut off',
    });
  }
  const isForeign = plan.aptConf && (await fragmentState(host.root)) === 'foreign';
  const aptConf = plan.aptConf && !isForeign;
  const persons = isForeign
    ? [...plan.persons, { updater: 'unattended-upgrades', what: `/${FRAGMENT} is not ours: look at it and remove it` }]
    : plan.persons;
  const units = [...(held?.units ?? []), ...plan.save];
  const told = { dryRun, masked: plan.mask, saved: units, aptConf, snap: plan.snap, persons };
  if (dryRun) return { ...told, ending: [], remaining: [...new Set(persons.map(({ updater }) => updater))] };

  const record: Takeover = {
    format: 1,
    state: 'taking',
    towards: 'released',
    since: held?.since ?? door.now().toString(),
    units,
    aptConf: held?.aptConf === true || aptConf,
    snap: held?.snap ?? (plan.snap ? { hold: await heldBySnapd(host) } : null),
  };
  // Everything that is about to be changed is on disk as it was, before the first change.
  await writeTakeover(door.files, door.file, record);
  try {
    for (const name of plan.mask) await maskUnit(host, name);
    if (aptConf) await writeFragment(door.files, host.root);
    if (plan.snap) await holdSnapd(host, 'forever');
    await writeTakeover(door.files, door.file, { ...record, state: 'taken' });
  } catch (error) {
    const { code, message, details } = asCoded(error);
    throw new CodedError(code, message, { cause: error, details, next: HALF_WAY });
  }

  const after = await lookForUpdaters(door.host());
  const ending = workingOf(await host.units.look(plan.mask), new Set(plan.mask));

  return { ...told, ending, remaining: inTheWay(after).map(({ name }) => name) };
}

async function maskUnit({ units }: UpdaterHost, name: string): Promise<void> {
  // A timer first: one that is masked while it waits counts as failed. A service is left to its end.
  if (name.endsWith('.timer')) await units.stop(name);
  await units.mask(name);
}
