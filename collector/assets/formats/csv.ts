// Lists of machines as tables: CSV with a line of titles, divided by commas, semicolons or tabs. Pure.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { parse } from 'csv-parse/sync';
import type { Asset } from '../../store/import-ports.ts';
import { type AssetFormat, distinct, type Flaw, macOf, NOTHING } from '../format.ts';

/** Title (small letters and digits only) → what the column holds. Where several name the machine, the first one counts. */
export const TITLES = {
  name: [
    'name',
    'hostname',
    'host',
    'computername',
    'computer',
    'devicename',
    'device',
    'machinename',
    'machine',
  ].concat(['vmname', 'vm', 'servername', 'server', 'systemname', 'system', 'assetname', 'asset']),
  fqdn: ['fqdn', 'dnsname', 'fullname', 'fullyqualifieddomainname'],
  serial: ['serial', 'serialnumber', 'serialno', 'servicetag', 'sn'],
  mac: ['mac', 'macaddress', 'macaddresses', 'macs', 'ethernetaddress'],
  instance: ['instance', 'instanceid', 'vmid', 'cloudid'],
  owner: ['owner', 'responsible', 'contact', 'ownedby'],
  state: ['state', 'status', 'lifecycle'],
} as const;
type Column = keyof typeof TITLES;

/** Words with which people say that a machine is no more. */
const GONE = ['retired', 'decommissioned', 'disposed', 'scrapped', 'terminated', 'deleted', 'sold', 'lost', 'stolen'];
const DELIMITERS = [',', ';', '\t'];
const MAX_RECORD_CHARACTERS = 64 * 1024;
/** Columns that are looked at; more are no list of machines. */
const MAX_COLUMNS = 200;

export const CSV: AssetFormat = {
  name: 'csv',
  about: 'a table with a line of titles: name (or hostname, fqdn …), serial, mac, instance id, owner, state',
  gone: GONE.join(', '),
  identity: 'name',
  detect: (text) => {
    const [first = ''] = text.split('\n', 1);

    return columnsOf(split(first)).size > 0;
  },
  parse: (text) => {
    const [titles, ...records] = recordsOf(text);
    const columns = columnsOf(titles?.cells ?? []);
    if (!titles || !(columns.has('name') || columns.has('fqdn'))) {
      throw invalid(`line 1 has no title for the name of the machine, such as name, hostname or fqdn`);
    }
    const assets: Asset[] = [];
    const flaws: Flaw[] = [];
    for (const { line, cells } of records) {
      if (cells.every((cell) => cell === '')) continue;
      if (cells.length !== titles.cells.length) {
        flaws.push({ line, message: `it has ${cells.length} cells, the titles are ${titles.cells.length}` });
        continue;
      }
      const read = rowOf((column) => cells[columns.get(column) ?? -1] ?? '');
      if (typeof read === 'string') flaws.push({ line, message: read });
      else assets.push({ ...read, line });
    }

    return { assets, flaws, notes: [] };
  },
};

function rowOf(cell: (column: Column) => string): Omit<Asset, 'line'> | string {
  const macs = cell('mac')
    .split(/[\s,;|]+/)
    .filter((text) => text !== '');
  const known = macs.map(macOf);
  const wrong = macs.find((_, index) => known[index] === null);
  if (wrong !== undefined) return `${JSON.stringify(wrong.slice(0, 100))} is no MAC address`;
  const state = cell('state') || null;

  return {
    ...NOTHING,
    name: cell('name') || cell('fqdn'),
    names: distinct([cell('name'), cell('fqdn')]),
    instance: cell('instance') || null,
    serial: cell('serial') || null,
    macs: distinct(known),
    owner: cell('owner') || null,
    state,
    expected: state === null || !GONE.includes(state.toLowerCase()),
  };
}

function columnsOf(titles: readonly string[]): ReadonlyMap<Column, number> {
  const found = new Map<Column, number>();
  const plain = titles.slice(0, MAX_COLUMNS).map((title) => title.toLowerCase().replaceAll(/[^a-z0-9]/g, ''));
  for (const [column, known] of Object.entries(TITLES) as [Column, readonly string[]][]) {
    const title = known.find((each) => plain.includes(each));
    if (title !== undefined) found.set(column, plain.indexOf(title));
  }

  return found;
}

interface Line {
  readonly line: number;
  readonly cells: readonly string[];
}

function recordsOf(text: string): readonly Line[] {
  const [first = ''] = text.split('\n', 1);

  try {
    const found = parse(text, {
      delimiter: delimiterOf(first),
      info: true,
      trim: true,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: MAX_RECORD_CHARACTERS,
    }) as unknown as readonly { readonly info: { readonly lines: number }; readonly record: readonly string[] }[];

    return found.map(({ info, record }) => ({ line: info.lines, cells: record }));
  } catch (error) {
    throw invalid(`the table cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

/** The one that divides the titles most often. */
function delimiterOf(first: string): string {
  const [best] = DELIMITERS.map((delimiter) => ({ delimiter, count: first.split(delimiter).length })).sort(
    (a, b) => b.count - a.count,
  );

  return best?.delimiter ?? ',';
}

function split(first: string): readonly string[] {
  return first.split(delimiterOf(first)).map((title) => title.trim().replace(/^"(.*)"$/, '$1'));
}

function invalid(why: string, cause?: unknown): CodedError {
  return new CodedError('ASSETS_INVALID', `${why}: nothing was imported`, cause === undefined ? {} : { cause });
}
