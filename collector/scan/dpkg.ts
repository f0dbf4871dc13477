// What dpkg has installed: its status file, or the entries that images without dpkg carry one by one (status.d). Pure.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { parseStanzas } from '@selvage/shared/packages/deb822.ts';
import { parseStatus, readSource } from '@selvage/shared/packages/dpkg-status.ts';
import { isUncertain, maintainersIn } from '@selvage/shared/packages/vendors.ts';
import { scanInvalid } from './invalid.ts';
import type { SystemPackage } from './software.ts';

/** dpkg ends each entry with an empty line; copies made with other tools may lack the last one. */
const END = '\n\n';

/** Throws PACKAGE_DATABASE_INVALID for one that is not whole. A vendor's own builds are known by shared/packages/vendors.ts. */
export function parseDpkgStatus(text: string, file: string): readonly SystemPackage[] {
  const whole = endsAsDpkgWrites(text) || !text.endsWith('\n') ? text : `${text}\n`;

  return parseStatus(whole, file).map(({ name, version, source, sourceVersion, arch, origin = null }) => ({
    ...{ manager: 'apt' as const, name, version, source, sourceVersion, arch, origin },
  }));
}

/** How many packages may be a vendor's without anybody here knowing it. */
export function uncertainIn(text: string, packages: readonly SystemPackage[]): number {
  const maintainers = maintainersIn(text);

  return packages.filter(({ name, version }) => isUncertain(version, maintainers.get(name) ?? '')).length;
}

/** Where it does not, the last entry is whole, but nobody can say that others did not follow. */
export function endsAsDpkgWrites(text: string): boolean {
  return text.endsWith(END);
}

/** An entry of status.d has no Status and no empty line behind it: that it is there says that it is installed. */
export function parseStatusEntry(text: string, file: string): readonly SystemPackage[] {
  const stanzas = (() => {
    try {
      return parseStanzas(text, { file, comments: false });
    } catch (error) {
      throw scanInvalid(asCoded(error).message, undefined, error);
    }
  })();

  return stanzas.map(({ fields }) => {
    const name = fields.get('package') ?? '';
    const version = fields.get('version') ?? '';
    if (!/^[A-Za-z0-9][A-Za-z0-9+._-]*$/.test(name) || !/^[A-Za-z0-9.+~:-]+$/.test(version)) {
      throw scanInvalid(`${file} is no entry of a package: it has no name or no version`);
    }
    const source = readSource(fields.get('source'), { name, version }, file);

    return {
      ...{ manager: 'apt' as const, name, version, source: source.name, sourceVersion: source.version },
      arch: fields.get('architecture') ?? 'unknown',
    };
  });
}
