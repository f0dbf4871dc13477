// Readers of what apt prints about pending updates: `apt list --upgradable` and `apt-cache policy`. Pure. A line that is not
// understood is an error: a list that lost one would say "0 updates" too early.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';

export interface Upgradable {
  readonly name: string;
  readonly arch: string;
  readonly installed: string;
  readonly candidate: string;
}

export interface PolicyVersion {
  readonly version: string;
  readonly installed: boolean;
  readonly phased: number | null;
  /** `http://deb.debian.org/debian bookworm/main amd64 Packages`; dpkg's status file for what is installed. */
  readonly origins: readonly string[];
}

export interface Policy {
  readonly candidate: string;
  /** Newest first. */
  readonly versions: readonly PolicyVersion[];
}

const UPGRADABLE = /^([^\s/]+)\/\S* (\S+) (\S+) \[upgradable from: (\S+)\]$/;

/*
 * Listing...
 * bash/oldstable 5.2.15-2+b13 amd64 [upgradable from: 5.2.15-2+b8]
 * ca-certificates/oldstable-security,oldstable-updates 20250419~deb12u2 all [upgradable from: 20230311+deb12u1]
 */
export function parseUpgradable(text: string): readonly Upgradable[] {
  const lines = text.split('\n').filter((line) => line !== '');
  if (!lines[0]?.startsWith('Listing...')) throw notUnderstood('apt list', lines[0] ?? '');

  return lines.slice(1).map((line) => {
    const [, name, candidate, arch, installed] = UPGRADABLE.exec(line) ?? [];
    if (!name || !candidate || !arch || !installed) throw notUnderstood('apt list', line);

    return { name, arch, installed, candidate };
  });
}

const PACKAGE = /^(\S+):$/;
const FACT = /^ {2}(Installed|Candidate|Package pin|Version table):(?: (.*))?$/;
const VERSION = /^( \*\*\*| {4}) (\S+) -?\d+(?: \(phased (\d+)%\))?$/;
const ORIGIN = /^ {7} *-?\d+ (\S.*)$/;

/*
 * ca-certificates:
 *   Installed: 20230311+deb12u1
 *   Candidate: 20250419~deb12u2
 *   Version table:
 *      20250419~deb12u2 500
 *         500 http://deb.debian.org/debian-security bookworm-security/main amd64 Packages
 *  *** 20230311+deb12u1 100
 *         100 /var/lib/dpkg/status
 */
export function parsePolicy(text: string): ReadonlyMap<string, Policy> {
  const policies = new Map<
    string,
    { candidate: string; versions: { -readonly [K in keyof PolicyVersion]: PolicyVersion[K] }[] }
  >();
  let current: { candidate: string; versions: (PolicyVersion & { origins: string[] })[] } | undefined;

  for (const line of text.split('\n')) {
    if (line === '') continue;
    const name = PACKAGE.exec(line)?.[1];
    if (name !== undefined) {
      current = { candidate: '', versions: [] };
      policies.set(name, current);
      continue;
    }

    const [, fact, value] = FACT.exec(line) ?? [];
    const [, mark, version, phased] = VERSION.exec(line) ?? [];
    const origin = ORIGIN.exec(line)?.[1];
    if (!current) throw notUnderstood('apt-cache policy', line);
    if (fact === 'Candidate') current.candidate = value ?? '';
    else if (origin !== undefined) current.versions.at(-1)?.origins.push(origin);
    else if (version !== undefined) {
      const share = phased === undefined ? null : Number(phased);
      current.versions.push({ version, installed: mark === ' ***', phased: share, origins: [] });
    } else if (fact === undefined) throw notUnderstood('apt-cache policy', line);
  }

  return policies;
}

function notUnderstood(command: string, line: string): CodedError {
  return new CodedError('PARSE', `${command} printed a line that is not understood: ${JSON.stringify(line)}`);
}
