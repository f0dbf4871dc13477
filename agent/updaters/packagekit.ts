// PackageKit and what drives it (GNOME Software, Discover): updates that are prepared on a desktop and installed by the next
// boot, and the timer of SUSE that installs in the background. The daemon itself only does what somebody asks of it.
import { isMasked, stopOf, timerRow } from './timers.ts';
import type { UpdaterFacts, UpdaterHost } from './updater.ts';

const OFFLINE = 'packagekit-offline-update.service';
/** What prepares updates for the next boot without being asked each time. */
const DRIVERS = [
  ['usr/bin/gnome-software', 'GNOME Software'],
  ['usr/bin/plasma-discover', 'Discover'],
] as const;

export async function lookForPackageKit(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  const [offline] = await host.units.look([OFFLINE]);
  const drivers = DRIVERS.filter(([path]) => host.has(path)).map(([, name]) => name);
  const prepared = host.has('system-update') || host.has('var/lib/PackageKit/prepared-update');
  const background = await timerRow(host, {
    name: 'packagekit-background',
    timer: 'packagekit-background.timer',
    service: 'packagekit-background.service',
    installs: true,
    detail: 'installs in the background',
  });
  if (offline === undefined) return background;
  const ready = drivers.length > 0 ? drivers.join(' and ') : prepared ? 'somebody' : null;

  return [
    {
      name: 'packagekit',
      kind: 'boot',
      installs: true,
      enabled: !isMasked(offline) && ready !== null,
      nextRun: null,
      detail:
        ready === null
          ? 'nothing prepares updates for the next boot'
          : `the next boot installs what ${ready} ${prepared ? 'has prepared' : 'prepares'}; when that is, is not known`,
      units: [offline],
      stops: [stopOf(offline)],
    },
    ...background,
  ];
}
