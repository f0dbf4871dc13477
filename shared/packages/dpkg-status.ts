// dpkg's status file as installed packages. Pure and strict: a stanza it does not understand is an error, never a
// missing package. Reading the file from disk is ./dpkg-database.ts.
import { asCoded, CodedError } from '../errors/coded-error.ts';
import type { InstalledPackage } from '../model/package.ts';
import { parseStanzas, type Stanza } from './deb822.ts';
import { vendorOf } from './vendors.ts';

/** A package of the status file; `multiArch` says whether several architectures of it may be installed. */
export interface StatusPackage extends Omit<InstalledPackage, 'installedAt'> {
  readonly multiArch: boolean;
}

/** deb-version(7), as dpkg accepts it when it reads its database (it allows a letter in front with a warning). */
const VERSION = /^[A-Za-z0-9.+~:-]+$/;
/** pkg_name_is_illegal() of dpkg. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9+._-]*$/;
const ARCHITECTURE = /^[a-z0-9][a-z0-9-]*$/;
const SOURCE = /^([A-Za-z0-9][A-Za-z0-9+._-]*)(?: \(([A-Za-z0-9.+~:-]+)\))?$/;
/** Words of dpkg(1), "Package states", "Package selection states" and "Package flags". */
const WANTS = ['unknown', 'install', 'hold', 'deinstall', 'purge'];
const FLAGS = ['ok', 'reinstreq'];
const STATES = [
  'not-installed',
  'config-files',
  'half-installed',
  'unpacked',
  'half-configured',
  'triggers-awaited',
  'triggers-pending',
  'installed',
];
/** In these states no files of the package but its settings are on the host: it is not software there. */
const ABSENT = ['not-installed', 'config-files'];

/**
 * All packages of a status file that have files on the host, in the order of the file.
 * Throws PACKAGE_DATABASE_INVALID naming the line; a file that does not end in an empty line is torn.
 */
export function parseStatus(text: string, file: string): readonly StatusPackage[] {
  // Blocks that never reached the disk read as NUL after a power cut; they can swallow the border between two entries.
  if (text.includes('\0')) throw invalid(file, 'it holds NUL bytes');
  // dpkg ends each stanza with an empty line, so a file without one at its end was cut.
  if (text !== '' && !text.endsWith('\n\n')) throw invalid(file, 'it ends in the middle of an entry');

  const packages = stanzasOf(text, file).flatMap((stanza) => readStanza(stanza, file) ?? []);
  const seen = new Set<string>();
  for (const entry of packages) {
    const key = `${entry.name}:${entry.arch}`;
    if (seen.has(key)) throw invalid(file, `it holds ${key} twice`);
    seen.add(key);
  }

  return packages;
}

function stanzasOf(text: string, file: string): readonly Stanza[] {
  try {
    return parseStanzas(text, { file, comments: false });
  } catch (error) {
    throw new CodedError('PACKAGE_DATABASE_INVALID', asCoded(error).message, { cause: error, details: { file } });
  }
}

/*
 * Package: libc6
 * Status: install ok installed
 * Architecture: amd64
 * Multi-Arch: same
 * Source: glibc
 * Version: 2.36-9+deb12u10
 */
/** One stanza, or null when no files of the package are on the host. */
export function readStanza({ fields, line }: Stanza, file: string): StatusPackage | null {
  const at = `line ${line}`;
  const need = (field: string, pattern: RegExp): string => {
    const value = fields.get(field);
    if (value === undefined) throw invalid(file, `the entry at ${at} has no field ${field}`);
    if (!pattern.test(value)) throw invalid(file, `the entry at ${at} has the ${field} ${JSON.stringify(value)}`);

    return value;
  };

  const name = need('package', NAME);
  const { want, state } = readSelection(fields.get('status'), name, file);
  if (ABSENT.includes(state)) return null;

  const version = need('version', VERSION);
  const source = readSource(fields.get('source'), { name, version }, file);
  const vendor = vendorOf(version, fields.get('maintainer') ?? '');

  return {
    provider: 'apt',
    name,
    version,
    arch: need('architecture', ARCHITECTURE),
    source: source.name,
    sourceVersion: source.version,
    state,
    held: want === 'hold',
    multiArch: fields.get('multi-arch') === 'same',
    ...(vendor === null ? {} : { origin: vendor }),
  };
}

function readSelection(value: string | undefined, name: string, file: string): { want: string; state: string } {
  const [want = '', flag = '', state = '', ...rest] = value?.split(' ') ?? [];
  if (rest.length > 0 || !WANTS.includes(want) || !FLAGS.includes(flag) || !STATES.includes(state)) {
    throw invalid(file, `${name} has the status ${JSON.stringify(value ?? null)}`);
  }

  // A package that dpkg wants reinstalled is broken, whatever its state says (dpkg(1), "reinst-required").
  return { want, state: flag === 'reinstreq' && state === 'installed' ? 'reinstreq' : state };
}

/** `Source: glibc (2.36-9)`; without the field, or without the version, the binary's own (deb-control(5)). */
export function readSource(
  value: string | undefined,
  binary: { readonly name: string; readonly version: string },
  file: string,
): { readonly name: string; readonly version: string } {
  if (value === undefined) return binary;
  const match = SOURCE.exec(value);
  if (!match?.[1]) throw invalid(file, `${binary.name} has the source ${JSON.stringify(value)}`);

  return { name: match[1], version: match[2] ?? binary.version };
}

function invalid(file: string, why: string): CodedError {
  return new CodedError('PACKAGE_DATABASE_INVALID', `${file} is not whole: ${why}`, { details: { file } });
}
