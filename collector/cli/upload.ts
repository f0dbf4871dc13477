// A file that is sent to the collector: bounded, a regular one, with the date when it was last written.
import { stat } from 'node:fs/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import { hasErrno, readBounded } from '@selvage/shared/files/durable.ts';

export interface Upload {
  readonly bytes: Uint8Array;
  /** RFC 3339. */
  readonly date: string;
}

/** Throws NOT_FOUND, FILE_UNSAFE, FILE_UNREADABLE; `refusal` for one that is empty or larger than `maxBytes`. */
export async function readUpload(path: string, maxBytes: number, refusal: Code): Promise<Upload> {
  const facts = await stat(path).catch(unreadable(path));
  if (facts.isFile() && facts.size > maxBytes) {
    throw new CodedError(refusal, `${path} has ${facts.size} bytes; ${maxBytes} are the most: nothing was imported`);
  }
  const bytes = await readBounded(path, maxBytes).catch(unreadable(path));
  if (bytes === null) throw new CodedError('NOT_FOUND', `there is no file ${path}`, { next: 'check the path' });
  if (bytes.length === 0) throw new CodedError(refusal, `${path} is empty: nothing was imported`);

  return { bytes, date: Temporal.Instant.fromEpochMilliseconds(Math.floor(facts.mtimeMs)).toString() };
}

function unreadable(path: string) {
  return (error: unknown): never => {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) {
      throw new CodedError('NOT_FOUND', `there is no file ${path}`, { cause: error, next: 'check the path' });
    }
    if (hasErrno(error, 'EACCES', 'EPERM')) {
      throw new CodedError('FILE_UNREADABLE', `${path} may not be read`, {
        cause: error,
        next: 'let the user who runs this command read it',
      });
    }
    throw error;
  };
}
