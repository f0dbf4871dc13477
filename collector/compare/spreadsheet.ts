// A comparison as CSV to hand back. Pure. What a spreadsheet would run as a formula is text: names and titles come from others.
import type { Comparison, Line } from './joining.ts';

const TITLES = ['group', 'host', 'cve', 'package', 'severity', 'state', 'answer', 'source', 'record', 'rule', 'as of'];
/** Not the pair of RFC 4180: a terminal is shown no carriage return, and every reader takes this. */
const LINE_END = '\n';

export function spreadsheetOf(comparison: Comparison): string {
  const rows = [
    ...comparison.agreed.map((line) => rowOf('agreed', line)),
    ...comparison.answered.map((line) => rowOf('scanner only, answered', line)),
    ...comparison.open.map((line) => rowOf('scanner only, open', line)),
    ...comparison.oursOnly.map((line) => rowOf('ours only', line)),
    ...comparison.unknownHosts.map(({ host, findings, why }) => [
      ...['host not found', host, '', '', '', '', `${findings} findings; ${why}`, '', '', '', ''],
    ]),
  ];

  return [TITLES, ...rows].map((row) => `${row.map(cellOf).join(',')}${LINE_END}`).join('');
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
