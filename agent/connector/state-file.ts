// Small JSON files of the connector itself or of the runner, read with a bound and a schema. What does not fit is
// reported and answered like a missing file; each caller says why it can go on without it.
import { hasCode } from '@selvage/shared/errors/coded-error.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type * as z from 'zod/mini';

/** The value in the file; null when it is missing, damaged, too large or no regular file. */
export async function readJson<S extends z.ZodMiniType>(
  path: string,
  schema: S,
  maxBytes: number,
  log: Log,
): Promise<z.output<S> | null> {
  let bytes: Uint8Array | null;

  try {
    bytes = await readBounded(path, maxBytes);
  } catch (error) {
    if (!hasCode(error)) throw error;
    log.error({ path, code: error.code }, error.message);

    return null;
  }

  if (bytes === null) return null;
  const parsed = schema.safeParse(parse(bytes));
  if (parsed.success) return parsed.data;
  log.error({ path }, 'the file is damaged');

  return null;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    // Not JSON: no schema takes undefined.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
