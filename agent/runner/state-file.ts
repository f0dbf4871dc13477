// Small JSON files of the runner: read whole and decoded, written durably. A file that cannot be understood is an error,
// never an empty state: what was done before must not be forgotten.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { readBounded, removeDurable, writeDurable } from '@selvage/shared/files/durable.ts';
import type { z } from 'zod';

/** The durable writes as an argument, so that a test can cut them at every point. */
export interface Files {
  write(path: string, data: Uint8Array | string, options?: { readonly mode?: number }): Promise<void>;
  remove(path: string): Promise<void>;
}

export const durableFiles: Files = { write: writeDurable, remove: removeDurable };

/** 32 MiB: the accepted policy with some thousand approvals is the largest. */
const MAX_STATE_BYTES = 32 * 1024 * 1024;

/** The decoded content, or null when there is no such file. Throws JOURNAL_INVALID. */
export async function readState<T>(path: string, schema: z.ZodType<T>): Promise<T | null> {
  const bytes = await readBounded(path, MAX_STATE_BYTES);
  if (bytes === null) return null;

  const decoded = schema.safeParse(parse(bytes, path));
  if (!decoded.success) {
    const [issue] = decoded.error.issues;
    throw new CodedError('JOURNAL_INVALID', `${path} is not understood: ${issue?.path.join('.')}: ${issue?.message}`, {
      cause: decoded.error,
      details: { file: path },
    });
  }

  return decoded.data;
}

function parse(bytes: Uint8Array, path: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new CodedError('JOURNAL_INVALID', `${path} is not JSON`, { cause: error, details: { file: path } });
  }
}

export async function writeState(files: Files, path: string, value: unknown, mode?: number): Promise<void> {
  await files.write(path, `${JSON.stringify(value)}\n`, mode === undefined ? {} : { mode });
}
