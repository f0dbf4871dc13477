// pacman's log: times with their offset, the command, then one line a package. Pure.
import type { ToldChange } from '@selvage/shared/model/changes.ts';
import { toldOf } from './told.ts';

const MAX_LINE = 8192;
/** Packages of pacman have an architecture, its log does not say it. */
const ARCH = 'any';
const LINE = /^\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)([+-]\d\d):?(\d\d)\] \[(PACMAN|ALPM)\] (.*)$/;
const CHANGE = /^(installed|upgraded|downgraded|reinstalled|removed) (\S+) \(([^()\s]+)(?: -> ([^()\s]+))?\)$/;

interface Open {
  readonly beginning: string;
  readonly at: string;
  endedAt: string | null;
  readonly command: string | null;
  readonly changes: ToldChange[];
}

/*
 * [2026-11-20T10:03:56+0100] [PACMAN] Running 'pacman -Syu'
 * [2026-11-20T10:04:01+0100] [ALPM] transaction started
 * [2026-11-20T10:04:02+0100] [ALPM] upgraded openssl (3.0.1-1 -> 3.0.2-1)
 * [2026-11-20T10:04:03+0100] [ALPM] transaction completed
 */
export function parsePacmanLog(text: string) {
  const done: Open[] = [];
  let command: string | null = null;
  let open: Open | null = null;

  for (const line of text.split('\n')) {
    const [, local, hours, minutes, who, said] = line.length > MAX_LINE ? [] : (LINE.exec(line) ?? []);
    const at = local && hours && minutes && said ? instantOf(`${local}${hours}:${minutes}`) : null;
    if (at === null || said === undefined) continue;
    if (who === 'PACMAN') {
      command = /^Running '(.*)'$/.exec(said)?.[1] ?? command;
      continue;
    }
    if (said === 'transaction started') {
      open = { beginning: `${local}${hours}${minutes}`, at, endedAt: null, command, changes: [] };
      done.push(open);
    } else if (said === 'transaction completed' || said === 'transaction failed') {
      if (open) open.endedAt = at;
      open = null;
    } else if (open) {
      const change = changeOf(said);
      if (change) open.changes.push(change);
    }
  }

  return done.map((one) => toldOf({ source: 'pacman', certain: true, ...one })).filter((one) => one !== null);
}

function changeOf(said: string): ToldChange | null {
  const [, word, name, first, second] = CHANGE.exec(said) ?? [];
  if (!name || !first) return null;
  const package_ = { name, arch: ARCH };

  switch (word) {
    case 'installed':
      return { ...package_, from: null, to: first };
    case 'removed':
      return { ...package_, from: first, to: null };
    case 'reinstalled':
      return { ...package_, from: first, to: first };
    default:
      return second ? { ...package_, from: first, to: second } : null;
  }
}

function instantOf(text: string): string | null {
  try {
    return Temporal.Instant.from(text).toString();
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
