// The table of docs/matching.md that explains every difference between our findings and another list: read by tests, so that it is true.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PAGE = join(import.meta.dirname, '../../../docs/matching.md');
const HEADING = '## Differences';

/** `list rule` → how many rows of that list differ for that reason. */
export function explainedDifferences(list: string): Readonly<Record<string, number>> {
  const [, section = ''] = readFileSync(PAGE, 'utf8').split(HEADING);
  const rows = section
    .split('\n## ')[0]
    ?.split('\n')
    .filter((line) => line.startsWith(`| ${list} |`))
    .map((line) => line.split('|').map((cell) => cell.trim()));

  return Object.fromEntries((rows ?? []).map(([, , rule = '', count = '']) => [rule, Number(count)]));
}

/** How often each reason holds; what none explains stands under its own text, so that a failing test shows it. */
export function counted(
  rows: readonly string[],
  reasonOf: (row: string) => string | null,
): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};

  for (const row of rows) {
    const reason = reasonOf(row) ?? `unexplained: ${row}`;
    counts[reason] = (counts[reason] ?? 0) + 1;
  }

  return counts;
}
