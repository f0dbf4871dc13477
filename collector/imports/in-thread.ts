// Work on files from outside in a thread of its own, with a deadline and little memory: whatever is in them, the collector goes
// on meanwhile and afterwards. A thread is started for one piece of work and ends with it.
import { Worker } from 'node:worker_threads';
import { CodedError, type ErrorDocument, fromDocument } from '@selvage/shared/errors/coded-error.ts';
import type { Code } from '@selvage/shared/errors/codes.ts';
import { hasErrno } from '@selvage/shared/files/durable.ts';

export interface ThreadWork {
  readonly file: URL;
  readonly message: unknown;
  readonly deadlineMs: number;
  readonly memoryMib: number;
  /** The code of an error when the work takes too long or too much. */
  readonly refusal: Code;
}

/** What a thread answers. */
export type ThreadAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: ErrorDocument };

/** What the thread found. Throws what it threw, and `refusal` when it was ended. */
export function inThread<T>({ file, message, deadlineMs, memoryMib, refusal }: ThreadWork): Promise<T> {
  const thread = new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: memoryMib } });
  let timer: NodeJS.Timeout | undefined;

  return new Promise<T>((resolve, reject) => {
    thread.on('message', (answer: ThreadAnswer<T>) => {
      if (answer.ok) resolve(answer.value);
      else reject(fromDocument(answer.error));
    });
    thread.on('error', (error) => {
      const full = hasErrno(error, 'ERR_WORKER_OUT_OF_MEMORY');
      reject(full ? new CodedError(refusal, `it takes more than ${memoryMib} MiB to read`) : error);
    });
    thread.on('exit', (code) => reject(new CodedError('INTERNAL', `the thread ended with ${code} without an answer`)));
    timer = setTimeout(
      () => reject(new CodedError(refusal, `it takes longer than ${deadlineMs} ms to read`)),
      deadlineMs,
    );
    thread.postMessage(message);
  }).finally(async () => {
    clearTimeout(timer);
    await thread.terminate();
  });
}
