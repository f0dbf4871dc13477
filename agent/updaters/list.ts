// The visible list of other updaters: one file and one line each.
import { lookForCron } from './cron.ts';
import { lookForDnfAutomatic } from './dnf-automatic.ts';
import { lookForLandscape } from './landscape.ts';
import { lookForOwnTimers } from './own-timers.ts';
import { lookForPackageKit } from './packagekit.ts';
import { lookForSnapd } from './snapd.ts';
import { lookForApticron, lookForCronApt, lookForFwupd } from './tellers.ts';
import { lookForAptDaily, lookForUnattendedUpgrades } from './unattended-upgrades.ts';
import type { Updater, UpdaterFacts, UpdaterHost } from './updater.ts';
import { lookForZypper } from './zypper.ts';

const UPDATERS: readonly Updater[] = [
  { name: 'unattended-upgrades', look: lookForUnattendedUpgrades },
  { name: 'apt-daily', look: lookForAptDaily },
  { name: 'dnf-automatic', look: lookForDnfAutomatic },
  { name: 'packagekit', look: lookForPackageKit },
  { name: 'snapd', look: lookForSnapd },
  { name: 'landscape', look: lookForLandscape },
  { name: 'zypper', look: lookForZypper },
  { name: 'cron', look: lookForCron },
  { name: 'own timers', look: lookForOwnTimers },
  { name: 'apticron', look: lookForApticron },
  { name: 'cron-apt', look: lookForCronApt },
  { name: 'fwupd', look: lookForFwupd },
];

/** Every other updater of this host, on or off. Throws what a single one throws: a shorter list would be a lie. */
export async function lookForUpdaters(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  return (await Promise.all(UPDATERS.map(({ look }) => look(host)))).flat();
}
