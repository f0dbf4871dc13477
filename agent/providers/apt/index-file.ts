// One Packages index of the agent's own lists, as apt keeps it: which archive path, size and hash a version has. The index
// was verified by apt; names in it are still checked before they become paths.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { PackageVersion } from '@selvage/shared/model/package.ts';
import { parseStanzas } from '@selvage/shared/packages/deb822.ts';
import { isInside } from './mirror.ts';

export interface IndexedFile {
  readonly wanted: PackageVersion;
  /** Path below the archive's address. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

export interface IndexTarget {
  /** Path of the list on disk, compressed or not. */
  readonly file: string;
  /** Name in the signed index: `main/binary-amd64/Packages`. */
  readonly metaKey: string;
}

/*
 * apt-get indextargets --format '$(FILENAME)|$(METAKEY)' 'Created-By: Packages':
 * /var/lib/selvage-agent/apt/lists/deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages|main/binary-amd64/Packages
 */
export const TARGET_FORMAT = '$(FILENAME)|$(METAKEY)';

export function parseTargets(text: string): readonly IndexTarget[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const match = /^(\/[^|]+)\|([^|]+)$/.exec(line);
      if (!match?.[1] || !match[2] || !isInside(match[2])) {
        throw new CodedError('PARSE', `apt-get indextargets printed a line that is not understood: ${line}`);
      }

      return { file: match[1], metaKey: match[2] };
    });
}

/** Wanted versions that the index lists. Only their stanzas are parsed: a suite has some 60,000. */
export function findFiles(text: string, wanted: readonly PackageVersion[], file: string): readonly IndexedFile[] {
  return wanted.flatMap((item) => {
    for (const stanza of stanzasOf(text, item.name)) {
      const found = read(stanza, item, file);
      if (found !== null) return [found];
    }

    return [];
  });
}

function stanzasOf(text: string, name: string): readonly string[] {
  const start = `Package: ${name}\n`;
  const found: string[] = [];

  for (let at = text.startsWith(start) ? 0 : nextOf(text, start, 0); at >= 0; at = nextOf(text, start, at)) {
    const end = text.indexOf('\n\n', at);
    found.push(text.slice(at, end < 0 ? undefined : end));
  }

  return found;
}

function nextOf(text: string, start: string, from: number): number {
  const at = text.indexOf(`\n\n${start}`, from);

  return at < 0 ? -1 : at + 2;
}

function read(stanza: string, wanted: PackageVersion, file: string): IndexedFile | null {
  const [parsed] = parseStanzas(stanza, { file, comments: false });
  const field = (name: string) => parsed?.fields.get(name) ?? '';
  if (field('version') !== wanted.version || field('architecture') !== wanted.arch) return null;
  const [path, size, sha256] = [
    field('filename').replace(/^(\.\/)+/, ''),
    field('size'),
    field('sha256').toLowerCase(),
  ];
  if (!isInside(path) || !/^\d{1,15}$/.test(size) || !/^[0-9a-f]{64}$/.test(sha256)) {
    throw new CodedError('PARSE', `${file} lists ${wanted.name} ${wanted.version} without a usable file`);
  }

  return { wanted, path, size: Number(size), sha256 };
}
