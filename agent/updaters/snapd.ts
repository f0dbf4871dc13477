// snapd: refreshes snaps by itself, four times a day unless it was told to hold. Its service stays: snaps need it to run.

import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { heldBySnapd } from './snap-hold.ts';
import { isMasked, isOn } from './timers.ts';
import type { UpdaterFacts, UpdaterHost } from './updater.ts';

const NOT_TOLD = 'not told';
const SERVICE = 'snapd.service';

export async function lookForSnapd(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  if (!host.has('usr/bin/snap')) return [];
  const units = await host.units.look([SERVICE, 'snapd.socket']);
  const service = units.find(({ name }) => name === SERVICE);
  const works = service !== undefined && !isMasked(service) && units.some(isOn);
  const hold = works && host.units.running ? await askHold(host) : null;
  const held = hold !== null && (hold === 'forever' || isLater(hold, host.now));

  return [
    {
      name: 'snapd',
      kind: 'service',
      installs: true,
      enabled: works && !held,
      nextRun: null,
      detail: !works
        ? 'its service does not run'
        : held
          ? `refreshes are held: ${hold}`
          : `refreshes snaps${hold === NOT_TOLD ? ' unless it was told to hold, which root alone may ask' : ''}; when is known to snapd alone (snap refresh --time)`,
      units,
      stops: [{ by: 'snap-hold' }],
    },
  ];
}

/** Only root may ask; for another user it counts as on. */
async function askHold(host: UpdaterHost): Promise<string | null> {
  try {
    return await heldBySnapd(host);
  } catch (error) {
    if (process.geteuid?.() === 0 || !hasCode(error, 'PROCESS_FAILED')) throw error;

    return NOT_TOLD;
  }
}

function isLater(text: string, now: Temporal.Instant): boolean {
  try {
    return Temporal.Instant.compare(Temporal.Instant.from(text), now) > 0;
  } catch {
    // RangeError is how Temporal says that it is no time: then nothing is known to be held.
    return false;
  }
}
