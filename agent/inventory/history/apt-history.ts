// apt's history.log: what apt was asked to do, by whom, with which command line. Pure. Labels are English in every language; dates
// are local time. An entry without an end goes on, or its machine stopped.
import type { ToldChange } from '@selvage/shared/model/changes.ts';
import { localTimes } from './local-times.ts';
import { type Found, toldOf } from './told.ts';

/** Characters of a line that is looked at: a new release with 4,000 packages has 300,000. */
const MAX_LINE = 1024 * 1024;

/** `local`: beginning and end as the log has them, to be compared with those of dpkg's log. */
export interface AptEntry {
  readonly found: Found;
  readonly local: { readonly start: string; readonly end: string | null };
}

/*
 * Start-Date: 2025-06-24  14:36:29
 * Commandline: apt-get install -qqy curl
 * Requested-By: anna (1000)
 * Install: libssh2-1:amd64 (1.10.0-3+b1, automatic), curl:amd64 (7.88.1-10+deb12u12)
 * Upgrade: libudev1:amd64 (252.36-1~deb12u1, 252.38-1~deb12u1)
 * Error: Sub-process /usr/bin/dpkg returned an error code (1)
 * End-Date: 2025-06-24  14:36:31
 */
export function parseAptHistory(text: string, zone: string): readonly AptEntry[] {
  const times = localTimes(zone);
  const entries: AptEntry[] = [];
  let open: Map<string, string> | null = null;

  const close = () => {
    const entry = open && entryOf(open, times.read);
    if (entry) entries.push(entry);
    open = null;
  };

  for (const line of text.split('\n')) {
    const label = /^([A-Z][A-Za-z-]{1,30}): ?/.exec(line.length > MAX_LINE ? line.slice(0, MAX_LINE) : line);
    if (!label?.[1]) continue;
    if (label[1] === 'Start-Date') {
      close();
      open = new Map();
    }
    // The first of each: an entry has every label once, and a second one would be somebody else's.
    if (open && !open.has(label[1])) open.set(label[1], line.slice(label[0].length, MAX_LINE));
    if (label[1] === 'End-Date') close();
  }
  close();

  return entries;
}

function entryOf(open: ReadonlyMap<string, string>, read: ReturnType<typeof localTimes>['read']): AptEntry | null {
  const start = localOf(open.get('Start-Date'));
  const began = start && read(start.date, start.time);
  if (!start || !began) return null;
  const end = localOf(open.get('End-Date'));
  const ended = end && read(end.date, end.time);
  const beginning = `${start.date} ${start.time}`;

  return {
    local: { start: beginning, end: end && `${end.date} ${end.time}` },
    found: {
      source: 'apt',
      beginning,
      at: began.at,
      endedAt: ended?.at ?? null,
      certain: began.certain && (ended?.certain ?? true),
      actor: open.get('Requested-By') ?? null,
      command: open.get('Commandline') ?? null,
      problem: open.get('Error') ?? null,
      changes: changesOf(open),
    },
  };
}

function localOf(value: string | undefined): { readonly date: string; readonly time: string } | null {
  const [, date, time] = /^(\d{4}-\d\d-\d\d)\s{1,4}(\d\d:\d\d:\d\d)\s*$/.exec(value ?? '') ?? [];

  return date && time ? { date, time } : null;
}

type Versions = (first: string, second: string) => Pick<ToldChange, 'from' | 'to'>;
/** Label → what the versions in its brackets are; the word "automatic" may take the second place. */
const LABELS: readonly (readonly [string, Versions])[] = [
  ['Install', (first) => ({ from: null, to: first })],
  ['Reinstall', (first) => ({ from: first, to: first })],
  ['Upgrade', (first, second) => ({ from: first, to: second })],
  ['Downgrade', (first, second) => ({ from: first, to: second })],
  ['Remove', (first) => ({ from: first, to: null })],
  ['Purge', (first) => ({ from: first, to: null })],
  ['Disappeared', (first) => ({ from: first, to: null })],
];
const ITEM = /([^\s,:()]+)(?::([^\s,:()]+))? \(([^(),\s]*)(?:, ([^(),\s]*))?(?:, [^()]*)?\)/g;

function changesOf(open: ReadonlyMap<string, string>): readonly ToldChange[] {
  return LABELS.flatMap(([label, versions]) =>
    [...(open.get(label) ?? '').matchAll(ITEM)].flatMap(([, name, arch, first = '', second = '']) => {
      if (!name) return [];
      const { from, to } = versions(first, second);
      // Brackets without versions: an entry that was cut or invented says nothing of this package.
      if (from === '' || to === '') return [];

      return [{ name, arch: arch ?? 'all', from, to }];
    }),
  );
}

export function aptTold(entries: readonly AptEntry[]) {
  return entries.map(({ found }) => toldOf(found)).filter((one) => one !== null);
}
