// How the collector of a home is started, for whoever has just made it. It only looks.
import { existsSync } from 'node:fs';
import { SYSTEM_HOME } from '../default-home.ts';

/** There where the machine was booted with systemd: sd_booted(3). */
const BOOTED = '/run/systemd/system';

/** The home of a package has a unit, with a user of its own; started by hand it would be root's. */
export function howToServe(home: string): string {
  return home === SYSTEM_HOME && existsSync(BOOTED) ? 'systemctl enable --now selvage.service' : 'selvage serve';
}
