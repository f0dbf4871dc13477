// The other end of ./importing.ts: reads one document and ends.
import { parentPort } from 'node:worker_threads';
import { asCoded, toDocument } from '@selvage/shared/errors/coded-error.ts';
import type { ThreadAnswer } from '../imports/in-thread.ts';
import { inParts, type VexInParts } from './parts.ts';
import { readVex } from './reading.ts';

parentPort?.on('message', (bytes: Uint8Array) => {
  let answer: ThreadAnswer<VexInParts>;
  try {
    answer = { ok: true, value: inParts(readVex(bytes)) };
  } catch (error) {
    answer = { ok: false, error: toDocument(asCoded(error)) };
  }
  parentPort?.postMessage(answer, answer.ok ? answer.value.parts.map(({ buffer }) => buffer) : []);
});
