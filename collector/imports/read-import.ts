// Reads a tar of collect.sh beside everything else that the collector does.
import { extname } from 'node:path';
import { inThread } from './in-thread.ts';
import type { ReadImport } from './reading.ts';

/** Milliseconds: the tar of a machine with 3,000 packages takes half a second. */
const DEADLINE_MS = 30_000;
/** MiB for objects and texts; the tar itself is not among them. */
const MEMORY_MIB = 512;
const THREAD = new URL(`./import-thread${extname(import.meta.filename)}`, import.meta.url);

/** Throws IMPORT_INVALID naming what is wrong. */
export function readImportInThread(
  bytes: Uint8Array,
  limits: { deadlineMs?: number; memoryMib?: number } = {},
): Promise<ReadImport> {
  return inThread<ReadImport>({
    file: THREAD,
    message: bytes,
    ...{ deadlineMs: DEADLINE_MS, memoryMib: MEMORY_MIB, refusal: 'IMPORT_INVALID' as const },
    ...limits,
  });
}
