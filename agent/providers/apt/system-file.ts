// Reads a text file that root owns and that may be a link (as /etc/os-release and many sources are). Bounded; never for
// files that another user may have planted: those go through readBounded with O_NOFOLLOW.
import { open } from 'node:fs/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';

/** The text, or null when there is no such file. Throws FILE_TOO_LARGE; errors of the operating system pass through. */
export async function readSystemFile(path: string, maxBytes: number): Promise<string | null> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) return null;
    throw error;
  });
  if (!file) return null;

  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new CodedError('FILE_UNSAFE', `${path} is not a regular file`);
    if (facts.size > maxBytes) throw new CodedError('FILE_TOO_LARGE', `${path} has more than ${maxBytes} bytes`);

    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
