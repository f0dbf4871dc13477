// Reports that are tables: CSV with lines before its titles, divided by commas, semicolons or tabs. Pure.
import { parse } from 'csv-parse/sync';
import { invalidReport } from './format.ts';

const DELIMITERS = [',', ';', '\t'];
/** Characters of one row: results of plugins are long. */
const MAX_RECORD = 4 * 1024 * 1024;
/** Lines that may stand before the titles. */
const MAX_PREAMBLE = 60;

export interface Table {
  /** Titles in small letters. */
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The cell of the first of these titles that there is; empty where there is none. */
  cell(row: readonly string[], ...titles: readonly string[]): string;
}

/** The line of titles, which has all of these words as cells; null when there is none near the start. */
export function titleLine(
  head: string,
  wanted: readonly string[],
): { readonly line: number; readonly delimiter: string } | null {
  const lines = head.split(/\r?\n/, MAX_PREAMBLE);
  for (const [line, text] of lines.entries()) {
    for (const delimiter of DELIMITERS) {
      const cells = new Set(text.split(delimiter).map(titleOf));
      if (wanted.every((word) => cells.has(word))) return { line, delimiter };
    }
  }

  return null;
}

/** Throws SCAN_REPORT_INVALID. */
export function tableOf(text: string, wanted: readonly string[]): Table {
  const at = titleLine(text.slice(0, MAX_RECORD), wanted);
  if (at === null) throw invalidReport(`there is no line of titles with ${wanted.join(', ')}`);
  const start = startOfLine(text, at.line);
  const [titles = [], ...rows] = records(text.slice(start), at.delimiter);
  const places = new Map(titles.map((title, index) => [titleOf(title), index]));

  return {
    titles: [...places.keys()],
    rows,
    cell: (row, ...names) => {
      const name = names.find((each) => places.has(each));

      return name === undefined ? '' : (row[places.get(name) ?? -1] ?? '').trim();
    },
  };
}

function startOfLine(text: string, line: number): number {
  let at = 0;
  for (let passed = 0; passed < line; passed++) at = text.indexOf('\n', at) + 1;

  return at;
}

function records(text: string, delimiter: string): readonly (readonly string[])[] {
  try {
    return parse(text, {
      delimiter,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      max_record_size: MAX_RECORD,
    }) as unknown as string[][];
  } catch (error) {
    throw invalidReport(`the table cannot be read: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function titleOf(text: string): string {
  return text
    .trim()
    .replace(/^"(.*)"$/, '$1')
    .trim()
    .toLowerCase();
}
