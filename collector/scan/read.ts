// Reads what is to be scanned: a folder or a file, packed or not, told by what is in it. It asks nobody and sends nothing.
import { realpath, stat } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno, readBounded } from '@selvage/shared/files/durable.ts';
import { parseApkInstalled } from './apk.ts';
import { detect } from './detect.ts';
import { endsAsDpkgWrites, parseDpkgStatus, uncertainIn } from './dpkg.ts';
import { HOW_TO_NAME_THE_OS, scanInvalid } from './invalid.ts';
import { parseOsRelease } from './os.ts';
import { parseRpmPackages } from './rpm-list.ts';
import { type SystemPackage, softwareOfPackages } from './software.ts';
import { SCAN_KINDS, type ScanKind, type ScannedOs, type ScanSubject } from './subject.ts';

/** Bytes of a file as it is, and of what it unpacks to. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024;
const MAX_OS_RELEASE_BYTES = 64 * 1024;
/** Where a status file lies in its own system. */
const STATUS_PLACE = '/var/lib/dpkg/status';

const NOT_AS_DPKG_WRITES =
  'the status file does not end with an empty line, as dpkg writes it: if it was cut there, packages after it are missing';

export interface ScanOptions {
  /** A copy of the system's os-release; null: what the thing itself says. */
  readonly osRelease: string | null;
}

/**
 * Links are followed where whoever asks names them (/etc/os-release is one), never inside of a folder. Throws SCAN_INVALID, NOT_FOUND,
 * FILE_UNREADABLE, and what its parsers throw. Never gives a subject without packages.
 */
export async function readSubject(named: string, { osRelease }: ScanOptions): Promise<ScanSubject> {
  const path = await realpath(named).catch(unreadable(named));
  const facts = await stat(path).catch(unreadable(named));
  const given = osRelease === null ? null : await osFrom(osRelease);
  const subject = facts.isDirectory()
    ? await (await import('./rootfs.ts')).readRootfs(path, { given })
    : await readFile(path, given);
  if (subject.packages === 0 || subject.installed.length === 0) {
    throw scanInvalid(
      `${path} (${SCAN_KINDS[subject.kind]}) lists no packages: nothing can be said about what it is of`,
    );
  }

  const kernels = subject.installed.filter(({ software }) => software.kernel === 'running').length;
  const note = `which kernel runs is not known from this: ${kernels === 1 ? 'the one in it' : `each of the ${kernels} in it`} is taken as running`;

  return kernels === 0 || subject.kernelKnown ? subject : { ...subject, notes: [...subject.notes, note] };
}

async function readFile(path: string, given: ScannedOs | null): Promise<ScanSubject> {
  const sent = await readBounded(path, MAX_FILE_BYTES).catch(unreadable(path));
  if (sent === null) throw new CodedError('NOT_FOUND', `there is no file ${path}`, { next: 'check the path' });
  const bytes = unpacked(sent, path);
  const found = detect(bytes, path);

  switch (found.kind) {
    case 'collect-tar':
      return (await import('./collected.ts')).readCollected(bytes, given);
    case 'cyclonedx':
      return sbom((await import('./cyclonedx.ts')).readCycloneDx(found.document, path), given);
    case 'spdx-json':
      return sbom((await import('./spdx.ts')).readSpdxJson(found.document, path), given);
    case 'spdx-tag-value':
      return sbom((await import('./spdx.ts')).readSpdxTagValue(found.text, path), given);
    case 'dpkg-status': {
      const packages = parseDpkgStatus(found.text, path);
      const subject = subjectOf('dpkg-status', packages, given ?? (await osBeside(path)), path);

      const uncertain = uncertainIn(found.text, packages);
      const notes = [
        ...(endsAsDpkgWrites(found.text) ? [] : [NOT_AS_DPKG_WRITES]),
        ...(uncertain === 0
          ? []
          : [
              `from where packages came is not in it: ${uncertain} without a maintainer of the distribution are taken for its own`,
            ]),
      ];

      return { ...subject, notes };
    }
    case 'apk-installed':
      return subjectOf('apk-installed', parseApkInstalled(found.text, path), given, path);
    case 'rpm-list': {
      const { packages, epochsUnknown } = parseRpmPackages(found.text, path);

      return { ...subjectOf('rpm-list', packages, given, path), epochsUnknown };
    }
  }
}

function subjectOf(
  kind: ScanKind,
  packages: readonly SystemPackage[],
  os: ScannedOs | null,
  path: string,
): ScanSubject {
  if (os === null) {
    throw scanInvalid(
      `${path} (${SCAN_KINDS[kind]}) does not say of which distribution and release it is`,
      HOW_TO_NAME_THE_OS,
    );
  }

  return {
    ...{ kind, os, packages: packages.length, installed: softwareOfPackages(os, packages) },
    ...{ unread: [], epochsUnknown: false, kernelKnown: false, notes: [] },
  };
}

async function sbom(
  content: Parameters<typeof import('./components.ts').subjectOfSbom>[0],
  given: ScannedOs | null,
): Promise<ScanSubject> {
  return (await import('./components.ts')).subjectOfSbom(content, given);
}

/** gzip is for carrying. */
function unpacked(bytes: Uint8Array, path: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;

  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (error) {
    const why = hasErrno(error, 'ERR_BUFFER_TOO_LARGE')
      ? `unpacks to more than ${MAX_UNPACKED_BYTES} bytes`
      : 'is cut or damaged';
    throw scanInvalid(`the gzip file ${path} ${why}`, undefined, error);
  }
}

async function osFrom(named: string): Promise<ScannedOs> {
  const path = await realpath(named).catch(unreadable(named));
  const bytes = await readBounded(path, MAX_OS_RELEASE_BYTES).catch(unreadable(path));
  if (bytes === null) throw new CodedError('NOT_FOUND', `there is no file ${path}`, { next: 'check the path' });

  return parseOsRelease(Buffer.from(bytes).toString('utf8'), path);
}

/** A status file at its own place, in this system or in the root folder of another, has its os-release there. */
async function osBeside(path: string): Promise<ScannedOs | null> {
  if (!path.endsWith(STATUS_PLACE)) return null;
  const root = path.slice(0, -STATUS_PLACE.length);
  for (const file of ['/usr/lib/os-release', '/etc/os-release']) {
    const bytes = await readBounded(`${root}${file}`, MAX_OS_RELEASE_BYTES).catch(() => null);
    if (bytes !== null) return parseOsRelease(Buffer.from(bytes).toString('utf8'), file);
  }

  return null;
}

function unreadable(path: string) {
  return (error: unknown): never => {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) {
      throw new CodedError('NOT_FOUND', `there is no ${path}`, { cause: error, next: 'check the path' });
    }
    if (hasErrno(error, 'EACCES', 'EPERM')) {
      throw new CodedError('FILE_UNREADABLE', `${path} may not be read`, {
        ...{ cause: error, next: 'let the user who runs this command read it' },
      });
    }
    throw error;
  };
}
