// Tests that need a part of the system: without it they are skipped and say how to install it; with
// SELVAGE_REQUIRE_ALL=1 a missing part fails. Nothing is ever installed from here.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Part → program that shows it is there, and the Debian package that brings it. */
export const PARTS = {
  'apt-ftparchive': 'apt-utils',
  'busybox-static': 'busybox-static',
  'dpkg-deb': 'dpkg',
  gpg: 'gpg',
  gpgv: 'gpgv',
  'apt-get': 'apt',
  unshare: 'util-linux',
  setpriv: 'util-linux',
} as const;
export type Part = keyof typeof PARTS;

const PROGRAMS: Partial<Record<Part, string>> = { 'busybox-static': 'busybox' };
const PATHS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** True when the program of the part can be started. */
function has(part: Part, path = process.env.PATH ?? ''): boolean {
  const program = PROGRAMS[part] ?? part;

  return [...path.split(delimiter), ...PATHS].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);

      return true;
    } catch {
      return false;
    }
  });
}

/**
 * `describe` that runs only where every part is there: `needs(['gpg', 'apt-ftparchive'], 'a signed archive', () => …)`.
 */
export function needs(parts: readonly Part[], name: string, body: () => void): void {
  const missing = parts.filter((part) => !has(part));
  if (missing.length === 0) {
    describe(name, body);

    return;
  }

  const command = `apt-get install ${[...new Set(missing.map((part) => PARTS[part]))].join(' ')}`;
  if (process.env.SELVAGE_REQUIRE_ALL === '1') {
    it(name, () => expect.fail(`missing: ${missing.join(', ')}; run: ${command}`));

    return;
  }

  process.stderr.write(`skipped: ${name}; to run it: ${command}\n`);
  describe.skip(name, body);
}
