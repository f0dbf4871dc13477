// snapd: refreshes snaps by itself, four times a day unless it was told to hold. Its service stays: snaps need it to run.

import { heldBySnapd } from './snap-hold.ts';
import { isMasked, isOn } from './timers.ts';
import type { UpdaterFacts, UpdaterHost } from './updater.ts';

const SERVICE = 'snapd.service';

export async function lookForSnapd(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  if (!host.has('usr/bin/snap')) return [];
  const units = await host.units.look([SERVICE, 'snapd.socket']);
  const service = units.find(({ name }) => name === SERVICE);
  const works = service !== undefined && !isMasked(service) && units.some(isOn);
  const hold = works && host.root === '/' && host.units.running ? await heldBySnapd(host) : null;
  const held = hold === 'forever' || (hold !== null && isLater(hold, host.now));

  return [
    {
      name: 'snapd',
      kind: 'service',
      installs: true,
      enabled: works && !held,
      nextRun: null,
      detail: held
        ? `refreshes are held: ${hold}`
        : works
          ? 'refreshes snaps; when is known to snapd alone (snap refresh --time)'
          : 'its service does not run',
      units,
      stops: [{ by: 'snap-hold' }],
    },
  ];
}

function isLater(text: string, now: Temporal.Instant): boolean {
  try {
    return Temporal.Instant.compare(Temporal.Instant.from(text), now) > 0;
  } catch {
    // RangeError is how Temporal says that it is no time: then nothing is known to be held.
    return false;
  }
}
