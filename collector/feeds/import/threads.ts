// The threads that read feeds. One that has done what it was asked is kept for a moment: feeds come one after the other, and starting a
// thread takes longer than reading most of them. It never keeps one that was stopped half-way, or whose memory is bounded otherwise.
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

const THREAD = new URL(`./feed-thread${extname(import.meta.filename)}`, import.meta.url);
/** MiB of objects and texts: all rules of a distribution with its older releases take some hundred. */
export const MEMORY_MIB = 1024;
/** MiB of what was just made: most of a feed is garbage at once, and a large nursery only keeps it longer. */
const YOUNG_MIB = 16;
/** Milliseconds that one waits for the next feed: its memory is not given back meanwhile. */
const KEPT_MS = 3000;

interface Spare {
  readonly thread: Worker;
  readonly timer: NodeJS.Timeout;
}

let spare: Spare | null = null;

export function takeThread(memoryMib: number): Worker {
  if (spare !== null && memoryMib === MEMORY_MIB) {
    const { thread, timer } = spare;
    spare = null;
    clearTimeout(timer);
    removeListeners(thread);
    thread.ref();

    return thread;
  }

  return new Worker(THREAD, {
    resourceLimits: { maxOldGenerationSizeMb: memoryMib, maxYoungGenerationSizeMb: YOUNG_MIB },
  });
}

/** For a thread that waits for its next question. */
export async function giveBack(thread: Worker, memoryMib: number): Promise<void> {
  removeListeners(thread);
  if (spare !== null || memoryMib !== MEMORY_MIB) {
    await thread.terminate();

    return;
  }
  const timer = setTimeout(() => forget(thread), KEPT_MS).unref();
  spare = { thread, timer };
  // What ends by itself is of no more use; there is nobody to tell.
  for (const event of ['error', 'exit']) thread.on(event, () => forget(thread));
  // Nothing waits for it: a program may end.
  thread.unref();
}

/** Ours; a thread has some of its own for other events. */
function removeListeners(thread: Worker): void {
  for (const event of ['message', 'error', 'exit']) thread.removeAllListeners(event);
}

function forget(thread: Worker): void {
  if (spare?.thread !== thread) return;
  clearTimeout(spare.timer);
  spare = null;
  void thread.terminate();
}
