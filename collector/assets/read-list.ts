// Reads a list of machines beside everything else that the collector does.
import { extname } from 'node:path';
import { inThread } from '../imports/in-thread.ts';
import type { ReadList, ReadOptions } from './reading.ts';

/** Milliseconds: 50,000 instances of a cloud take two seconds. */
const DEADLINE_MS = 30_000;
const MEMORY_MIB = 1024;
const THREAD = new URL(`./list-thread${extname(import.meta.filename)}`, import.meta.url);

/** Throws ASSETS_INVALID. */
export function readListInThread(bytes: Uint8Array, options: ReadOptions): Promise<ReadList> {
  return inThread<ReadList>({
    file: THREAD,
    message: { bytes, options },
    ...{ deadlineMs: DEADLINE_MS, memoryMib: MEMORY_MIB, refusal: 'ASSETS_INVALID' as const },
  });
}
