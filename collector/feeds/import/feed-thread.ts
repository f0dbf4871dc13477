// The other end of ./reading.ts: reads one feed, as far as it is asked; then perhaps another.
import { parentPort } from 'node:worker_threads';
import { asCoded, CodedError, toDocument } from '@selvage/shared/errors/coded-error.ts';
import { FEEDS } from '../list.ts';
import type { FromThread, ToThread } from './protocol.ts';
import { FeedRead, lookAt } from './read.ts';

let reading: FeedRead | null = null;
/** One answer after the other, in the order of the questions. */
let last: Promise<void> = Promise.resolve();

parentPort?.on('message', (message: ToThread) => {
  last = last.then(async () => {
    let answer: FromThread;
    try {
      answer = await answerTo(message);
    } catch (error) {
      answer = { type: 'failed', error: toDocument(asCoded(error)) };
    }
    parentPort?.postMessage(answer);
  });
});

async function answerTo(message: ToThread): Promise<FromThread> {
  if (message.type === 'open') {
    const { feed, sha256 } = await lookAt(message, message.feed, FEEDS);
    reading = new FeedRead(feed, message);

    return { type: 'opened', feed: feed.name, sha256 };
  }
  if (reading === null) throw new CodedError('STATE', 'a feed was read before it was opened');
  const rows = await reading.next(message.weight);
  if (rows === null) {
    const summary = reading.summary();
    // Freed before the next: this thread may be asked to read another feed.
    reading = null;

    return { type: 'end', summary };
  }
  const { kind, json, count, weight } = rows;

  return { type: 'rows', rows: { kind, json }, count, weight, bytesRead: reading.bytesRead };
}
