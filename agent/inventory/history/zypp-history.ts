// zypper's history: fields between bars, local time, one line a package and one for the command before them. Pure. It does not say
// which version was there before.
import type { ToldChange } from '@selvage/shared/model/changes.ts';
import { localTimes } from './local-times.ts';
import { toldOf } from './told.ts';

/** Seconds after which a package is no more of the command before it: a background service writes none. */
const APART_MS = 30 * 60_000;
const MAX_LINE = 8192;

interface Open {
  readonly beginning: string;
  readonly at: string;
  endedAt: string;
  certain: boolean;
  readonly actor: string | null;
  readonly command: string | null;
  readonly changes: ToldChange[];
}

/*
 * # 2026-11-20 10:03:58 foo-1.0-1.1.x86_64.rpm installed ok
 * 2026-11-20 10:03:56|command|root@host|'zypper' 'install' 'foo'|
 * 2026-11-20 10:03:58|install|foo|1.0-1.1|x86_64|root@host|repo-oss|0a1b2c|
 * 2026-11-20 10:04:10|remove |bar|2.0-3.1|x86_64|root@host|
 */
export function parseZyppHistory(text: string, zone: string) {
  const times = localTimes(zone);
  const done: Open[] = [];
  let open: Open | null = null;

  for (const line of text.split('\n')) {
    if (line.startsWith('#') || line.length > MAX_LINE) continue;
    const [stamp = '', action = '', first = '', second = '', third = '', fourth = ''] = line.split('|');
    const word = action.trim();
    const when = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(stamp)
      ? times.read(stamp.slice(0, 10), stamp.slice(11))
      : null;
    if (when === null) continue;
    if (word === 'command') {
      open = begin(stamp, when, { actor: userOf(first), command: second.replaceAll("'", '') || null });
      done.push(open);
      continue;
    }
    if ((word !== 'install' && word !== 'remove') || first === '' || second === '') continue;
    if (open === null || Date.parse(when.at) - Date.parse(open.endedAt) > APART_MS) {
      open = begin(stamp, when, { actor: userOf(fourth), command: null });
      done.push(open);
    }
    open.endedAt = when.at;
    open.certain &&= when.certain;
    const [from, to] = word === 'install' ? [null, second] : [second, null];
    open.changes.push({ name: first, arch: third || 'noarch', from, to });
  }

  return done.map((one) => toldOf({ source: 'zypper', ...one })).filter((one) => one !== null);
}

function begin(
  beginning: string,
  { at, certain }: { readonly at: string; readonly certain: boolean },
  by: Pick<Open, 'actor' | 'command'>,
): Open {
  return { beginning, at, endedAt: at, certain, ...by, changes: [] };
}

/** `root@host` → `root`. */
function userOf(text: string): string | null {
  return text.split('@')[0] || null;
}
