// collect.sh as it lies beside this program: whoever imports what it writes need not look for it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export function collectScript(): Promise<string> {
  return readFile(join(import.meta.dirname, '../../packaging/collect/collect.sh'), 'utf8');
}
