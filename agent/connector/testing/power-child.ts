// A program for ../power-cut.test.ts: an outbox that is filled, acknowledged and begun anew, results that are acknowledged, and a
// newer copy of the policy; it says what it has done, and then it is gone.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { silentLog } from '@selvage/shared/log/log.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { openOutbox } from '../outbox.ts';
import { openPolicyMirror } from '../policy-mirror.ts';
import { openResultStream } from '../result-stream.ts';

/** `served`: base64 by what is asked for, `name` or `name sha256`. */
const { folder, served } = JSON.parse(process.argv[2] ?? '') as { folder: string; served: string };
const random = seededRandom('power-child');
const clock = fakeClock('2026-03-01T12:00:00Z');
const say = (line: string) => new Promise<void>((resolve) => process.stdout.write(`${line}\n`, () => resolve()));
const message = (name: string) => ({
  type: 'section' as const,
  name,
  sha256: 'ab'.repeat(32) as Sha256,
  zstdJson: new Uint8Array(3000).fill(7),
});

const outbox = await openOutbox(join(folder, 'outbox'), { random, log: silentLog });
await say(`stream ${outbox.id}`);
for (const name of ['a', 'b', 'c']) await say(`added ${await outbox.add(message(name))}`);
// The collector says so before anything is done about it here.
await say('acknowledged 2');
await outbox.acknowledged(2n, outbox.id);
await say(`added ${await outbox.add(message('d'))}`);

const results = await openResultStream({
  results: join(folder, 'results'),
  outbox: join(folder, 'outbox'),
  random,
  clock,
  log: silentLog,
});
await results.acknowledged(2n, results.id);
await say('results 2');

const files = new Map<string, string>(Object.entries(JSON.parse(readFileSync(served, 'utf8'))));
const mirror = await openPolicyMirror({ dir: join(folder, 'policy'), wake: join(folder, 'wake'), log: silentLog });
await mirror.sync(async (name, hash) => {
  const bytes = files.get(hash === undefined ? name : `${name} ${hash}`);

  return bytes === undefined ? null : new Uint8Array(Buffer.from(bytes, 'base64'));
}, new AbortController().signal);
await say('mirrored');

await say('acknowledged 4');
await outbox.acknowledged(4n, outbox.id);
await say('restarting');
await outbox.restart();
await say(`stream ${outbox.id}`);
await say(`added ${await outbox.add(message('e'))}`);
process.kill(process.pid, 'SIGKILL');
