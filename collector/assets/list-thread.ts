// The other end of ./read-list.ts: reads one list and ends.
import { parentPort } from 'node:worker_threads';
import { asCoded, toDocument } from '@selvage/shared/errors/coded-error.ts';
import type { ThreadAnswer } from '../imports/in-thread.ts';
import { type ReadList, type ReadOptions, readList } from './reading.ts';

parentPort?.on('message', ({ bytes, options }: { readonly bytes: Uint8Array; readonly options: ReadOptions }) => {
  let answer: ThreadAnswer<ReadList>;
  try {
    answer = { ok: true, value: readList(bytes, options) };
  } catch (error) {
    answer = { ok: false, error: toDocument(asCoded(error)) };
  }
  parentPort?.postMessage(answer);
});
