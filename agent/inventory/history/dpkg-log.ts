// dpkg's own log: every package that was unpacked or removed, whoever asked. Pure. What an apt transaction tells of is left out by
// ./merge.ts; what remains was done with dpkg alone. It names no user.
import type { ToldChange } from '@selvage/shared/model/changes.ts';
import { localTimes } from './local-times.ts';
import type { Found } from './told.ts';

export interface DpkgEntry {
  readonly found: Found;
  /** Beginning and end as the log has them. */
  readonly local: { readonly start: string; readonly end: string };
}

/** What dpkg was called for, as its first line says. */
const CALLS: Readonly<Record<string, string>> = {
  'archives install': 'dpkg --install',
  'archives unpack': 'dpkg --unpack',
  'packages configure': 'dpkg --configure',
  'packages remove': 'dpkg --remove',
  'packages purge': 'dpkg --purge',
};
const LINE = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) (startup|install|upgrade|remove|disappear|status) (.{1,600})$/;
const INSTALLED = 'installed';

interface Open {
  readonly start: string;
  end: string;
  readonly call: string | null;
  readonly changes: Map<string, ToldChange>;
  /** Package → state and version that dpkg said last. */
  readonly states: Map<string, string>;
}

/*
 * 2025-06-24 14:36:25 startup archives unpack
 * 2025-06-24 14:36:25 upgrade libsystemd0:amd64 252.36-1~deb12u1 252.38-1~deb12u1
 * 2025-06-24 14:36:25 install gamma:all <none> 1.0
 * 2025-06-24 14:36:25 remove beta:all 1.0 <none>
 * 2025-06-24 14:36:25 status installed gamma:all 1.0
 *
 * `whole` is false where the text does not begin with the log: what comes before the first start of dpkg is half of something then.
 */
export function parseDpkgLog(text: string, zone: string, whole: boolean): readonly DpkgEntry[] {
  const times = localTimes(zone);
  const entries: DpkgEntry[] = [];
  let open: Open | null = null;

  const close = () => {
    const entry = open && entryOf(open, times.read);
    if (entry) entries.push(entry);
    open = null;
  };

  for (const line of linesOf(text)) {
    const [, date, time, word, rest] = LINE.exec(line) ?? [];
    if (!date || !time || !word || !rest) continue;
    const at = `${date} ${time}`;
    if (word === 'startup') {
      close();
      open = opened(at, CALLS[rest.trim()] ?? null);
      continue;
    }
    // A log that was rotated in the middle of a call begins without its first line.
    if (open === null && !whole) continue;
    open ??= opened(at, null);
    note(open, word, rest.split(' '));
    open.end = at;
  }
  close();

  return entries;
}

/** Most lines say of states what nobody asks: only those are matched that can be of use. */
function* linesOf(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    const end = text.indexOf('\n', from);
    const line = text.slice(from, end === -1 ? text.length : end);
    from = end === -1 ? text.length : end + 1;
    if (line.charCodeAt(20) !== CHAR_S || line.startsWith('startup ', 20) || line.startsWith('status installed ', 20)) {
      yield line;
    }
  }
}

const CHAR_S = 's'.charCodeAt(0);

function opened(at: string, call: string | null): Open {
  return { start: at, end: at, call, changes: new Map(), states: new Map() };
}

function note(open: Open, word: string, [first = '', second = '', third = '']: readonly string[]): void {
  if (word === 'status') {
    if (first === INSTALLED) open.states.set(second, third);

    return;
  }
  const [name = '', arch = 'all'] = first.split(':');
  if (name === '' || second === '') return;
  const before = open.changes.get(first);
  // Installed over what a removal had left: that was not there.
  const from = word === 'install' ? null : second;
  const to = word === 'install' || word === 'upgrade' ? third : null;
  if (to === '') return;
  // What it said before counts no more: it says "installed" of what it is about to remove, too.
  open.states.delete(first);
  open.changes.set(first, { name, arch, from: before === undefined ? from : before.from, to });
}

function entryOf(open: Open, read: ReturnType<typeof localTimes>['read']): DpkgEntry | null {
  const [began, ended] = [open.start, open.end].map((local) => read(local.slice(0, 10), local.slice(11)));
  // An upgrade that failed ends where it began: dpkg says then that the old version is installed.
  const changes = [...open.changes].flatMap(([key, change]) =>
    change.from !== null && change.to !== change.from && open.states.get(key) === change.from ? [] : [change],
  );
  if (!began || !ended || changes.length === 0) return null;

  return {
    local: { start: open.start, end: open.end },
    found: {
      source: 'dpkg',
      beginning: open.start,
      at: began.at,
      endedAt: ended.at,
      certain: began.certain && ended.certain,
      command: open.call,
      changes,
    },
  };
}
