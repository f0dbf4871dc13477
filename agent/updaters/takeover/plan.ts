// What a takeover is going to change, and what a release puts back. Pure: facts and saved state in, steps out. INVARIANTS: what was
// saved once is never saved over; what somebody else masked is not touched; a service is masked, never stopped.
import type { UpdaterFacts } from '../updater.ts';
import type { SavedUnit, Takeover } from './state.ts';

export interface UnitNow {
  readonly name: string;
  readonly state: string;
  readonly active: string | null;
}

export interface Person {
  readonly updater: string;
  readonly what: string;
}

export interface TakeoverPlan {
  /** What is saved of units that are not saved yet. */
  readonly save: readonly SavedUnit[];
  /** Names of units to mask, of timers also to stop: what is in the way, and what an earlier takeover did not come to. */
  readonly mask: readonly string[];
  readonly aptConf: boolean;
  readonly snap: boolean;
  readonly persons: readonly Person[];
  /** Services that may be in the middle of an installation right now. */
  readonly working: readonly string[];
}

const WORKING: readonly string[] = ['active', 'activating', 'deactivating', 'reloading'];

export function planTakeover(updaters: readonly UpdaterFacts[], saved: Takeover | null): TakeoverPlan {
  const held = heldOf(saved);
  const known = new Set(held?.units.map(({ name }) => name));
  const unfinished = held !== null && held.state !== 'taken';
  const save: SavedUnit[] = [];
  const mask = new Set(unfinished ? known : []);
  const persons: Person[] = [];
  let aptConf = unfinished && held.aptConf;
  let snap = unfinished && held.snap !== null;

  for (const updater of inTheWay(updaters)) {
    for (const stop of updater.stops) {
      if (stop.by === 'person') persons.push({ updater: updater.name, what: stop.what });
      if (stop.by === 'apt-conf') aptConf = true;
      if (stop.by === 'snap-hold') snap = true;
      const now = stop.by === 'mask' ? updater.units.find(({ name }) => name === stop.unit) : undefined;
      if (now === undefined) continue;
      if (known.has(now.name)) mask.add(now.name);
      else if (now.state !== 'masked' && now.state !== 'masked-runtime') {
        known.add(now.name);
        mask.add(now.name);
        save.push({ name: now.name, state: now.state, active: now.active === 'active' });
      } else if (isWaiting(now)) {
        persons.push({
          updater: updater.name,
          what: `somebody masked ${now.name} while it ran: systemctl stop ${now.name}`,
        });
      }
    }
  }

  return {
    save,
    mask: [...mask],
    aptConf,
    snap,
    persons,
    working: workingOf(
      updaters.flatMap(({ units }) => units),
      mask,
    ),
  };
}

/** A masked timer that was not stopped still starts nothing new of its own, but it says that it does. */
function isWaiting({ name, active }: UnitNow): boolean {
  return name.endsWith('.timer') && active === 'active';
}

/** Those of `names` that are services at work. */
export function workingOf(units: readonly UnitNow[], names: ReadonlySet<string>): readonly string[] {
  return units
    .filter(
      ({ name, active }) => names.has(name) && name.endsWith('.service') && active !== null && WORKING.includes(active),
    )
    .map(({ name }) => name);
}

/** Those that stand in the way of the runner: they install by themselves, and they are on. */
export function inTheWay(updaters: readonly UpdaterFacts[]): readonly UpdaterFacts[] {
  return updaters.filter(({ installs, enabled }) => installs && enabled);
}

/** What was saved and is still to be given back; null where there is nothing. */
export function heldOf(saved: Takeover | null): Takeover | null {
  return saved === null || saved.state === 'released' || saved.state === 'fallback' ? null : saved;
}

export interface ReleasePlan {
  readonly units: readonly SavedUnit[];
  /** Names of units that are not masked any more: somebody else has changed them, and they stay as they are. */
  readonly left: readonly string[];
}

/** Once it was `taken` every unit was masked, so one that is not any more was changed by somebody. */
export function planRelease(saved: Takeover, now: readonly UnitNow[]): ReleasePlan {
  if (saved.state !== 'taken') return { units: saved.units, left: [] };
  const masked = new Set(now.filter(({ state }) => state === 'masked').map(({ name }) => name));

  return {
    units: saved.units.filter(({ name }) => masked.has(name)),
    left: saved.units.filter(({ name }) => !masked.has(name)).map(({ name }) => name),
  };
}
