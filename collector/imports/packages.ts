// Installed packages from what collect.sh copied: dpkg's own database, or the list that rpm prints. Pure.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { InstalledPackage } from '@selvage/shared/model/package.ts';
import { parseStatus } from '@selvage/shared/packages/dpkg-status.ts';
import { parseRpmList } from '@selvage/shared/packages/rpm-list.ts';
import type { Text } from './archive.ts';

/** os-release(5) ID or ID_LIKE of the systems whose rpm is used by zypper. */
const SUSE = ['suse', 'opensuse', 'sles', 'opensuse-leap', 'opensuse-tumbleweed'];
const SHOWN_NAMES = 3;

/** Throws PACKAGE_DATABASE_INVALID, PACKAGE_DATABASE_INTERRUPTED, NOT_FOUND. */
export function parsePackages(text: Text, family: readonly string[]): InstalledPackage[] {
  const status = text('dpkg-status');
  if (status !== null) return readDpkg(status, text('dpkg-updates') ?? '', text('dpkg-times') ?? '');
  const list = text('rpm-list');
  if (list === null) throw new CodedError('NOT_FOUND', 'collect.sh found no list of packages that it can read');

  const provider = family.some((name) => SUSE.includes(name)) ? 'zypper' : 'dnf';

  const packages = parseRpmList(list, { file: 'rpm-list', provider });
  // rpm lists nothing and ends well where it could not understand the question: that is no machine without software.
  if (packages.length === 0) throw new CodedError('PACKAGE_DATABASE_INVALID', 'rpm-list has no package at all');

  return [...packages];
}

function readDpkg(status: string, updates: string, times: string): InstalledPackage[] {
  if (updates.trim() !== '') {
    throw new CodedError(
      'PACKAGE_DATABASE_INTERRUPTED',
      'dpkg was at work, or was interrupted, while it was collected',
      {
        next: 'run dpkg --configure -a there, then collect.sh again',
      },
    );
  }
  const changed = parseTimes(times);
  const packages = parseStatus(status, 'dpkg-status');
  refuseShortened(status, changed);

  return packages.map(({ multiArch, ...entry }) => ({
    ...entry,
    installedAt: changed.get(multiArch ? `${entry.name}:${entry.arch}` : entry.name) ?? changed.get(entry.name) ?? null,
  }));
}

/*
 * 1778311756 /var/lib/dpkg/info/libtk8.6:amd64.list
 */
/** Package (with architecture where dpkg writes one) → time of the last change of its file list. */
function parseTimes(text: string): ReadonlyMap<string, string> {
  const times = new Map<string, string>();

  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, seconds, name] = /^(\d{1,12}) \/var\/lib\/dpkg\/info\/([^/]+)[.]list$/.exec(line) ?? [];
    if (seconds === undefined || name === undefined) {
      throw new CodedError(
        'PARSE',
        `dpkg-times has a line that is not understood: ${JSON.stringify(line.slice(0, 120))}`,
      );
    }
    times.set(name, Temporal.Instant.fromEpochMilliseconds(Number(seconds) * 1000).toString());
  }

  return times;
}

/** A status that was cut between two entries reads like a whole one; but dpkg keeps a file list for each package it knows. */
function refuseShortened(status: string, lists: ReadonlyMap<string, string>): void {
  const known = new Set([...status.matchAll(/^Package:[ \t]*(\S+)/gim)].map(([, name]) => name));
  const lost = [...lists.keys()].filter((key) => !known.has(key.split(':')[0]));
  if (lost.length === 0) return;

  throw new CodedError(
    'PACKAGE_DATABASE_INVALID',
    `dpkg-status lacks ${lost.length} packages that have file lists (${lost.slice(0, SHOWN_NAMES).join(', ')})`,
  );
}
