// Tests that need a part of the system: without it they are skipped and say how to install it; with
// SELVAGE_REQUIRE_ALL=1 a missing part fails. Nothing is ever installed from here.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface PartFacts {
  /** Programs that show it is there. */
  readonly programs: readonly string[];
  /** Debian packages that bring them. */
  readonly packages: readonly string[];
}

const part = (program: string, name: string): PartFacts => ({ programs: [program], packages: [name] });

export const PARTS = {
  ansible: part('ansible-playbook', 'ansible-core'),
  'apt-ftparchive': part('apt-ftparchive', 'apt-utils'),
  'apt-get': part('apt-get', 'apt'),
  'busybox-static': part('busybox', 'busybox-static'),
  debootstrap: part('debootstrap', 'debootstrap'),
  debsecan: part('debsecan', 'debsecan'),
  'dpkg-deb': part('dpkg-deb', 'dpkg'),
  // Signing needs all three; Debian only recommends the agent.
  gpg: { programs: ['gpg', 'gpg-agent', 'gpgconf'], packages: ['gpg', 'gpg-agent', 'gpgconf'] },
  gpgv: part('gpgv', 'gpgv'),
  'createrepo-c': part('createrepo_c', 'createrepo-c'),
  dnf: part('dnf', 'dnf'),
  ip: part('ip', 'iproute2'),
  // The program comes with the library, what it needs does not.
  locales: part('locale-gen', 'locales'),
  mount: part('mount', 'mount'),
  rpm: part('rpm', 'rpm'),
  rpmbuild: part('rpmbuild', 'rpm'),
  patchelf: part('patchelf', 'patchelf'),
  setpriv: part('setpriv', 'util-linux'),
  shellcheck: part('shellcheck', 'shellcheck'),
  strace: part('strace', 'strace'),
  // The service manager itself; it need not be the one that started this machine.
  systemd: {
    programs: ['systemctl', 'systemd-run', 'systemd-analyze', 'nsenter'],
    packages: ['systemd', 'util-linux'],
  },
  unshare: part('unshare', 'util-linux'),
} as const satisfies Record<string, PartFacts>;
export type Part = keyof typeof PARTS;

const PATHS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** True when every program of the part can be started. */
function has(name: Part, path = process.env.PATH ?? ''): boolean {
  return PARTS[name].programs.every((program) =>
    [...path.split(delimiter), ...PATHS].some((folder) => isProgram(join(folder, program))),
  );
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);

    return true;
  } catch {
    return false;
  }
}

/**
 * `describe` that runs only where every part is there: `needs(['gpg', 'apt-ftparchive'], 'a signed archive', () => …)`.
 */
export function needs(parts: readonly Part[], name: string, body: () => void): void {
  const missing = parts.filter((name) => !has(name));
  if (missing.length === 0) {
    describe(name, body);

    return;
  }

  const command = `apt-get install ${[...new Set(missing.flatMap((name) => PARTS[name].packages))].join(' ')}`;
  if (process.env.SELVAGE_REQUIRE_ALL === '1') {
    it(name, () => expect.fail(`missing: ${missing.join(', ')}; run: ${command}`));

    return;
  }

  process.stderr.write(`skipped: ${name}; to run it: ${command}\n`);
  // A stranger's machine is never changed to run a test; what is missing and how to get it was just said.
  describe.skip(name, body);
}
