// SUSE: transactional updates, os-update, and the online update of YaST, which lies in a cron folder.
import { cronFolderNext } from './cron.ts';
import { timerRow } from './timers.ts';
import type { UpdaterFacts, UpdaterHost } from './updater.ts';

const YAST = 'opensuse.org-online_update';
const FOLDERS = ['etc/cron.daily', 'etc/cron.weekly', 'etc/cron.monthly'];

export async function lookForZypper(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  const timers = await Promise.all(
    ['transactional-update', 'os-update'].map((name) =>
      timerRow(host, {
        name,
        timer: `${name}.timer`,
        service: `${name}.service`,
        installs: true,
        detail:
          name === 'os-update' ? 'installs with zypper' : 'installs into a new snapshot, used from the next boot on',
      }),
    ),
  );

  return [...timers.flat(), ...FOLDERS.flatMap((folder) => yast(host, folder))];
}

/** Its name has a dot: run-parts of SUSE takes it. */
function yast(host: UpdaterHost, folder: string): readonly UpdaterFacts[] {
  if (!host.has(`${folder}/${YAST}`)) return [];
  const run = cronFolderNext(host, folder);

  return [
    {
      name: 'yast2-online-update',
      kind: 'cron',
      installs: true,
      enabled: true,
      nextRun: run.next,
      detail: `${folder}/${YAST}${run.next === null ? `; ${run.why}` : ''}`,
      units: [],
      stops: [{ by: 'person', what: `switch the online update of YaST off, or remove /${folder}/${YAST}` }],
    },
  ];
}
