// Puts what several logs tell together: each transaction once, newest first, no more than fits. Pure.
import type { Changes, Told, ToldChange } from '@selvage/shared/model/changes.ts';
import type { AptEntry } from './apt-history.ts';
import type { DpkgEntry } from './dpkg-log.ts';
import type { LogProblem } from './logs.ts';
import { toldOf } from './told.ts';

const MAX_PROBLEMS = 64;
const MAX_TEXT = 512;
/** apt writes the seconds of its beginning before, those of its end after dpkg's. */
const END_OF_TIME = '9999';

/** How a person calls dpkg; apt unpacks and configures. */
const BY_HAND = 'dpkg --install';

/** What dpkg did by itself. Both logs are local time of the same clock, so their texts are compared: no zone can come between. */
export function dpkgOnly(dpkg: readonly DpkgEntry[], apt: readonly AptEntry[]): readonly Told[] {
  const known = apt
    .map(({ local, found }, index) => ({
      start: local.start,
      // One without an end goes on until the next one begins.
      end: local.end ?? apt[index + 1]?.local.start ?? END_OF_TIME,
      changes: new Set(found.changes.map(keyOf)),
    }))
    .sort((a, b) => (a.start < b.start ? -1 : 1));
  const oldest = known[0]?.start ?? '';

  return dpkg.flatMap(({ local, found }) => {
    // Apt's log of that time was rotated away, so what apt did cannot be told apart: only what apt never does is told.
    if (local.start < oldest && found.command !== BY_HAND) return [];
    const during = known.filter(({ start, end }) => start <= local.end && local.start <= end);
    const rest = found.changes.filter((change) => !during.some(({ changes }) => changes.has(keyOf(change))));
    const told = rest.length === 0 ? null : toldOf({ ...found, changes: rest });

    return told === null ? [] : [told];
  });
}

/** apt says the native architecture of packages that have none. */
function keyOf({ name, to }: ToldChange): string {
  return `${name} ${to ?? ''}`;
}

/** What rpm installed and none of the others tells of. */
export function rpmOnly(rpm: readonly Told[], others: readonly Told[]): readonly Told[] {
  const told = new Set(others.flatMap(({ changes }) => changes.map(({ name, arch, to }) => `${name} ${arch} ${to}`)));

  return rpm.flatMap((one) => {
    const changes = one.changes.filter(({ name, arch, to }) => !told.has(`${name} ${arch} ${to}`));

    return changes.length === 0 ? [] : [{ ...one, changes }];
  });
}

export function bounded(
  all: { readonly told: readonly Told[]; readonly complete: boolean; readonly problems: readonly LogProblem[] },
  limits: { readonly most: number; readonly changes: number },
): Changes {
  const unique = [...new Map(all.told.map((one) => [one.id, one])).values()].reverse().sort(newestFirst);
  const kept: Told[] = [];
  let left = limits.changes;
  for (const one of unique) {
    left -= one.changes.length;
    if (left < 0 || kept.length === limits.most) break;
    kept.push(one);
  }

  return {
    complete: all.complete && kept.length === unique.length,
    problems: all.problems
      .slice(0, MAX_PROBLEMS)
      .map(({ log, code, reason }) => ({ log: log.slice(0, MAX_TEXT), code, reason: reason.slice(0, MAX_TEXT) })),
    told: kept,
  };
}

/** Of one second the order of the log stays: each comes oldest first, and is turned around before. */
function newestFirst(a: Told, b: Told): number {
  return Date.parse(b.at) - Date.parse(a.at);
}
