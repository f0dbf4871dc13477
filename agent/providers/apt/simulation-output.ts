// `apt-get -s install` as a full transaction. Pure and strict: a line about a package that is not understood is an error,
// never a shorter transaction.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { InstalledPackage, PackageChange, Transaction } from '@selvage/shared/model/package.ts';

export interface SimulationFacts {
  readonly installed: readonly InstalledPackage[];
  /** Of names without one. */
  readonly nativeArch: string;
  readonly compare: (a: string, b: string) => number;
  readonly downloadBytes: number | null;
}

const INSTALL = /^Inst (\S+)(?: \[([^\]\s]+)\])? \((\S+)(?: [^[\]()]*)? \[([a-z0-9-]+)\]\)(?: \[[^\]]*\])*$/;
const REMOVE = /^(?:Remv|Purg) (\S+) \[([^\]\s]+)\](?: \[[^\]]*\])*$/;
const CONFIGURE = /^Conf (\S+) \((\S+)(?: [^[\]()]*)? \[([a-z0-9-]+)\]\)(?: \[[^\]]*\])*$/;
const ABOUT_A_PACKAGE = /^(?:Inst|Conf|Remv|Purg)\b/;

/*
 * Reading package lists...
 * Building dependency tree...
 * The following packages will be REMOVED:
 *   alpha
 * 1 upgraded, 1 newly installed, 1 to remove and 1 not upgraded.
 * Remv alpha [1.0]
 * Inst gamma (1.0 Debian:stable [all])
 * Inst libssl3 [3.0.15-1~deb12u1] (3.0.17-1~deb12u2 Debian:12.11/stable, Debian-Security:12/stable-security [amd64]) []
 * Inst libgcc-s1:i386 [12.2.0-14] (12.2.0-15 Debian:12.11/stable [i386]) [gcc-12-base:i386 on libgcc-s1:i386]
 * Conf gamma (1.0 Debian:stable [all])
 * Conf libssl3 (3.0.17-1~deb12u2 Debian:12.11/stable, Debian-Security:12/stable-security [amd64])
 */
export function parseSimulation(text: string, facts: SimulationFacts): Transaction {
  const changes: PackageChange[] = [];
  const removed: PackageChange[] = [];

  for (const line of text.split('\n')) {
    if (!ABOUT_A_PACKAGE.test(line)) continue;
    const install = INSTALL.exec(line);
    const remove = REMOVE.exec(line);
    if (install) changes.push(installation(install, facts));
    else if (remove) removed.push(removal(remove, facts));
    else if (!CONFIGURE.test(line))
      throw new CodedError('PARSE', `apt-get -s printed a line that is not understood: ${line}`);
  }

  const order = ({ from, to }: PackageChange) => (from === null || to === null ? 0 : facts.compare(to, from));

  return {
    install: changes.filter((change) => change.from === null),
    // A reinstallation of the same version counts as an upgrade to it.
    upgrade: changes.filter((change) => change.from !== null && order(change) >= 0),
    downgrade: changes.filter((change) => change.from !== null && order(change) < 0),
    remove: removed,
    downloadBytes: facts.downloadBytes,
  };
}

function installation(match: RegExpExecArray, { installed }: SimulationFacts): PackageChange {
  const [, qualified = '', from, to = '', arch = ''] = match;
  const name = withoutArch(qualified);
  // What is unpacked but not whole has a version on the host that apt does not print as the one it comes from.
  const known = from ?? installed.find((item) => item.name === name && item.arch === arch)?.version ?? null;

  return { name, arch, from: known, to };
}

function removal(match: RegExpExecArray, { installed, nativeArch }: SimulationFacts): PackageChange {
  const [, qualified = '', from = ''] = match;
  const name = withoutArch(qualified);
  const named = qualified.includes(':') ? qualified.slice(name.length + 1) : null;
  const found = installed.find(
    (item) => item.name === name && item.version === from && (named === null || item.arch === named),
  );

  return { name, arch: named ?? found?.arch ?? nativeArch, from, to: null };
}

function withoutArch(qualified: string): string {
  return qualified.split(':')[0] ?? qualified;
}
