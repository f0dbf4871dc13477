// What the formats in JSON share: the list of entries of a document, and the texts in them. Pure.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { z } from 'zod';
import type { Asset } from '../store/import-ports.ts';
import type { Flaw, Found, Parsed } from './format.ts';

export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Each entry by its shape; one that does not have it is a flaw. Throws ASSETS_INVALID where there is no list. */
export function readEntries<S extends z.ZodType>(
  entries: unknown,
  shape: S,
  what: string,
  read: (entry: z.output<S>) => Found,
): Parsed {
  if (!Array.isArray(entries)) {
    throw new CodedError('ASSETS_INVALID', `it is no JSON of ${what}: nothing was imported`);
  }
  const assets: Asset[] = [];
  const flaws: Flaw[] = [];
  for (const [index, entry] of entries.entries()) {
    const line = index + 1;
    const parsed = shape.safeParse(entry);
    if (parsed.success) assets.push({ ...read(parsed.data), line });
    else {
      const [issue] = parsed.error.issues;
      flaws.push({ line, message: `${issue?.path.join('.')}: ${issue?.message}` });
    }
  }

  return { assets, flaws, notes: [] };
}
