// The page of an error code: the text in docs/errors where the program runs from a checkout, else what the code itself says.
import { join } from 'node:path';
import { CODES, type Code } from '@selvage/shared/errors/codes.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';

const FOLDER = join(import.meta.dirname, '../../docs/errors');
const MAX_BYTES = 64 * 1024;

export async function errorPage(code: Code, folder: string = FOLDER): Promise<string> {
  const bytes = await readBounded(join(folder, `${code}.md`), MAX_BYTES);
  if (bytes !== null) return Buffer.from(bytes).toString('utf8');
  const { exit, rule, next } = CODES[code];

  return `# ${code}\n\nExit code ${exit}; rule \`${rule}\`.\n\nnext: ${next}\n`;
}
