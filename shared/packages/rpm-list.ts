// What `rpm -qa` lists as installed packages. Pure and strict: a line it does not understand is an error, never a missing
// package.
import { CodedError } from '../errors/coded-error.ts';
import type { InstalledPackage } from '../model/package.ts';

/** What every rpm knows of a package: one a line, its parts divided by tabs. */
const FORMAT = '%{NAME}\\t%{EPOCH}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\t%{INSTALLTIME}\\t%{VENDOR}';
/** Of the module that a package was built in; rpm before 4.14 has no such tag. */
const LABEL_TAG = 'MODULARITYLABEL';

/** What rpm writes for a tag that a package does not have. */
const NONE = '(none)';
/** Not software: keys that rpm keeps like packages. */
const KEY = 'gpg-pubkey';
/** Without the label of a module, as rpms that are too old and collect.sh of before write it, and with it. */
const PARTS = [8, 9];
/** rpm's own rules are wider; what is outside of these was made to confuse. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]*$/;
const VERSION = /^[A-Za-z0-9._+~^]+$/;
const ARCHITECTURE = /^[a-z0-9_]+$/;
/**
 * Vendors whose builds the advisories of a distribution speak of; Fedora Project is one on Fedora, and EPEL's elsewhere. Oracle builds
 * MySQL, too, and Amazon the agent of its cloud: those are theirs.
 */
const DISTRIBUTIONS =
  /^(?:red hat|rocky|almalinux|centos|oracle america|amazon linux|suse|opensuse|cloudlinux|openeuler|mageia)/i;
const MAX_VENDOR = 200;
const MAX_LABEL = 500;
/** name:stream:version:context, of some builders with an architecture. */
const LABEL = /^[\w.+-]+:[\w.+-]+(?::[\w.+-]*){0,3}$/;
const SOURCE = /^(.+)-([^-]+)-([^-]+)[.](?:no)?src[.]rpm$/;

/**
 * What to ask rpm for, given what `rpm --querytags` prints. An rpm that does not know a tag of a format complains for each package,
 * lists none at all, and ends with 0.
 */
export function rpmFormat(tags: string): string {
  const known = tags.split('\n').some((tag) => tag.trim().toUpperCase() === LABEL_TAG);

  return `${FORMAT}${known ? `\\t%{${LABEL_TAG}}` : ''}\\n`;
}

/*
 * openssl-libs<TAB>1<TAB>3.0.7<TAB>27.el9<TAB>x86_64<TAB>openssl-3.0.7-27.el9.src.rpm<TAB>1700000000<TAB>Rocky<TAB>(none)
 * nodejs<TAB>1<TAB>18.19.1<TAB>1.module+el9.3.0<TAB>x86_64<TAB>nodejs-18.19.1-1.module+el9.3.0.src.rpm<TAB>1700000000<TAB>Rocky<TAB>nodejs:18:9030:rhel9
 * gpg-pubkey<TAB>(none)<TAB>350d275d<TAB>6279464b<TAB>(none)<TAB>(none)<TAB>1700000000<TAB>(none)<TAB>(none)
 */
/** Throws PACKAGE_DATABASE_INVALID naming the line. */
export function parseRpmList(
  text: string,
  options: { readonly file: string; readonly provider: 'dnf' | 'zypper' },
): readonly InstalledPackage[] {
  const { file, provider } = options;
  if (text !== '' && !text.endsWith('\n')) throw invalid(file, 'it ends in the middle of a line');

  const seen = new Set<string>();
  const packages: InstalledPackage[] = [];
  const lines = text.split('\n').slice(0, -1);
  const parts = lines[0]?.split('\t').length ?? 0;
  const expected = PARTS.includes(parts) ? parts : Math.max(...PARTS);
  for (const [index, line] of lines.entries()) {
    const found = readLine(line, { at: `line ${index + 1}`, file, expected });
    if (found === null) continue;

    const key = `${found.name}-${found.version}.${found.arch}`;
    if (seen.has(key)) throw invalid(file, `line ${index + 1} has ${key} once more`);
    seen.add(key);
    packages.push({ provider, ...found, state: 'installed', held: false });
  }

  return packages;
}

function readLine(
  line: string,
  { at, file, expected }: { readonly at: string; readonly file: string; readonly expected: number },
): Omit<InstalledPackage, 'provider' | 'state' | 'held'> | null {
  const parts = line.split('\t');
  const [name = '', epoch = '', version = '', release = '', arch = '', sourceFile = '', installed = '', ...more] =
    parts;
  const [vendor = '', label = NONE] = more;
  if (parts.length !== expected) throw invalid(file, `${at} has ${parts.length} parts, not ${expected}`);
  if (name === KEY) return null;

  const need = (what: string, value: string, pattern: RegExp): string => {
    if (!pattern.test(value)) throw invalid(file, `${at} has the ${what} ${JSON.stringify(value.slice(0, 100))}`);

    return value;
  };
  need('name', name, NAME);
  const number = epoch === NONE ? '' : need('epoch', epoch, /^\d{1,9}$/);
  const before = number === '' || number === '0' ? '' : `${number}:`;
  const full = `${before}${need('version', version, VERSION)}-${need('release', release, VERSION)}`;
  const source = sourceFile === NONE || sourceFile === '' ? null : SOURCE.exec(sourceFile);
  if (source === null && sourceFile !== NONE && sourceFile !== '') {
    throw invalid(file, `${at} has the source ${JSON.stringify(sourceFile.slice(0, 100))}`);
  }
  const seconds = Number(need('time', installed, /^\d{1,12}$/));

  return {
    name,
    version: full,
    arch: need('architecture', arch === NONE ? 'noarch' : arch, ARCHITECTURE),
    source: need('source', source?.[1] ?? name, NAME),
    // The name of a source package has no epoch; its binaries carry the one it was built with.
    sourceVersion: source === null ? full : `${before}${source[2]}-${source[3]}`,
    ...originOf(vendor),
    ...moduleOf(label),
    installedAt: seconds === 0 ? null : Temporal.Instant.fromEpochMilliseconds(seconds * 1000).toString(),
  };
}

function invalid(file: string, why: string): CodedError {
  return new CodedError('PACKAGE_DATABASE_INVALID', `${file} is not whole: ${why}`, { details: { file } });
}

/** Nothing where nobody says it. */
function originOf(vendor: string): { readonly origin?: string | null } {
  if (vendor === '' || vendor === NONE) return {};
  return { origin: DISTRIBUTIONS.test(vendor) ? null : vendor.slice(0, MAX_VENDOR) };
}

/** Free text of whoever built it: one that is no label tells no stream, and is no reason to lose the list. */
function moduleOf(label: string): { readonly module?: string } {
  return label.length <= MAX_LABEL && LABEL.test(label) ? { module: label } : {};
}
