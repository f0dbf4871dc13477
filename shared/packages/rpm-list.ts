// What `rpm -qa` lists as installed packages. Pure and strict: a line it does not understand is an error, never a missing
// package.
import { CodedError } from '../errors/coded-error.ts';
import type { InstalledPackage } from '../model/package.ts';

/** The format that is asked for: one package a line, its parts divided by tabs. */
export const RPM_FORMAT =
  '%{NAME}\\t%{EPOCH}\\t%{VERSION}\\t%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\t%{INSTALLTIME}\\t%{VENDOR}\\n';

/** What rpm writes for a tag that a package does not have. */
const NONE = '(none)';
/** Not software: keys that rpm keeps like packages. */
const KEY = 'gpg-pubkey';
const PARTS = 8;
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
const SOURCE = /^(.+)-([^-]+)-([^-]+)[.](?:no)?src[.]rpm$/;

/*
 * openssl-libs<TAB>1<TAB>3.0.7<TAB>27.el9<TAB>x86_64<TAB>openssl-3.0.7-27.el9.src.rpm<TAB>1700000000<TAB>Rocky
 * gpg-pubkey<TAB>(none)<TAB>350d275d<TAB>6279464b<TAB>(none)<TAB>(none)<TAB>1700000000<TAB>(none)
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
  for (const [index, line] of text.split('\n').slice(0, -1).entries()) {
    const found = readLine(line, `line ${index + 1}`, file);
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
  at: string,
  file: string,
): Omit<InstalledPackage, 'provider' | 'state' | 'held'> | null {
  const parts = line.split('\t');
  const [name = '', epoch = '', version = '', release = '', arch = '', sourceFile = '', installed = '', vendor = ''] =
    parts;
  if (parts.length !== PARTS) throw invalid(file, `${at} has ${parts.length} parts, not ${PARTS}`);
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
