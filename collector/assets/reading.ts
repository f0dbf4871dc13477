// A list of machines from the bytes of a file: its text, its format, its machines, and every one that cannot be taken with its
// line. Pure.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { flawIn } from '@selvage/shared/text/printable.ts';
import type { Asset } from '../store/import-ports.ts';
import { textOf } from './encoding.ts';
import type { AssetFormat, Flaw } from './format.ts';
import { FORMATS, type FormatName, formatsFor } from './formats.ts';
import { jsonOf } from './json.ts';

/** Bytes of a file: 50,000 instances of a cloud with all that it says of each. */
export const MAX_LIST_BYTES = 64 * 1024 * 1024;
const MAX_ASSETS = 200_000;
const MAX_TEXT = 253;
const MAX_NAMES = 64;
/** Flaws that are told; the rest are counted. */
const MAX_FLAWS = 100;

export interface ReadList {
  readonly format: string;
  readonly assets: readonly Asset[];
  /** Left out because the admin said so. */
  readonly skipped: readonly Flaw[];
  readonly notes: readonly string[];
}

export interface ReadOptions {
  readonly format?: FormatName | undefined;
  readonly skipInvalid: boolean;
  /** RFC 3339: what leases are held against. */
  readonly now: string;
}

/** Throws ASSETS_INVALID with every flaw and its line. */
export function readList(bytes: Uint8Array, options: ReadOptions): ReadList {
  const text = textOf(bytes);
  const format = formatOf(text, options.format);
  const parsed = format.parse(text, Temporal.Instant.from(options.now));
  if (parsed.assets.length > MAX_ASSETS) {
    throw new CodedError(
      'ASSETS_INVALID',
      `it has ${parsed.assets.length} machines; ${MAX_ASSETS} are the most: nothing was imported`,
    );
  }
  const where = format.identity === 'instance' ? 'entry' : 'line';
  const wrong = flawsOf(parsed.assets, format, where);
  const flaws = [...parsed.flaws, ...wrong].sort((a, b) => a.line - b.line);
  if (flaws.length > 0 && !options.skipInvalid) throw refused(flaws, where);
  const left = new Set(wrong.map(({ line }) => line));
  const assets = parsed.assets.filter(({ line }) => !left.has(line));
  if (assets.length === 0) {
    throw new CodedError('ASSETS_INVALID', 'there is no machine in it: nothing was imported', {
      next: 'look at the file; to remove a list: selvage asset remove SOURCE',
    });
  }

  return { format: format.name, assets, skipped: flaws, notes: parsed.notes };
}

function formatOf(text: string, name: FormatName | undefined): AssetFormat {
  const document = jsonOf(text);
  const candidates = formatsFor(name);
  const found = candidates.find((format) => format.detect(text, document));
  if (found) return found;
  const [only] = candidates;
  // Its own parser says best what is wrong with it.
  if (only && candidates.length === 1) return only;

  throw new CodedError(
    'ASSETS_INVALID',
    `it looks like no list that is known${name === 'dhcp' ? ' from a DHCP server' : ''}: nothing was imported`,
    {
      next: `say which it is with --format (${FORMATS.map((format) => format.name).join(', ')})`,
    },
  );
}

/** Empty names, names that may not be shown, and what there is twice: a name that is given again after its machine has gone is not. */
function flawsOf(assets: readonly Asset[], { identity }: AssetFormat, where: string): readonly Flaw[] {
  const first = new Map<string, number>();

  return assets.flatMap((asset): readonly Flaw[] => {
    const { line } = asset;
    if (asset.name === '') return [{ line, message: 'it has no name' }];
    const flaw = textFlaw(asset);
    if (flaw !== null) return [{ line, message: flaw }];
    if (identity === 'none' || (identity === 'name' && !asset.expected)) return [];
    const key = identity === 'name' ? asset.name.toLowerCase() : asset.instance?.toLowerCase();
    if (key === undefined) return [];
    const before = first.get(key);
    if (before !== undefined) return [{ line, message: `${asset.name} is in ${where} ${before} already` }];
    first.set(key, line);

    return [];
  });
}

function textFlaw({ name, names, instance, serial, owner, state, macs }: Asset): string | null {
  if (names.length > MAX_NAMES || macs.length > MAX_NAMES) return `it has more than ${MAX_NAMES} names or addresses`;
  for (const [what, value] of [
    ['name', name],
    ...names.map((each) => ['name', each]),
    ['instance', instance],
    ['serial', serial],
    ['owner', owner],
    ['state', state],
  ] as const) {
    const flaw = value === null || value === undefined ? null : flawIn(value, MAX_TEXT);
    if (flaw !== null) return `${what}: ${flaw}`;
  }

  return null;
}

function refused(flaws: readonly Flaw[], where: string): CodedError {
  const more = flaws.length - MAX_FLAWS;
  const errors = [
    ...flaws.slice(0, MAX_FLAWS).map(({ line, message }) => ({ path: `${where} ${line}`, message })),
    ...(more > 0 ? [{ path: '', message: `and ${more} more` }] : []),
  ];

  return new CodedError('ASSETS_INVALID', `${flaws.length} of its machines cannot be taken: nothing was imported`, {
    next: 'correct them; or leave them out with --skip-invalid, and coverage is counted without them',
    details: { errors, count: flaws.length },
  });
}
