// A comparison as CSV to hand back. Pure, in steps: a report has a hundred thousand lines. What a spreadsheet would run as a formula is text: names and titles come from others.
import type { Comparison, Line } from './joining.ts';

const TITLES = ['group', 'host', 'cve', 'package', 'severity', 'state', 'answer', 'source', 'record', 'rule', 'as of'];
/** Not the pair of RFC 4180: a terminal is shown no carriage return, and every reader takes this. */
const LINE_END = '\n';
/** Rows written between two steps. */
const STEP = 256;

export function* spreadsheetSteps(comparison: Comparison): Generator<void, string> {
  const written: string[] = [];
  for (const row of rowsOf(comparison)) {
    written.push(`${row.map(cellOf).join(',')}${LINE_END}`);
    if (written.length % STEP === 0) yield;
  }

  return written.join('');
}

function* rowsOf({ agreed, answered, open, oursOnly, unknownHosts }: Comparison): Generator<readonly string[]> {
  yield TITLES;
  for (const line of agreed) yield rowOf('agreed', line);
  for (const line of answered) yield rowOf('scanner only, answered', line);
  for (const line of open) yield rowOf('scanner only, open', line);
  for (const line of oursOnly) yield rowOf('ours only', line);
  for (const { host, findings, why } of unknownHosts)
    yield ['host not found', host, '', '', '', '', `${findings} findings; ${why}`, '', '', '', ''];
}

function rowOf(group: string, line: Line): readonly string[] {
  const [first] = line.evidence;

  return [
    ...[
      group,
      line.name,
      line.cve,
      line.package ?? '',
      line.severity ?? '',
      line.state ?? line.kind ?? '',
      line.answer,
    ],
    ...[first?.feed ?? '', first?.record ?? '', first?.rule ?? '', first?.feedAsOf ?? ''],
  ];
}

/**
 * Quoted where it has to be; with an apostrophe before it where a spreadsheet would take it for a formula: by a sign of its own width or
 * of the width that is usual in East Asia.
 */
export function cellOf(text: string): string {
  const safe = /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/.test(text) ? `'${text}` : text;

  return /[",;\t\r\n']/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
