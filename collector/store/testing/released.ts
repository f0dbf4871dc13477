// Databases that collectors of earlier releases left behind, with live rows. For tests only.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';

const FOLDER = join(import.meta.dirname, '../released');
const NAME = /^schema-(\d+)\.db\.zst$/;

/** Schemas of which there is a database, in order. */
export const RELEASED_SCHEMAS: readonly number[] = readdirSync(FOLDER)
  .flatMap((name) => NAME.exec(name)?.[1] ?? [])
  .map(Number)
  .sort((a, b) => a - b);

/** Writes the database of that schema to `file`. */
export function putReleased(schema: number, file: string): void {
  writeFileSync(file, zstdDecompressSync(readFileSync(join(FOLDER, `schema-${schema}.db.zst`))), { mode: 0o600 });
}
