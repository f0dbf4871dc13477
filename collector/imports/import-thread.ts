// The other end of ./read-import.ts: reads one tar and ends.
import { parentPort } from 'node:worker_threads';
import { asCoded, toDocument } from '@selvage/shared/errors/coded-error.ts';
import type { ThreadAnswer } from './in-thread.ts';
import { type ReadImport, readImport } from './reading.ts';

parentPort?.on('message', async (bytes: Uint8Array) => {
  const answer = await readImport(bytes).then(
    (value): ThreadAnswer<ReadImport> => ({ ok: true, value }),
    (error: unknown): ThreadAnswer<ReadImport> => ({ ok: false, error: toDocument(asCoded(error)) }),
  );
  parentPort?.postMessage(answer);
});
