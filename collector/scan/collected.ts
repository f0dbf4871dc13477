// A tar of collect.sh as a subject: packages, release, and which kernel runs. Pure but for the archive, which is read in memory.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { type FileName, openArchive } from '../imports/archive.ts';
import { parseFacts } from '../imports/facts.ts';
import { sectionsOf } from '../imports/sections.ts';
import { type SystemPackage, softwareOfPackages } from './software.ts';
import type { ScannedOs, ScanSubject } from './subject.ts';

/** Throws SCAN_INVALID, IMPORT_INVALID, and whatever stopped the reading of packages: a part is never taken for the whole. */
export async function readCollected(bytes: Uint8Array, given: ScannedOs | null): Promise<ScanSubject> {
  const files = await openArchive(bytes);
  const text = (name: FileName) => {
    const found = files.get(name);
    const encoding = name.startsWith('dpkg-') ? 'latin1' : 'utf8';

    return found === undefined
      ? null
      : Buffer.from(found.buffer, found.byteOffset, found.byteLength).toString(encoding);
  };
  const facts = parseFacts(text('facts') ?? '');
  const { os, packages, kernel } = sectionsOf(text, facts);
  if (!packages.ok) throw new CodedError(packages.code, `${facts.hostname}: ${packages.reason}`);
  if (!os.ok && given === null) throw new CodedError(os.code, `${facts.hostname}: ${os.reason}`);
  const meant = given ?? (os.ok ? osIn(os.data) : null);
  const rows = packages.data.map(
    ({ provider, name, version, arch, source, sourceVersion, module, origin }): SystemPackage => ({
      ...{
        manager: provider === 'apt' || provider === 'pacman' ? provider : 'dnf',
        name,
        version,
        arch,
        source,
        sourceVersion,
      },
      ...{ module: module ?? null, origin: origin ?? null },
    }),
  );

  return {
    ...{
      kind: 'collect-tar',
      os: meant,
      packages: rows.length,
      unread: [],
      epochsUnknown: false,
      kernelKnown: kernel.ok,
    },
    installed: meant === null ? [] : softwareOfPackages(meant, rows, kernel.ok ? kernel.data : null),
    notes: [`${facts.hostname} as of ${facts.now.toString()}, by its own clock`],
  };
}

function osIn({ id, version, prettyName }: ScannedOs): ScannedOs {
  return { id, version, prettyName };
}
