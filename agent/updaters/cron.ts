// Jobs of cron that update packages: lines of crontabs and scripts in cron.daily and its like. A person wrote them, so a person
// takes them out: nothing of ours edits them. What a job calls by another script is not looked into.
import { type NextRun, nextRunOf, parseCronLine } from './cron-line.ts';
import { kindOfCommand } from './install-command.ts';
import type { UpdaterFacts, UpdaterHost } from './updater.ts';

const FOLDERS = ['etc/cron.hourly', 'etc/cron.daily', 'etc/cron.weekly', 'etc/cron.monthly'] as const;
type Folder = (typeof FOLDERS)[number];
/** Tables of users: Debian, then Fedora and SUSE. */
const USER_TABLES = ['var/spool/cron/crontabs', 'var/spool/cron', 'var/spool/cron/tabs'];
/** run-parts(8) and cron(8) of Debian take no other names. */
const NAME = /^[A-Za-z0-9_-]+$/;
/** Tables of users are called as their users are: without these endings of editors and package managers. */
const LEFT_OVER = /^[.#]|(~|[.](rpm(save|new|orig)|dpkg-[a-z]+|swp|bak))$/;
/** With which somebody who is not root installs. */
const AS_ROOT = /(^|[\s;&|(])(\S*\/)?(sudo|doas|pkexec|su|run0)\s/;
/** Known by files of their own: they are not named twice. */
const KNOWN = new Set(['apt-compat', 'apticron', 'cron-apt']);
const MAX_SHOWN = 200;
const ANACRON = 'anacron decides when';

export async function lookForCron(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  return [...tables(host), ...scripts(host)];
}

/** When cron runs the scripts of a folder, as the system's table says. */
export function cronFolderNext(host: UpdaterHost, folder: string): NextRun {
  const line = ['etc/crontab', 'etc/cron.d/0hourly']
    .flatMap((table) => jobsOf(host, table, true))
    .find(({ command }) => command.includes('run-parts') && command.includes(folder));
  if (host.has('usr/sbin/anacron') && !folder.endsWith('hourly')) return { next: null, why: ANACRON };
  if (line === undefined) return { next: null, why: `etc/crontab does not say when ${folder} runs` };

  return nextRunOf(line.schedule, host.now, line.zone);
}

function tables(host: UpdaterHost): readonly UpdaterFacts[] {
  const system = ['etc/crontab', ...files(host, 'etc/cron.d').map((name) => `etc/cron.d/${name}`)];
  const own = USER_TABLES.flatMap((folder) =>
    userTables(host, folder).map((name) => [`${folder}/${name}`, name] as const),
  );

  return [...system.map((path) => [path, null] as const), ...own].flatMap(([path, owner]) =>
    jobsOf(host, path, owner === null).flatMap(({ schedule, command, line, zone }) => {
      const kind = kindOfCommand(command);
      if (kind === null) return [];
      const run = nextRunOf(schedule, host.now, zone);
      // Everybody may write a table of their own: one that could not install must not stop the runner.
      const may = owner === null || owner === 'root' || (AS_ROOT.test(command) && mayBecomeRoot(host, owner));

      return [row(`${path}:${line}`, kind === 'installs' && may, run, command)];
    }),
  );
}

/** Named, or a group of theirs, in the rules of sudo or doas, which root alone may read. What for is not asked. */
function mayBecomeRoot(host: UpdaterHost, user: string): boolean {
  const groups = (host.text('etc/group') ?? '').split('\n').flatMap((line) => {
    const [group = '', , , members = ''] = line.split(':');

    return members.split(',').includes(user) ? [group] : [];
  });
  const more = host.names('etc/sudoers.d').map((name) => `etc/sudoers.d/${name}`);
  const rules = ['etc/sudoers', 'etc/doas.conf', ...more].filter((path) => host.isScript(path));
  const named = new Set(rules.flatMap((path) => (host.text(path) ?? '').split(/[\s,=()%:]+/)));

  return [user, ...groups].some((name) => named.has(name));
}

function scripts(host: UpdaterHost): readonly UpdaterFacts[] {
  return FOLDERS.flatMap((folder: Folder) =>
    files(host, folder).flatMap((name) => {
      // run-parts starts nothing else: it is how a person switches a script off.
      if (!host.isExecutable(`${folder}/${name}`)) return [];
      const lines = (host.text(`${folder}/${name}`) ?? '').replaceAll('\\\n', ' ').split('\n');
      const kinds = lines.map((line) => ({ line: line.trim(), kind: kindOfCommand(line) }));
      const first = kinds.find(({ kind }) => kind === 'installs') ?? kinds.find(({ kind }) => kind !== null);
      if (first === undefined) return [];

      return [row(`${folder}/${name}`, first.kind === 'installs', cronFolderNext(host, folder), first.line)];
    }),
  );
}

function row(place: string, installs: boolean, run: NextRun, command: string): UpdaterFacts {
  const short = command.length > MAX_SHOWN ? `${command.slice(0, MAX_SHOWN)}...` : command;

  return {
    name: `cron: ${place}`,
    kind: 'cron',
    installs,
    enabled: true,
    nextRun: run.next,
    detail: `${short}${run.next === null ? `; ${run.why}` : ''}`,
    units: [],
    stops: installs ? [{ by: 'person', what: `take the job out of /${place} or comment it out: ${short}` }] : [],
  };
}

/** Cron takes the table of every user, whatever the name. */
function userTables(host: UpdaterHost, folder: string): readonly string[] {
  return host.names(folder).filter((name) => !LEFT_OVER.test(name) && host.isScript(`${folder}/${name}`));
}

/** Names that cron reads; what a package manager left beside them has a dot. */
function files(host: UpdaterHost, folder: string): readonly string[] {
  return host.names(folder).filter((name) => NAME.test(name) && !KNOWN.has(name) && host.isScript(`${folder}/${name}`));
}

interface Job {
  readonly schedule: string;
  readonly command: string;
  readonly line: number;
  readonly zone: string;
}

/** CRON_TZ counts for the lines below it. */
function jobsOf(host: UpdaterHost, path: string, system: boolean): readonly Job[] {
  let zone = host.zone;

  return (host.isScript(path) ? (host.text(path) ?? '') : '').split('\n').flatMap((text, index) => {
    const [, given] = /^\s*CRON_TZ\s*=\s*["']?([\w/+-]+)["']?\s*$/.exec(text) ?? [];
    if (given !== undefined && isZone(given)) zone = given;
    const job = parseCronLine(text, system);

    return job === null ? [] : [{ schedule: job.schedule, command: job.command, line: index + 1, zone }];
  });
}

function isZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name);

    return true;
  } catch {
    // RangeError is how Temporal says that there is no such zone.
    return false;
  }
}
