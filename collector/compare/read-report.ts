// Reads a report of another scanner beside everything else that the collector does.
import { extname } from 'node:path';
import { inThread } from '../imports/in-thread.ts';
import type { Report } from './format.ts';

/** Milliseconds: 128 MiB of XML take some 8 seconds. */
const DEADLINE_MS = 60_000;
const MEMORY_MIB = 2048;
const THREAD = new URL(`./report-thread${extname(import.meta.filename)}`, import.meta.url);

/** Throws SCAN_REPORT_INVALID. */
export function readReportInThread(bytes: Uint8Array): Promise<Report> {
  return inThread<Report>({
    file: THREAD,
    message: bytes,
    ...{ deadlineMs: DEADLINE_MS, memoryMib: MEMORY_MIB, refusal: 'SCAN_REPORT_INVALID' as const },
  });
}
