// Rows of the gzipped files that the snapshot is made of, one at a time: the sets are too big to lie in memory twice.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

async function* linesOf(file: string): AsyncGenerator<string> {
  for await (const line of createInterface({ input: createReadStream(file).pipe(createGunzip()) })) {
    if (line !== '') yield line;
  }
}

/** One JSON document a line. */
export async function* documentsOf<Document>(file: string): AsyncGenerator<Document> {
  for await (const line of linesOf(file)) yield JSON.parse(line);
}

/** Rows of a table whose first line names its columns; lines that begin with # are none. */
export async function* tableOf(file: string, separator: ',' | '\t'): AsyncGenerator<Readonly<Record<string, string>>> {
  let columns: readonly string[] | null = null;

  for await (const line of linesOf(file)) {
    if (line.startsWith('#')) continue;
    const cells = line.split(separator);
    if (columns === null) columns = cells;
    else yield Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']));
  }
}
