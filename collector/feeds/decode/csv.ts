// A table as text → its rows by the names of its columns.
import { parse } from 'csv-parse/sync';
import type { FeedSource } from '../feed.ts';
import { invalid } from './whole.ts';

/** Characters of a row. */
const MAX_ROW = 1024 * 1024;

/** Throws FEED_INVALID when it is no CSV or one of `needed` is missing. Rows may have fewer or more columns. */
export function csvRows(
  source: FeedSource,
  text: string,
  needed: readonly string[],
): readonly Record<string, string>[] {
  let rows: readonly Record<string, string>[];
  let titles: readonly string[] = [];
  try {
    rows = parse(text, {
      columns: (header: string[]) => {
        titles = header;

        return header;
      },
      bom: true,
      relax_column_count: true,
      max_record_size: MAX_ROW,
      skip_empty_lines: true,
    });
  } catch (error) {
    throw invalid(source, 'is no CSV', error);
  }
  const missing = needed.filter((name) => !titles.includes(name));
  if (missing.length > 0) throw invalid(source, `has no column ${missing.join(', ')}`);

  return rows;
}
