// unattended-upgrades: started by apt's own timer, by cron where systemd does not run, and at shutdown where it is told so.
// Whether it installs is apt's configuration; `apt-config` is asked on the host itself, files are read below another root.
import { parseAptConf } from '@selvage/shared/text/apt-conf.ts';
import { cronFolderNext } from './cron.ts';
import { isMasked, nextOf, timerWay } from './timers.ts';
import type { UpdaterFacts, UpdaterHost } from './updater.ts';

const DEADLINE_MS = 10_000;
const OPTIONS = [
  'APT::Periodic::Enable',
  'APT::Periodic::Unattended-Upgrade',
  'APT::Periodic::Update-Package-Lists',
  'APT::Periodic::Download-Upgradeable-Packages',
  'Unattended-Upgrade::InstallOnShutdown',
] as const;
type Option = (typeof OPTIONS)[number];
const TRUE = /^(yes|true|with|on|enable|[1-9]\d*)$/i;
/** The script is there with every apt; without one of these nothing starts it. */
const CRONS = ['usr/sbin/cron', 'usr/sbin/crond', 'usr/sbin/anacron'];
const ON_SHUTDOWN = 'unattended-upgrades.service';

export async function lookForUnattendedUpgrades(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  if (!host.has('usr/bin/unattended-upgrade')) return [];
  const option = await aptOptions(host);
  const every = option('APT::Periodic::Unattended-Upgrade');
  const wanted = isPeriodic(option, 'APT::Periodic::Unattended-Upgrade');
  const timer = await timerWay(host, 'apt-daily-upgrade.timer', 'apt-daily-upgrade.service');
  const cron = timer === null || !host.units.running ? dailyCron(host) : null;
  const [shutdown] = await host.units.look([ON_SHUTDOWN]);
  const atShutdown =
    shutdown !== undefined && !isMasked(shutdown) && TRUE.test(option('Unattended-Upgrade::InstallOnShutdown'));
  const byTimer = wanted && timer?.on === true;
  const byCron = wanted && !byTimer && cron !== null;
  const starts = byTimer
    ? `apt-daily-upgrade.timer${timer === null ? '' : nextOf(timer, host)}`
    : byCron
      ? `cron (etc/cron.daily/apt-compat)${cron?.next === null ? `; ${cron.why}` : ''}`
      : 'nothing';

  return [
    {
      name: 'unattended-upgrades',
      kind: byTimer || !byCron ? 'timer' : 'cron',
      installs: true,
      enabled: byTimer || byCron || atShutdown,
      nextRun: byTimer ? (timer?.next ?? null) : byCron ? (cron?.next ?? null) : null,
      detail: `every ${every || '0'} d, started by ${starts}${atShutdown ? '; installs at shutdown' : ''}`,
      units: [...(timer?.units ?? []), ...(shutdown === undefined ? [] : [shutdown])],
      // Both: the fragment also counts for cron and at shutdown, the masks also for who sets the option again.
      stops: [...(timer?.on ? timer.stops : []), { by: 'apt-conf' }],
    },
  ];
}

/** apt's other timer: it only brings lists and packages, and is left alone. */
export async function lookForAptDaily(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  const way = await timerWay(host, 'apt-daily.timer', 'apt-daily.service');
  if (way === null) return [];
  const option = await aptOptions(host);
  const works =
    isPeriodic(option, 'APT::Periodic::Update-Package-Lists') ||
    isPeriodic(option, 'APT::Periodic::Download-Upgradeable-Packages');

  return [
    {
      name: 'apt-daily',
      kind: 'timer',
      installs: false,
      enabled: way.on && works,
      nextRun: works ? way.next : null,
      detail: works
        ? `refreshes package lists and may download${nextOf(way, host)}`
        : 'does nothing: APT::Periodic asks for no lists and no downloads',
      units: way.units,
      stops: [],
    },
  ];
}

function isPeriodic(option: (name: Option) => string, name: Option): boolean {
  // apt.systemd.daily: 0 is never, also of the switch that stands above all; else days, "always" or a number with a unit.
  return !/^0*[smhd]?$/.test(option(name)) && option('APT::Periodic::Enable') !== '0';
}

function dailyCron(host: UpdaterHost) {
  return CRONS.some((path) => host.has(path)) && host.has('etc/cron.daily/apt-compat')
    ? cronFolderNext(host, 'etc/cron.daily')
    : null;
}

/** Asked once for all that want to know. */
const known = new WeakMap<UpdaterHost, Promise<ReadonlyMap<string, string>>>();

/** The value of an option, '' where it is not set. */
async function aptOptions(host: UpdaterHost): Promise<(name: Option) => string> {
  const asked = known.get(host) ?? (host.root === '/' ? askApt(host) : Promise.resolve(readFiles(host)));
  known.set(host, asked);
  const values = await asked;

  return (name) => values.get(name.toLowerCase()) ?? '';
}

/*
 * LC_MESSAGES=C apt-config dump APT::Periodic::Enable APT::Periodic::Unattended-Upgrade
 * APT::Periodic::Unattended-Upgrade "1";
 */
async function askApt({ run }: UpdaterHost): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await run({
    file: 'apt-config',
    args: ['dump', ...OPTIONS],
    deadlineMs: DEADLINE_MS,
    check: true,
  });

  return valuesOf(stdout, 'apt-config dump');
}

/** In the order in which apt reads them; names that apt leaves out are left out. */
function readFiles(host: UpdaterHost): ReadonlyMap<string, string> {
  const folder = 'etc/apt/apt.conf.d';
  const names = host.names(folder).filter((name) => /^[A-Za-z0-9_-]+([.]conf)?$/.test(name));
  const files = [...names.map((name) => `${folder}/${name}`), 'etc/apt/apt.conf'];

  return new Map(files.flatMap((file) => [...valuesOf(host.text(file) ?? '', file)]));
}

function valuesOf(text: string, file: string): ReadonlyMap<string, string> {
  return new Map(parseAptConf(text, file).map(({ name, value }) => [name.toLowerCase(), value]));
}
