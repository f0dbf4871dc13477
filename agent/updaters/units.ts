// Units of systemd: what state they are in, and the four changes a takeover makes. Where systemd runs it is asked; below another
// root, or where it does not run, files are read the way systemd reads them. A service is never stopped from here: it may be
// in the middle of an installation.
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, hasCode } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';
import { namesNow, textNow } from '../inventory/files.ts';
import { parseShow } from './show-output.ts';

export interface UnitFacts {
  readonly name: string;
  /** The word of `systemctl is-enabled`: enabled, disabled, static, masked, masked-runtime, generated … */
  readonly state: string;
  /** The word of `systemctl is-active`; null: systemd does not run here, so nothing is. */
  readonly active: string | null;
  /** When a timer elapses next; null: never, or not known. */
  readonly next: Temporal.Instant | null;
  /** False: its own file lies where the mask would have to lie. */
  readonly maskable: boolean;
}

export interface Units {
  /** True where systemd is the init system of this root. */
  readonly running: boolean;
  /** Those that exist, in the order of `names`. Throws PROCESS_FAILED and PARSE: unknown is not "off". */
  look(names: readonly string[]): Promise<readonly UnitFacts[]>;
  mask(name: string): Promise<void>;
  unmask(name: string): Promise<void>;
  /** Timers only; throws STATE for another unit. */
  stop(name: string): Promise<void>;
  start(name: string): Promise<void>;
}

const DEADLINE_MS = 30_000;
const NULL_DEVICE = '/dev/null';
const BOOTED = '/run/systemd/system';
const OWN = 'etc/systemd/system';
const RUNTIME = 'run/systemd/system';
/** By rank: what lies in an earlier folder hides the same name in a later one. */
const FOLDERS = [OWN, RUNTIME, 'usr/local/lib/systemd/system', 'usr/lib/systemd/system', 'lib/systemd/system'];
const PROPERTIES = ['Id', 'LoadState', 'UnitFileState', 'ActiveState', 'NextElapseUSecRealtime'];
const MAX_UNIT_BYTES = 256 * 1024;

export interface UnitsOptions {
  readonly root: string;
  readonly run: Run;
  /** Default, as sd_booted(3): the folder that exists exactly where systemd is the init system. */
  readonly running?: boolean;
}

export function createUnits({ root, run, running = root === '/' && existsSync(BOOTED) }: UnitsOptions): Units {
  const systemctl = async (...args: readonly string[]) =>
    run({
      file: 'systemctl',
      args: [...(root === '/' ? [] : [`--root=${root}`]), '--no-ask-password', ...args],
      deadlineMs: DEADLINE_MS,
      check: true,
      // Times are printed in it.
      env: { TZ: 'UTC' },
    });
  const act = async (verb: string, name: string) => void (await systemctl(verb, '--', timerOrUnit(verb, name)));

  const ask = async (names: readonly string[]): Promise<readonly UnitFacts[]> => {
    try {
      const { stdout } = await systemctl('show', `--property=${PROPERTIES.join(',')}`, '--', ...names);

      return parseShow(stdout, names).map((unit) => ({ ...unit, maskable: isMaskable(root, unit.name) }));
    } catch (error) {
      // Without a message bus systemd answers root alone; what is in the files anybody may know.
      if (process.geteuid?.() === 0 || !hasCode(error, 'PROCESS_FAILED')) throw error;

      return names.flatMap((name) => unitOfFiles(root, name) ?? []);
    }
  };

  return {
    running,
    look: running ? together(ask) : async (names) => names.flatMap((name) => unitOfFiles(root, name) ?? []),
    mask: (name) => act('mask', name),
    unmask: (name) => act('unmask', name),
    stop: async (name) => (running ? act('stop', name) : undefined),
    start: async (name) => (running ? act('start', name) : undefined),
  };
}

/** Names that are asked for at the same time are asked together: a dozen programs would take a dozen times as long as one. */
function together(ask: Units['look']): Units['look'] {
  let names = new Set<string>();
  let answer: Promise<readonly UnitFacts[]> | null = null;

  return async (wanted) => {
    if (wanted.length === 0) return [];
    for (const name of wanted) names.add(name);
    answer ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
      const all = [...names];
      names = new Set();
      answer = null;

      return ask(all);
    });
    const known = await answer;

    return wanted.flatMap((name) => known.find((unit) => unit.name === name) ?? []);
  };
}

function timerOrUnit(verb: string, name: string): string {
  if (verb === 'stop' && !name.endsWith('.timer')) {
    throw new CodedError('STATE', `${name} is no timer: what may be installing is not stopped`);
  }

  return name;
}

function unitOfFiles(root: string, name: string): UnitFacts | null {
  const folder = FOLDERS.find((item) => linkOf(join(root, item, name)) !== null);
  if (folder === undefined) return null;
  const mask = isMask(join(root, folder, name));
  const state = mask
    ? folder === RUNTIME
      ? 'masked-runtime'
      : 'masked'
    : isWanted(root, name)
      ? 'enabled'
      : hasInstall(join(root, folder, name))
        ? 'disabled'
        : 'static';

  return { name, state, active: null, next: null, maskable: isMaskable(root, name) };
}

/** A link into /etc/systemd/system/*.wants or *.requires, whatever it points at. */
function isWanted(root: string, name: string): boolean {
  return namesNow(join(root, OWN)).some(
    (folder) => /[.](wants|requires)$/.test(folder) && linkOf(join(root, OWN, folder, name)) !== null,
  );
}

function hasInstall(path: string): boolean {
  return /^\[Install\]\s*$/m.test(textNow(path, MAX_UNIT_BYTES) ?? '');
}

/** systemd.unit(5): a link to /dev/null or an empty file masks. */
function isMask(path: string): boolean {
  const link = linkOf(path);
  if (link === null) return false;

  return link === NULL_DEVICE || (link === '' && lstatSync(path).isFile() && lstatSync(path).size === 0);
}

/** systemctl puts the mask into /etc/systemd/system and never replaces what lies there. */
function isMaskable(root: string, name: string): boolean {
  const path = join(root, OWN, name);

  return linkOf(path) === null || linkOf(path) === NULL_DEVICE;
}

/** What a link says, '' for anything else that is there, null for nothing. */
function linkOf(path: string): string | null {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : '';
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  }
}
