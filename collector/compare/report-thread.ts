// The other end of ./read-report.ts: reads one report and ends.
import { parentPort } from 'node:worker_threads';
import { asCoded, toDocument } from '@selvage/shared/errors/coded-error.ts';
import type { ThreadAnswer } from '../imports/in-thread.ts';
import type { Report } from './format.ts';
import { readReport } from './reading.ts';

parentPort?.on('message', (bytes: Uint8Array) => {
  let answer: ThreadAnswer<Report>;
  try {
    answer = { ok: true, value: readReport(bytes) };
  } catch (error) {
    answer = { ok: false, error: toDocument(asCoded(error)) };
  }
  parentPort?.postMessage(answer);
});
