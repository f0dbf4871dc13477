// What apk has installed, from its own database. Pure and strict: an entry that it does not understand is an error.
import { scanInvalid } from './invalid.ts';
import type { SystemPackage } from './software.ts';

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._+-]*$/;

/*
 * C:Q1SjXKpf1R5P6NeFUY1ENd+YKUbAE=
 * P:musl
 * V:1.2.4-r2
 * A:x86_64
 * o:musl
 * (files and an empty line)
 */
/** Throws SCAN_INVALID naming the entry. */
export function parseApkInstalled(text: string, file: string): readonly SystemPackage[] {
  if (text.trim() !== '' && !text.endsWith('\n')) throw scanInvalid(`${file} ends in the middle of a line: it was cut`);
  const packages: SystemPackage[] = [];

  for (const [index, entry] of text.split(/\n{2,}/).entries()) {
    if (entry.trim() === '') continue;
    const fields = new Map(
      entry
        .split('\n')
        .flatMap((line): [string, string][] => (line[1] === ':' ? [[line.slice(0, 1), line.slice(2)]] : [])),
    );
    const need = (field: string, what: string): string => {
      const value = fields.get(field) ?? '';
      if (value === '' || /[\s\0]/.test(value)) throw scanInvalid(`entry ${index + 1} of ${file} has no ${what}`);

      return value;
    };
    const name = need('P', 'name');
    const source = fields.get('o') || name;
    if (!NAME.test(name) || !NAME.test(source)) {
      throw scanInvalid(`entry ${index + 1} of ${file} has the name ${JSON.stringify(name.slice(0, 100))}`);
    }
    const version = need('V', 'version');
    packages.push({
      manager: 'apk',
      name,
      version,
      source,
      sourceVersion: version,
      arch: fields.get('A') ?? 'unknown',
    });
  }

  return packages;
}
