// From what was found to what is in the way. Pure. What Node itself needs is asked once more in plain sh before the package is
// unpacked (packaging/agent/preflight.sh, with the same numbers): where Node cannot start, nothing here runs.
import { CODES, type Code } from '@selvage/shared/errors/codes.ts';
import type { Check, DiskFacts, Facts, Reach } from './facts.ts';

/** Node 26 on Linux: BUILDING.md, "Supported platforms". */
export const MIN_GLIBC = '2.28';
export const MIN_KERNEL = '4.18';
const ARCHITECTURES: readonly string[] = ['x64', 'arm64'];
const MIB = 1024 * 1024;
/** Bytes: two copies of the package lists, what is downloaded for one approval, policy and outbox. */
export const STATE_BYTES = 512 * MIB;
/** Bytes: root's own lists and cache of the transaction that is installed next, journal and results. */
export const RUNNER_BYTES = 256 * MIB;
/** Files: lists, policy documents and messages are some hundred. */
export const MIN_INODES = 2000;
/** Two clocks that differ by more disagree on windows, delays and certificates. */
export const MAX_SKEW_MS = 5 * 60_000;
const SECOND_MS = 1000;

/** Every check, in the order in which a person would mend things. */
export function judge(facts: Facts): readonly Check[] {
  return [
    platform(facts),
    libc(facts),
    kernel(facts),
    ...facts.disks.map(disk),
    user(facts),
    clock(facts.collector),
    collector(facts.collector),
    packages(facts),
    ...updaters(facts),
    serviceManager(facts),
  ];
}

type Name = Check['name'];
const ok = (name: Name, says: string): Check => ({ name, state: 'ok', says });
const note = (name: Name, says: string): Check => ({ name, state: 'note', says });
const notAsked = (name: Name, says: string): Check => ({ name, state: 'not asked', says });
const failed = (name: Name, code: Code, says: string, next: string = CODES[code].next): Check => ({
  ...{ name, state: 'failed', says, code, next },
});

function platform({ platform, arch }: Facts): Check {
  if (platform !== 'linux') return failed('platform', 'HOST_UNSUPPORTED', `${platform}, it runs on Linux`);
  if (ARCHITECTURES.includes(arch)) return ok('platform', arch);

  return failed('platform', 'HOST_UNSUPPORTED', `architecture ${arch}, it runs on ${ARCHITECTURES.join(' and ')}`);
}

function libc({ glibc }: Facts): Check {
  if (glibc === null)
    return failed('libc', 'HOST_UNSUPPORTED', `another C library than glibc, it needs glibc ${MIN_GLIBC}`);
  if (isAtLeast(glibc, MIN_GLIBC)) return ok('libc', `glibc ${glibc}`);

  return failed('libc', 'HOST_UNSUPPORTED', `glibc ${glibc}, it needs ${MIN_GLIBC}`);
}

function kernel({ kernel }: Facts): Check {
  if (isAtLeast(kernel, MIN_KERNEL)) return ok('kernel', `kernel ${kernel}`);

  return failed('kernel', 'HOST_UNSUPPORTED', `kernel ${kernel}, it needs ${MIN_KERNEL}`);
}

function disk({ folders, free }: DiskFacts): Check {
  const where = folders.map(({ path }) => path).join(' and ');
  const needed = folders.reduce((sum, { kind }) => sum + (kind === 'state' ? STATE_BYTES : RUNNER_BYTES), 0);
  if (free === null) return failed('disk', 'NO_SPACE', `how much is free for ${where} cannot be asked`);
  const { bytes, inodes } = free;
  if (bytes < needed)
    return failed('disk', 'NO_SPACE', `${mib(bytes)} MiB free for ${where}, it needs ${mib(needed)} MiB`);
  if (inodes !== null && inodes < MIN_INODES) {
    return failed('disk', 'NO_SPACE', `room for ${inodes} more files in ${where}, it needs ${MIN_INODES}`);
  }

  return ok('disk', `${mib(bytes)} MiB free for ${where}`);
}

function user({ user: { name, problem, asked } }: Facts): Check {
  if (!asked) return notAsked('user', 'not started by root: nobody else is asked for');
  if (problem !== null) {
    return failed(
      'user',
      'SETTINGS_INVALID',
      problem,
      `make it (useradd --system ${name}) or name another in the settings`,
    );
  }

  return ok('user', `user ${name}`);
}

function clock(reach: Reach): Check {
  const skew = reach.state === 'not asked' ? null : reach.skewMs;
  if (skew === null) return notAsked('clock', 'its clock was compared with none');
  const off = `${Math.abs(Math.round(skew / SECOND_MS))} s ${skew > 0 ? 'behind' : 'ahead of'} the collector`;
  if (Math.abs(skew) <= MAX_SKEW_MS) return ok('clock', Math.abs(skew) < SECOND_MS ? 'clock right' : `clock ${off}`);

  return failed(
    'clock',
    'CLOCK_WRONG',
    `the clock is ${off}`,
    'set the clock of this machine (timedatectl, chrony), or the collector’s',
  );
}

function collector(reach: Reach): Check {
  if (reach.state === 'not asked') return notAsked('collector', 'no collector was asked (--collector, --pin)');
  if (reach.state === 'failed') return failed('collector', reach.code, reach.says, reach.next);
  const way = reach.proxy === null ? 'directly' : `through the proxy ${reach.proxy}`;
  const proof = reach.proven ? '' : ', which one is not proven without --pin';

  return ok('collector', `${reach.url} reached ${way} in ${Math.round(reach.ms)} ms${proof}`);
}

function packages({ managers }: Facts): Check {
  if (managers.length > 0) return ok('packages', managers.join(', '));

  return note('packages', 'no package manager that it knows: it can look, and install nothing');
}

function updaters({ updaters: names }: Facts): readonly Check[] {
  if (names === null) return [note('updaters', 'other updaters could not be looked for')];

  return names.length === 0 ? [] : [note('updaters', `other updaters on: ${names.join(', ')}`)];
}

function serviceManager({ systemd }: Facts): Check {
  return systemd
    ? ok('service manager', 'systemd')
    : note('service manager', 'no systemd: something else has to keep `selvage-agent connect --with-runner` running');
}

/** `6.1.0-30-amd64` is at least `4.18`; what does not begin with two numbers is not. */
export function isAtLeast(version: string, least: string): boolean {
  const [major, minor] = numbersOf(version);
  const [wantedMajor, wantedMinor] = numbersOf(least);

  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function numbersOf(version: string): readonly [number, number] {
  const [, major, minor] = /^(\d{1,6})\.(\d{1,6})/.exec(version) ?? [];

  return [Number(major ?? Number.NaN), Number(minor ?? Number.NaN)];
}

function mib(bytes: number): number {
  return Math.floor(bytes / MIB);
}
