// Gives a host back to its other updaters, exactly as they were: masks of ours are taken away, timers that waited wait again. What
// somebody else masked or changed since stays, and is said. Cut off anywhere, the same command goes on.

import { holdSnapd } from '../snap-hold.ts';
import { isMasked } from '../timers.ts';
import type { UpdaterHost } from '../updater.ts';
import { FRAGMENT, fragmentState, removeFragment } from './apt-conf.ts';
import { heldOf, planRelease } from './plan.ts';
import { readTakeover, type SavedUnit, type Takeover, writeTakeover } from './state.ts';
import type { TakeoverDoor } from './take.ts';

export interface Released {
  readonly dryRun: boolean;
  /** False: there was nothing to give back. */
  readonly released: boolean;
  readonly units: readonly SavedUnit[];
  readonly aptConf: boolean;
  readonly snap: boolean;
  /** What somebody has changed since, and that was left as it is. */
  readonly left: readonly string[];
}

/** `towards` fallback: the runner does it, and takes over again when there is fresh policy. */
export async function release(
  door: TakeoverDoor,
  towards: Takeover['towards'] = 'released',
  dryRun = false,
): Promise<Released> {
  const saved = await readTakeover(door.file);
  if (heldOf(saved) === null || saved === null) {
    // A person who says "released" ends a fallback: the runner does not take over again by itself.
    if (saved?.state === 'fallback' && towards === 'released' && !dryRun) {
      await writeTakeover(door.files, door.file, { ...saved, state: 'released', since: door.now().toString() });
    }

    return { dryRun, released: false, units: [], aptConf: false, snap: false, left: [] };
  }
  const host = door.host();
  const plan = planRelease(saved, await host.units.look(saved.units.map(({ name }) => name)));
  const fragment = saved.aptConf ? await fragmentState(host.root) : 'absent';
  const left = [...plan.left, ...(fragment === 'foreign' ? [`/${FRAGMENT}`] : [])];
  const aptConf = fragment === 'ours';
  const told = { dryRun, released: true, units: plan.units, aptConf, snap: saved.snap !== null, left };
  if (dryRun) return told;

  const going: Takeover = {
    ...saved,
    state: 'releasing',
    // What a person has begun as a release ends as one.
    towards: saved.state === 'releasing' && saved.towards === 'released' ? 'released' : towards,
    units: [...plan.units],
    aptConf,
  };
  await writeTakeover(door.files, door.file, going);
  // All masks first: systemd starts no timer whose service is masked.
  for (const unit of going.units) await unmask(host, unit);
  for (const unit of going.units) await wait(host, unit);
  if (going.aptConf) await removeFragment(door.files, host.root);
  if (going.snap !== null) await holdSnapd(host, going.snap.hold);
  await writeTakeover(door.files, door.file, {
    ...going,
    state: going.towards,
    since: door.now().toString(),
    units: [],
    aptConf: false,
    snap: null,
  });

  return told;
}

async function unmask({ units }: UpdaterHost, { name }: SavedUnit): Promise<void> {
  const [now] = await units.look([name]);
  if (now?.state === 'masked') await units.unmask(name);
}

async function wait({ units }: UpdaterHost, { name, active }: SavedUnit): Promise<void> {
  if (!active || !name.endsWith('.timer')) return;
  // A service that ran then has ended since: only what waits is started, unless its package is gone or another mask stays.
  const [then] = await units.look([name]);
  if (then !== undefined && !isMasked(then) && then.active !== 'active') await units.start(name);
}
