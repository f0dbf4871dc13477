// What the agent remembers of its refreshes, per repository, in one small durable file. A file that cannot be read counts
// as no memory: then nothing is believed until the next refresh.

import { CODES, type Code } from '@selvage/shared/errors/codes.ts';
import { readBounded, writeDurable } from '@selvage/shared/files/durable.ts';
import * as z from 'zod';
import type { RefreshRecord } from './belief.ts';

export type RefreshState = ReadonlyMap<string, RefreshRecord>;

/** 4 MiB; a repository takes about 300 bytes. */
const MAX_STATE_BYTES = 4 * 1024 * 1024;
const STATE_MODE = 0o644;

const instant = z.iso.datetime();
const document = z.strictObject({
  format: z.literal(1),
  repositories: z.record(
    z.string(),
    z.strictObject({
      lastAttempt: instant,
      lastSuccess: instant.nullable(),
      newestDate: instant.nullable(),
      error: z.strictObject({ code: z.enum(Object.keys(CODES) as [Code, ...Code[]]), reason: z.string() }).nullable(),
    }),
  ),
});

export async function readRefreshState(path: string): Promise<RefreshState> {
  const bytes = await readBounded(path, MAX_STATE_BYTES);
  const read = document.safeParse(bytes === null ? null : parse(bytes));
  if (!read.success) return new Map();

  return new Map(
    Object.entries(read.data.repositories).map(([id, record]) => [
      id,
      {
        lastAttempt: Temporal.Instant.from(record.lastAttempt),
        lastSuccess: toInstant(record.lastSuccess),
        newestDate: toInstant(record.newestDate),
        error: record.error,
      },
    ]),
  );
}

export async function writeRefreshState(path: string, state: RefreshState): Promise<void> {
  const repositories = Object.fromEntries(
    [...state].map(([id, record]) => [
      id,
      {
        lastAttempt: record.lastAttempt.toString(),
        lastSuccess: record.lastSuccess?.toString() ?? null,
        newestDate: record.newestDate?.toString() ?? null,
        error: record.error,
      },
    ]),
  );
  await writeDurable(path, `${JSON.stringify({ format: 1, repositories })}\n`, { mode: STATE_MODE });
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // Torn or changed by hand: the caller sees no memory, which is the safe answer (see the header).
    return null;
  }
}

function toInstant(text: string | null): Temporal.Instant | null {
  return text === null ? null : Temporal.Instant.from(text);
}
