// Entries of the Packages indexes as apt keeps them on disk, read while apt builds its cache from the same files: asking apt for
// them afterwards (`apt-cache show`) takes half as long again. It streams, keeps only what may be asked for, and never guesses:
// what it does not find, or finds told in two ways, is null, and then apt is asked.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { RunOptions, RunOutput } from '@selvage/shared/exec/run.ts';
import { parseStanzas, type Stanza } from '@selvage/shared/packages/deb822.ts';

/** Starts a program of apt on the agent's own lists, as the unprivileged user; throws when it fails. */
export type AskApt = (
  file: string,
  args: readonly string[],
  options?: Pick<RunOptions, 'onBytes' | 'outputLimit'>,
) => Promise<RunOutput['stdout']>;

export interface WantedRecord {
  readonly name: string;
  readonly arch: string;
  readonly candidate: string;
}

export interface IndexRecords {
  find(wanted: WantedRecord): Stanza | null;
}

/** apt's own program that opens its files, however they are compressed; never in PATH. */
export const CAT_FILE = '/usr/lib/apt/apt-helper';
/** 1 GiB of one index; Debian's main is 52 MB. Only the entries that are kept take memory. */
export const MAX_INDEX_BYTES = 1024 * 1024 * 1024;
/** 4 MiB; the longest entry of Debian has some 20 KB. */
const MAX_ENTRY = 4 * 1024 * 1024;
/** 64 MiB of entries that are kept: some ten thousand packages in several repositories. */
const MAX_KEPT = 64 * 1024 * 1024;
/** Far more than any host has; beyond, something is wrong there that apt may judge. */
const MAX_INDEXES = 1000;
/** `…_binary-amd64_Packages.lz4`; of a flat repository `…_Packages`. */
const INDEX = /_Packages([.][a-z0-9]+)?$/;
const START = 'Package: ';
const END = '\n\n';
/** Those that are asked of a record: entries that agree in them are one. */
const READ_FIELDS = ['source', 'size', 'phased-update-percentage'];

export interface Indexes {
  /** Folder of the indexes and their names in it. */
  readonly lists: string;
  readonly indexes: readonly string[];
  /** Of the packages whose entries are kept. */
  readonly names: ReadonlySet<string>;
}

/** Names of the indexes in a lists folder; none where there are more than any host has, so that apt is asked. */
export async function indexesIn(lists: string): Promise<readonly string[]> {
  const found = (await readdir(lists)).filter((name) => INDEX.test(name)).sort();

  return found.length > MAX_INDEXES ? [] : found;
}

/**
 * Reads whole indexes, also one that apt would not read any more: what such a one alone says is never asked for. Throws PARSE
 * when one is beyond all bounds.
 */
export async function readRecords(ask: AskApt, { lists, indexes, names }: Indexes): Promise<IndexRecords> {
  const entries = new Map<string, string[]>();
  let kept = 0;

  // One after the other: apt list has the other processor.
  for (const index of indexes) {
    const reader = createEntryReader(names, (name, entry) => {
      kept += entry.length;
      if (kept <= MAX_KEPT) entries.set(name, [...(entries.get(name) ?? []), entry]);
    });
    await ask(CAT_FILE, ['cat-file', join(lists, index)], { onBytes: reader.add, outputLimit: MAX_INDEX_BYTES });
    reader.end();
    if (reader.isBroken() || kept > MAX_KEPT) throw new CodedError('PARSE', `${index} has entries beyond all bounds`);
  }

  return { find: (wanted) => findRecord(entries.get(wanted.name) ?? [], wanted) };
}

export interface EntryReader {
  add(bytes: Uint8Array): void;
  end(): void;
  /** An entry did not end within all reason; what came after it was not read. */
  isBroken(): boolean;
}

/**
 * Calls `found` with the text of each entry that begins with `Package: ` and one of the names. Bytes may be cut anywhere;
 * the names are ASCII, what is not is decoded with the whole entry.
 */
export function createEntryReader(
  names: ReadonlySet<string>,
  found: (name: string, entry: string) => void,
): EntryReader {
  let rest = '';
  let isBroken = false;
  const look = (text: string, start: number, end: number) => {
    if (!text.startsWith(START, start)) return;
    const line = text.indexOf('\n', start);
    const name = text.slice(start + START.length, line < 0 || line > end ? end : line);
    // A copy: a slice would keep the whole piece it was cut from.
    if (names.has(name)) found(name, Buffer.from(text.slice(start, end), 'latin1').toString('utf8'));
  };

  return {
    add: ({ buffer, byteOffset, byteLength }) => {
      if (isBroken) return;
      const text = rest + Buffer.from(buffer, byteOffset, byteLength).toString('latin1');
      let start = pastEmptyLines(text, 0);
      for (let end = text.indexOf(END, start); end >= 0; end = text.indexOf(END, start)) {
        look(text, start, end);
        start = pastEmptyLines(text, end + END.length);
      }
      rest = text.slice(start);
      isBroken = rest.length > MAX_ENTRY;
    },
    end: () => look(rest, 0, rest.length),
    isBroken: () => isBroken,
  };
}

/** More than one empty line between two entries belongs to neither. */
function pastEmptyLines(text: string, from: number): number {
  let start = from;
  while (text[start] === '\n') start += 1;

  return start;
}

/** The one entry of exactly that version. Null when there is none, and when entries for it say different things. */
function findRecord(entries: readonly string[], { name, arch, candidate }: WantedRecord): Stanza | null {
  const stanzas = entries
    .flatMap((entry) => parseStanzas(entry, { file: `the index entry of ${name}`, comments: false }))
    .filter(
      ({ fields }) =>
        fields.get('package') === name && fields.get('version') === candidate && fields.get('architecture') === arch,
    );
  const told = new Set(stanzas.map(({ fields }) => JSON.stringify(READ_FIELDS.map((field) => fields.get(field)))));

  return told.size === 1 ? (stanzas[0] ?? null) : null;
}
