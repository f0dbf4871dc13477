// What commands write to: lines and tables that fit the terminal, or one JSON document. Text from hosts and other
// people is made harmless first: no control characters reach a terminal.

import { harmless, harmlessJson, harmlessLines } from '@selvage/shared/text/harmless.ts';
import { jsonPieces } from '../api/json-text.ts';

export interface Output {
  write(text: string): unknown;
  /** Width of the terminal, undefined when it is none. */
  readonly columns?: number | undefined;
  readonly isTTY?: boolean | undefined;
}

export type Tone = 'plain' | 'good' | 'bad' | 'dim' | 'strong';

export interface Screen {
  readonly width: number;
  line(text?: string, tone?: Tone): void;
  table(columns: readonly Column[], rows: readonly (readonly Cell[])[]): void;
  json(value: unknown): void;
  /** Several lines as they are, such as YAML. */
  text(text: string): void;
  /** The same for a file whose lines must end with CR and LF. */
  crlf(text: string): void;
  /** Progress and hints beside the answer, on standard error. */
  note(text: string): void;
}

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** May be cut to fit the width; other columns never are. */
  readonly shrinks?: boolean;
}

/** A cell; null is an unknown count and shown as `?`. */
export type Cell = string | number | null;

const DEFAULT_WIDTH = 80;
const MIN_WIDTH = 40;
const GAP = '  ';
const NARROWEST = 6;
const TONES: Record<Tone, string> = { plain: '', good: '\x1b[32m', bad: '\x1b[31m', dim: '\x1b[2m', strong: '\x1b[1m' };
const RESET = '\x1b[0m';
export interface ScreenOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function createScreen({ stdout, stderr, env }: ScreenOptions): Screen {
  const width = Math.max(MIN_WIDTH, stdout.columns ?? DEFAULT_WIDTH);
  // https://no-color.org: set and not empty means no colour.
  const coloured = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  const line = (text = '', tone: Tone = 'plain') => {
    const safe = harmless(text).trimEnd();
    stdout.write(coloured && TONES[tone] !== '' ? `${TONES[tone]}${safe}${RESET}\n` : `${safe}\n`);
  };

  return {
    width,
    line,
    table: (columns, rows) => {
      const [head, ...body] = layOut(columns, rows, width);
      line(head, 'dim');
      for (const row of body) line(row);
    },
    json: (value) => {
      // Thousands of hosts are not one text: what reads them has the first ones at once.
      for (const piece of jsonPieces(value, 2)) stdout.write(harmlessJson(piece));
      stdout.write('\n');
    },
    text: (text) => stdout.write(harmlessLines(text)),
    crlf: (text) => stdout.write(harmlessLines(text.replaceAll('\r\n', '\n')).replaceAll('\n', '\r\n')),
    note: (text) => stderr.write(`${harmless(text)}\n`),
  };
}

/** Rows of a table as lines, title row first, none wider than `width` while columns that shrink can give way. */
export function layOut(columns: readonly Column[], rows: readonly (readonly Cell[])[], width: number): string[] {
  const texts = [columns.map(({ title }) => title), ...rows.map((row) => row.map(shown))];
  const widths = columns.map((_, index) => Math.max(...texts.map((row) => lengthOf(row[index] ?? ''))));

  for (;;) {
    const total = widths.reduce((sum, each) => sum + each, GAP.length * (columns.length - 1));
    const widest = widestThatShrinks(columns, widths);
    if (total <= width || widest === null) break;
    widths[widest] = Math.max(NARROWEST, (widths[widest] ?? 0) - Math.min(total - width, 4));
  }

  return texts.map((row) =>
    columns
      .map(({ align }, index) => pad(fit(row[index] ?? '', widths[index] ?? 0), widths[index] ?? 0, align ?? 'left'))
      .join(GAP)
      .trimEnd(),
  );
}

function widestThatShrinks(columns: readonly Column[], widths: readonly number[]): number | null {
  let found: number | null = null;
  for (const [index, { shrinks }] of columns.entries()) {
    const size = widths[index] ?? 0;
    if (shrinks === true && size > NARROWEST && (found === null || size > (widths[found] ?? 0))) found = index;
  }

  return found;
}

function shown(cell: Cell): string {
  if (cell === null) return '?';

  return typeof cell === 'number' ? cell.toLocaleString('en-US') : harmless(cell);
}

function fit(text: string, width: number): string {
  return lengthOf(text) <= width ? text : `${[...text].slice(0, width - 1).join('')}…`;
}

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - lengthOf(text)));

  return align === 'right' ? space + text : text + space;
}

function lengthOf(text: string): number {
  return [...text].length;
}
