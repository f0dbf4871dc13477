// The other end of ./importing.ts: reads one document and ends.
import { parentPort } from 'node:worker_threads';
import { asCoded, toDocument } from '@selvage/shared/errors/coded-error.ts';
import type { ThreadAnswer } from '../imports/in-thread.ts';
import { readVex } from './reading.ts';
import type { ReadVex } from './shapes.ts';

parentPort?.on('message', (bytes: Uint8Array) => {
  let answer: ThreadAnswer<ReadVex>;
  try {
    answer = { ok: true, value: readVex(bytes) };
  } catch (error) {
    answer = { ok: false, error: toDocument(asCoded(error)) };
  }
  parentPort?.postMessage(answer);
});
