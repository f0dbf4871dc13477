// Lists of rpm packages as people make them: collect.sh's own format, `rpm -qa` as it prints by itself, or its parts with blanks. Pure.
import { parseRpmList } from '@selvage/shared/packages/rpm-list.ts';
import { streamOfLabel } from '../matching/modules.ts';
import { scanInvalid } from './invalid.ts';
import type { SystemPackage } from './software.ts';

export interface RpmList {
  readonly packages: readonly SystemPackage[];
  /** Plain `rpm -qa` leaves epochs out. */
  readonly epochsUnknown: boolean;
}

const EPOCH = /^(?:\d{1,9}|\(none\))$/;
const WORD = /^[A-Za-z0-9._+~^]+$/;
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]*$/;
/** `bash-4.4.19-7.el8.x86_64`, `openssl-libs-1:1.1.1c-2.el8.x86_64` (`rpm -qa --qf '%{nevra}\n'`). */
const NEVRA = /^(.+)-(?:(\d{1,9}):)?([^-:\s]+)-([^-:\s]+)[.]([a-z0-9_]+)$/;
/** What rpm writes for a tag that a package does not have. */
const NONE = '(none)';
/** Of collect.sh of before, and with labels of modules. */
const COLLECT_PARTS = [8, 9];
/** Not software: keys that rpm keeps like packages. */
const KEY = 'gpg-pubkey';

export function looksLikeRpmList(text: string): boolean {
  const [first = ''] = text.split('\n', 1);

  return COLLECT_PARTS.includes(first.split('\t').length) || readBlanks(first) !== null || readNevra(first) !== null;
}

/** Throws SCAN_INVALID, and PACKAGE_DATABASE_INVALID of collect.sh's format. */
export function parseRpmPackages(text: string, file: string): RpmList {
  const lines = text.split(/\r?\n/);
  if (lines.pop() !== '') throw scanInvalid(`${file} ends in the middle of a line: it was cut`);
  if ((lines[0] ?? '').includes('\t')) return ofCollect(text, file);

  const read = readBlanks(lines[0] ?? '') === null ? readNevra : readBlanks;
  const packages: SystemPackage[] = [];
  let epochs = false;
  for (const [index, line] of lines.entries()) {
    // rpm -qa prints no architecture of keys.
    if (line.startsWith(`${KEY}-`)) continue;
    const found = read(line);
    if (found === null) {
      throw scanInvalid(
        `line ${index + 1} of ${file} is no package of an rpm list: ${JSON.stringify(line.slice(0, 100))}`,
      );
    }
    if (found.name === KEY) continue;
    epochs ||= read === readBlanks || /-\d+:/.test(line);
    packages.push(found);
  }

  return { packages, epochsUnknown: !epochs };
}

function ofCollect(text: string, file: string): RpmList {
  const packages = parseRpmList(text, { file, provider: 'dnf' });

  return {
    packages: packages.map(({ name, version, source, sourceVersion, arch, module, origin }) => ({
      ...{ manager: 'dnf' as const, name, version, source, sourceVersion, arch },
      ...{ module: module ?? null, origin: origin ?? null },
    })),
    epochsUnknown: false,
  };
}

/** `openssl-libs 1 1.1.1c 2.el8 x86_64`, and behind it the label of a module, or `(none)`. */
function readBlanks(line: string): SystemPackage | null {
  const [name = '', epoch = '', version = '', release = '', arch = '', ...rest] = line.trim().split(/ +/);
  const [label = NONE] = rest;
  const module = streamOfLabel(label);
  if (rest.length > 1 || !EPOCH.test(epoch) || (module === null && label !== NONE)) return null;
  const found = made(name, Number(epoch) > 0 ? epoch : '', version, release, arch.replace(NONE, 'noarch'));

  return found === null ? null : { ...found, module };
}

function readNevra(line: string): SystemPackage | null {
  const [, name = '', epoch = '', version = '', release = '', arch = ''] = NEVRA.exec(line.trim()) ?? [];

  return made(name, epoch, version, release, arch);
}

function made(name: string, epoch: string, version: string, release: string, arch: string): SystemPackage | null {
  if (!NAME.test(name) || !WORD.test(version) || !WORD.test(release) || !WORD.test(arch)) return null;
  const full = `${epoch === '' || Number(epoch) === 0 ? '' : `${Number(epoch)}:`}${version}-${release}`;

  return { manager: 'dnf', name, version: full, source: name, sourceVersion: full, arch };
}
