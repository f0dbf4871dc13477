// What a format of lists of machines is: one file each in formats/, and a line in ./formats.ts. Pure.
import type { Asset } from '../store/import-ports.ts';

export type Found = Omit<Asset, 'line'>;

/** What is wrong with one machine of a list. */
export interface Flaw {
  /** A line of the file, or the number of the entry where the format has no lines. */
  readonly line: number;
  readonly message: string;
}

export interface Parsed {
  readonly assets: readonly Asset[];
  readonly flaws: readonly Flaw[];
  /** What was left out on purpose, in sentences. */
  readonly notes: readonly string[];
}

export interface AssetFormat {
  readonly name: string;
  /** What makes such a file, for help texts. */
  readonly about: string;
  /** Which states of the format's own say that a machine is gone, for help texts. */
  readonly gone: string;
  /** What makes an entry one machine: two with the same are an error. */
  readonly identity: 'name' | 'instance' | 'none';
  /** True where the file looks like one of these. `document`: the text as JSON, undefined where it is none. */
  detect(text: string, document: unknown): boolean;
  /** Throws ASSETS_INVALID where the whole file is of another kind or cut. */
  parse(text: string, now: Temporal.Instant): Parsed;
}

/** An asset of which nothing is known but its name. */
export const NOTHING: Found = {
  name: '',
  names: [],
  instance: null,
  serial: null,
  macs: [],
  owner: null,
  state: null,
  expected: true,
};

/** `00-0D-3A-12-34-56`, `000D.3A12.3456` and others as `00:0d:3a:12:34:56`; null for what is none. */
export function macOf(text: string): string | null {
  const digits = text.trim().toLowerCase().replaceAll(/[:.-]/g, '');
  if (!/^[0-9a-f]{12}$/.test(digits) || /^(0{12}|f{12})$/.test(digits)) return null;

  return digits.match(/../g)?.join(':') ?? null;
}

/** Each once and without the empty ones. */
export function distinct(values: readonly (string | null | undefined)[]): string[] {
  return [...new Set(values.filter((value): value is string => typeof value === 'string' && value !== ''))];
}
