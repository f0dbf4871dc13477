// The root folder of another system, such as an unpacked image: its package database, its release, and libraries at the places where
// programs are usually put. It follows no link, changes nothing, and starts nothing of what it finds.
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { createRun, type Run } from '@selvage/shared/exec/run.ts';
import { type ForeignFolder, openForeign } from '@selvage/shared/files/foreign.ts';
import { listRpms } from '@selvage/shared/packages/rpm-query.ts';
import { parseApkInstalled } from './apk.ts';
import { parseDpkgStatus, parseStatusEntry } from './dpkg.ts';
import { HOW_TO_NAME_THE_OS, scanInvalid } from './invalid.ts';
import { recordOf, textOf } from './json.ts';
import { parseOsRelease } from './os.ts';
import { parseRpmPackages } from './rpm-list.ts';
import { type Library, merged, type SystemPackage, softwareOfLibraries, softwareOfPackages } from './software.ts';
import type { ScannedOs, ScanSubject } from './subject.ts';

const MAX_DATABASE_BYTES = 64 * 1024 * 1024;
const MAX_RPM_DATABASE_BYTES = 512 * 1024 * 1024;
const MAX_OS_RELEASE_BYTES = 64 * 1024;
const MAX_PACKAGE_JSON_BYTES = 1024 * 1024;
const MAX_NAMES = 50_000;
/** Characters of what rpm says, in a message. */
const MAX_SAID = 200;
const HOW_TO_LIST = 'run collect.sh on that system, whose own rpm knows its database, and scan the file that it writes';

/** Of a link from /etc the target stands first. */
const OS_RELEASE = ['usr/lib/os-release', 'etc/os-release'];
const APK = ['lib/apk/db/installed', 'usr/lib/apk/db/installed'];
const RPM = ['usr/lib/sysimage/rpm', 'var/lib/rpm'];
const RPM_FILES = ['rpmdb.sqlite', 'Packages.db', 'Packages'];
/** What the distribution's own packages put is known as those packages. */
const PYTHON = 'usr/local/lib';
const NODE = [
  'usr/local/lib/node_modules',
  'app/node_modules',
  'usr/src/app/node_modules',
  'srv/node_modules',
  'opt/node_modules',
];

export interface RootfsOptions {
  readonly given: ScannedOs | null;
  readonly run?: Run;
}

/** Throws SCAN_INVALID, PACKAGE_DATABASE_INVALID, FILE_UNSAFE, FILE_TOO_LARGE, TOOL_MISSING. */
export async function readRootfs(path: string, { given, run = createRun({}) }: RootfsOptions): Promise<ScanSubject> {
  const folder = await openForeign(path);
  if (folder === null) throw scanInvalid(`there is no folder ${path}`);

  try {
    const { packages, epochsUnknown } = await systemPackages(folder, path, run);
    const libraries = [...(await pythonLibraries(folder)), ...(await nodeLibraries(folder))];
    const os = given ?? (await osIn(folder));
    if (packages.length === 0 && libraries.length === 0) {
      throw scanInvalid(
        `${path} holds no package database that is known (dpkg, rpm, apk) and no libraries: nothing can be said about it`,
      );
    }
    if (packages.length > 0 && os === null) {
      throw scanInvalid(`${path} has packages, but no os-release that says of which release`, HOW_TO_NAME_THE_OS);
    }
    const system = os === null ? [] : softwareOfPackages(os, packages);

    return {
      ...{ kind: 'rootfs', os, installed: merged([...system, ...softwareOfLibraries(libraries)]) },
      ...{ packages: packages.length + libraries.length, unread: [], epochsUnknown, kernelKnown: false },
      notes: packages.length === 0 ? ['it has no package database: only libraries were looked at'] : [],
    };
  } finally {
    await folder.close();
  }
}

async function osIn(folder: ForeignFolder): Promise<ScannedOs | null> {
  for (const file of OS_RELEASE) {
    const text = await textIn(folder, file, MAX_OS_RELEASE_BYTES);
    if (text !== null) return parseOsRelease(text, file);
  }

  return null;
}

async function systemPackages(
  folder: ForeignFolder,
  path: string,
  run: Run,
): Promise<{ readonly packages: readonly SystemPackage[]; readonly epochsUnknown: boolean }> {
  const found: SystemPackage[] = [];
  const status = await textIn(folder, 'var/lib/dpkg/status', MAX_DATABASE_BYTES, 'latin1');
  if (status !== null) found.push(...parseDpkgStatus(status, 'var/lib/dpkg/status'));
  // Images without dpkg: one file for each package, beside lists of checksums.
  for (const name of (await folder.names('var/lib/dpkg/status.d', MAX_NAMES)) ?? []) {
    if (name.endsWith('.md5sums')) continue;
    const file = `var/lib/dpkg/status.d/${name}`;
    found.push(...parseStatusEntry((await textIn(folder, file, MAX_DATABASE_BYTES, 'latin1')) ?? '', file));
  }
  for (const file of APK) {
    const text = await textIn(folder, file, MAX_DATABASE_BYTES);
    if (text === null) continue;
    found.push(...parseApkInstalled(text, file));
    break;
  }
  if (found.length > 0) return { packages: found, epochsUnknown: false };
  for (const place of RPM) {
    const names = (await namesIn(folder, place)) ?? [];
    const file = RPM_FILES.find((one) => names.includes(one));
    if (file !== undefined) return rpmPackages(folder, { path, place, file }, run);
  }

  return { packages: [], epochsUnknown: false };
}

/** Asked of the real rpm, over a copy: it would lock and mend the database that it reads. */
async function rpmPackages(
  folder: ForeignFolder,
  { path, place, file }: { readonly path: string; readonly place: string; readonly file: string },
  run: Run,
): Promise<{ readonly packages: readonly SystemPackage[]; readonly epochsUnknown: boolean }> {
  const source = await folder.open(`${place}/${file}`);
  if (source === null) return { packages: [], epochsUnknown: false };
  const copy = await mkdtemp(join(tmpdir(), 'selvage-scan-'));

  try {
    const { size } = await source.stat();
    if (size > MAX_RPM_DATABASE_BYTES)
      throw scanInvalid(`${place}/${file} in ${path} has ${size} bytes: that is too much`);
    await cp(`/proc/self/fd/${source.fd}`, join(copy, file), { dereference: true });
    const { stdout, stderr, exitCode } = await listRpms(run, ['--dbpath', copy]);
    if (exitCode !== 0) {
      throw scanInvalid(
        `rpm ended with ${exitCode} at ${place}/${file} in ${path}: ${stderr.trim().slice(0, MAX_SAID)}`,
        HOW_TO_LIST,
      );
    }

    const found = parseRpmPackages(stdout, `${place}/${file}`);
    // So it ends well also over a kind of database that it does not know, and makes an empty one beside it.
    if (found.packages.length === 0) {
      const said = stderr.trim() === '' ? '' : ` (it says: ${stderr.trim().slice(0, MAX_SAID)})`;
      throw scanInvalid(`rpm lists no package of ${place}/${file} in ${path}${said}`, HOW_TO_LIST);
    }

    return found;
  } finally {
    await source.close();
    await rm(copy, { recursive: true, force: true });
  }
}

/** `usr/local/lib/python3.12/site-packages/requests-2.31.0.dist-info` */
async function pythonLibraries(folder: ForeignFolder): Promise<readonly Library[]> {
  const found: Library[] = [];
  for (const version of (await namesIn(folder, PYTHON)) ?? []) {
    if (!/^python\d[\d.]*$/.test(version)) continue;
    for (const packages of ['site-packages', 'dist-packages']) {
      for (const name of (await namesIn(folder, `${PYTHON}/${version}/${packages}`)) ?? []) {
        const [, library, number] = /^(.+)-([^-]+)\.dist-info$/.exec(name) ?? [];
        if (library !== undefined && number !== undefined)
          found.push({ ecosystem: 'PyPI', name: library, version: number });
      }
    }
  }

  return found;
}

async function nodeLibraries(folder: ForeignFolder): Promise<readonly Library[]> {
  const found: Library[] = [];
  for (const place of NODE) {
    for (const name of (await namesIn(folder, place)) ?? []) {
      if (name.startsWith('.')) continue;
      const scoped = name.startsWith('@') ? ((await namesIn(folder, `${place}/${name}`)) ?? []) : null;
      for (const each of scoped === null ? [name] : scoped.map((one) => `${name}/${one}`)) {
        const library = await nodeLibrary(folder, `${place}/${each}/package.json`);
        if (library !== null) found.push(library);
      }
    }
  }

  return found;
}

async function nodeLibrary(folder: ForeignFolder, file: string): Promise<Library | null> {
  const text = await optional(() => textIn(folder, file, MAX_PACKAGE_JSON_BYTES));
  if (text === null) return null;
  try {
    const { name, version } = recordOf(JSON.parse(text));

    return textOf(name) === '' || textOf(version) === ''
      ? null
      : { ecosystem: 'npm', name: textOf(name), version: textOf(version) };
  } catch {
    // Not a package: node itself would not load it either.
    return null;
  }
}

function namesIn(folder: ForeignFolder, path: string): Promise<readonly string[] | null> {
  return optional(() => folder.names(path, MAX_NAMES));
}

/** A link, or a file where a folder should be, on the way to something that need not be there: it is not there. */
async function optional<T>(read: () => Promise<T | null>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (hasCode(error, 'FILE_UNSAFE')) return null;
    throw error;
  }
}

/** Null also for a link: what it leads to is looked for at its own place. */
async function textIn(
  folder: ForeignFolder,
  path: string,
  maxBytes: number,
  encoding: 'utf8' | 'latin1' = 'utf8',
): Promise<string | null> {
  const bytes = await optional(() => folder.read(path, maxBytes));

  return bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(encoding);
}
