// Programs that tell about updates, or bring what does not belong to the package manager: seen, never taken over. cron-apt is one of
// them unless somebody has taught it to install.
import { nextRunOf, parseCronLine } from './cron-line.ts';
import { kindOfCommand } from './install-command.ts';
import { timerRow } from './timers.ts';
import type { UpdaterFacts, UpdaterHost } from './updater.ts';

export async function lookForFwupd(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  return timerRow(host, {
    name: 'fwupd',
    timer: 'fwupd-refresh.timer',
    service: 'fwupd-refresh.service',
    installs: false,
    detail: 'refreshes what it knows of firmware; it installs when somebody asks',
  });
}

export async function lookForApticron(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  const byTimer = await timerRow(host, {
    name: 'apticron',
    timer: 'apticron.timer',
    service: 'apticron.service',
    installs: false,
    detail: 'tells about updates by mail',
  });
  if (byTimer.length > 0 || !host.has('etc/cron.d/apticron')) return byTimer;

  return [{ ...cronTable(host, 'etc/cron.d/apticron'), name: 'apticron', installs: false, stops: [] }];
}

export async function lookForCronApt(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  if (!host.has('etc/cron.d/cron-apt')) return [];
  const folder = 'etc/cron-apt/action.d';
  const acts = host
    .names(folder)
    .flatMap((name) => (host.isScript(`${folder}/${name}`) ? (host.text(`${folder}/${name}`) ?? '').split('\n') : []));
  // Its lines are the arguments of apt-get.
  const installing = acts.find((line) => line.trim() !== '' && kindOfCommand(`apt-get ${line}`) === 'installs');
  const stops = [{ by: 'person' as const, what: `take the installing line out of /${folder}: ${installing ?? ''}` }];

  return [
    {
      ...cronTable(host, 'etc/cron.d/cron-apt'),
      name: 'cron-apt',
      installs: installing !== undefined,
      stops: installing === undefined ? [] : stops,
    },
  ];
}

function cronTable(host: UpdaterHost, path: string): Omit<UpdaterFacts, 'name' | 'installs' | 'stops'> {
  const jobs = (host.text(path) ?? '').split('\n').flatMap((line) => parseCronLine(line, true) ?? []);
  const [job] = jobs;
  const run = job === undefined ? null : nextRunOf(job.schedule, host.now, host.zone);
  const why = run === null ? `${path} has no job` : run.next === null ? run.why : '';

  return {
    kind: 'cron',
    enabled: job !== undefined,
    nextRun: run?.next ?? null,
    detail: `runs from ${path}${why === '' ? '' : `; ${why}`}`,
    units: [],
  };
}
