// Timers that a person wrote: where their service calls a package manager, they update like a line of cron does. What it calls by
// another script is not looked into.
import { kindOfCommand } from './install-command.ts';
import { nextOf, timerWay } from './timers.ts';
import type { UpdaterFacts, UpdaterHost } from './updater.ts';

/** Where a person puts units; those of packages lie in /usr/lib and are known by files of their own. */
const FOLDERS = ['etc/systemd/system', 'usr/local/lib/systemd/system'];
/** In this order one hides the other. */
const SERVICES = [...FOLDERS, 'usr/lib/systemd/system', 'lib/systemd/system'];
/** Instances of templates are not looked for. */
const TIMER = /^[^@]+[.]timer$/;
/** systemd.service(5): marks in front of a program. */
const COMMAND = /^\s*ExecStart(?:Pre|Post)?\s*=\s*[-@:+!|]*(.+)$/gm;
const MAX_SHOWN = 200;

export async function lookForOwnTimers(host: UpdaterHost): Promise<readonly UpdaterFacts[]> {
  const timers = new Set(FOLDERS.flatMap((folder) => host.names(folder).filter((name) => TIMER.test(name))));
  const rows = await Promise.all([...timers].map((timer) => lookAt(host, timer)));

  return rows.flat();
}

async function lookAt(host: UpdaterHost, timer: string): Promise<readonly UpdaterFacts[]> {
  const [, unit] = /^\s*Unit\s*=\s*(\S+)/m.exec(textOf(host, timer)) ?? [];
  const service = unit ?? timer.replace(/timer$/, 'service');
  if (!/^[^/]+[.]service$/.test(service)) return [];
  const commands = [...textOf(host, service).replaceAll('\\\n', ' ').matchAll(COMMAND)].map(([, text = '']) =>
    text.trim(),
  );
  const kinds = commands.map((command) => ({ command, kind: kindOfCommand(command) }));
  const first = kinds.find(({ kind }) => kind === 'installs') ?? kinds.find(({ kind }) => kind !== null);
  if (first === undefined) return [];
  const way = await timerWay(host, timer, service);
  if (way === null) return [];
  const installs = first.kind === 'installs';

  return [
    {
      name: `timer: ${timer}`,
      kind: 'timer',
      installs,
      enabled: way.on,
      nextRun: way.next,
      detail: `${first.command.slice(0, MAX_SHOWN)}${nextOf(way, host)}`,
      units: way.units,
      stops: installs ? way.stops : [],
    },
  ];
}

/** Of the file that counts, '' where there is none. */
function textOf(host: UpdaterHost, unit: string): string {
  const path = SERVICES.map((folder) => `${folder}/${unit}`).find((one) => host.isScript(one));

  return path === undefined ? '' : (host.text(path) ?? '');
}
