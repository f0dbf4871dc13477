// Another program holds the database: real processes, the real lock.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, describe, expect, it } from 'vitest';
import { verifyChain } from '../audit/chain.ts';
import { AT, hostId } from './samples.ts';
import { openStore } from './store.ts';

const folder = temporaryFolder('busy');
const CHILD = fileURLToPath(new URL('./testing/lock-child.ts', import.meta.url));
/** Nanoseconds per millisecond. */
const MS = 1e6;
/** Milliseconds until STORE_BUSY: far more than the event loop of a busy machine is late, and nothing beside the sum of 200. */
const BUSY_MS = 1000;
/** Milliseconds in which any machine ends a process that was told to. */
const LONG_MS = 120_000;
const busy = expect.objectContaining({ code: 'STORE_BUSY' });
const letGo: (() => Promise<unknown>)[] = [];
let files = 0;

afterAll(async () => {
  for (const each of letGo) await each();
});

/** `begin exclusive` on the database, in another process, until it is told to stop. */
async function lockedBy(file: string): Promise<() => Promise<unknown>> {
  const child = spawn(process.execPath, [CHILD, file], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const release = () => {
    child.stdin.end();

    return ended;
  };
  letGo.push(release);
  await once(createInterface({ input: child.stdout }), 'line');

  return release;
}

async function opened(busyMs: number) {
  const file = join(folder, `${++files}.sqlite`);
  const store = await openStore({ file, clock: fakeClock(AT), busyMs });
  const add = (subject: string) =>
    store.transaction((w) => w.audit.append({ at: AT, actor: 'collector', action: 'test', subject }));
  await add('before');

  return { file, store, add };
}

describe('when another program holds the database', () => {
  it('everybody gets an answer in bounded time, reads go on and the event loop is not held up', async () => {
    const { file, store, add } = await opened(BUSY_MS);
    const release = await lockedBy(file);
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const began = performance.now();
    const answers = await Promise.allSettled(Array.from({ length: 200 }, (_, number) => add(`${number}`)));
    const took = performance.now() - began;
    delay.disable();

    expect(answers.map((answer) => (answer.status === 'rejected' ? answer.reason : null))).toEqual(
      Array.from({ length: 200 }, () => busy),
    );
    // 200 that waited one after the other would take 200 times as long; a wait inside SQLite would block for all of its time.
    expect(took).toBeLessThan(40 * BUSY_MS);
    expect(delay.percentile(90) / MS).toBeLessThan(BUSY_MS / 2);
    expect(await store.read.hosts.byId(hostId(1))).toBeNull();

    await release();
    await add('after');
    const entries = await store.read.audit.after(0, 1000);
    expect(entries.map(({ subject }) => subject)).toEqual(['before', 'after']);
    expect(verifyChain(entries).checked).toBe(2);
    await store.close();
  });

  it('what was asked for waits a little and is done when the other lets go', async () => {
    const { file, store, add } = await opened(LONG_MS);
    const release = await lockedBy(file);
    const waiting = Promise.all([add('one'), add('two')]);
    await Promise.all([release(), waiting]);

    expect((await store.read.audit.after(1, 10)).map(({ subject }) => subject)).toEqual(['one', 'two']);
    await store.close();
  });
});
