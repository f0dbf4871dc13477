// What systemd starts when somebody calls: until then only init holds the socket, and the program behind it is named by unit files alone.
// It reads them; it starts nothing.
import { join } from 'node:path';
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { namesNow, textNow } from './files.ts';

/** systemd.unit(5): the earlier hide the later of the same name. */
const FOLDERS = [
  ...['etc/systemd/system', 'run/systemd/system', 'run/systemd/generator'],
  ...['usr/local/lib/systemd/system', 'usr/lib/systemd/system', 'lib/systemd/system'],
];
const MAX_UNIT_BYTES = 256 * 1024;
/** systemd.socket(5): `22`, `0.0.0.0:22`, `[::]:22`; paths are sockets of this machine. */
const LISTEN = /^Listen(Stream|Datagram)\s*=\s*(?:\S*:)?(\d{1,5})\s*$/gm;
/** systemd.service(5): signs before the path say how it is started. */
const START = /^ExecStart\s*=\s*[-@:+!|]*(\/\S+)/m;

/** `tcp 22` → the program that answers there; only of units that name their program by its path. `at`: a path below the root. */
export function activatedPrograms(at: (path: string) => string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const names = new Set(FOLDERS.flatMap((folder) => namesNow(at(folder))));
  for (const name of [...names].sort().map((each) => each.replace(/[.]d$/, ''))) {
    if (!name.endsWith('.socket')) continue;
    const socket = textOf(name, at);
    const keys = [...socket.matchAll(LISTEN)].map(
      ([, kind, port]) => `${kind === 'Stream' ? 'tcp' : 'udp'} ${Number(port)}`,
    );
    if (keys.length === 0) continue;
    const program = START.exec(textOf(serviceOf(name, socket), at))?.[1];
    for (const key of keys) if (program !== undefined && !found.has(key)) found.set(key, program);
  }

  return found;
}

function serviceOf(name: string, socket: string): string {
  const named = /^Service\s*=\s*(\S+)/m.exec(socket)?.[1];
  const stem = name.slice(0, -'.socket'.length);

  return named ?? `${stem}${/^Accept\s*=\s*(?:yes|true|on|1)\s*$/im.test(socket) ? '@' : ''}.service`;
}

/** The unit with all that is put beside it. */
function textOf(unit: string, at: (path: string) => string): string {
  // A name out of a file leads nowhere else.
  if (unit.includes('/')) return '';
  const own = FOLDERS.map((folder) => unitText(at(join(folder, unit)))).find((text) => text !== null) ?? '';
  const beside = FOLDERS.flatMap((folder) =>
    namesNow(at(join(folder, `${unit}.d`)))
      .filter((name) => name.endsWith('.conf'))
      .map((name) => unitText(at(join(folder, `${unit}.d`, name))) ?? ''),
  );

  return [own, ...beside].join('\n');
}

/** Null where there is none. A masked unit is a link to /dev/null: there, with nothing in it, as one that is too large to be a unit. */
function unitText(path: string): string | null {
  try {
    return textNow(path, MAX_UNIT_BYTES);
  } catch (error) {
    if (hasCode(error, 'FILE_UNSAFE') || hasCode(error, 'FILE_TOO_LARGE')) return '';
    throw error;
  }
}
