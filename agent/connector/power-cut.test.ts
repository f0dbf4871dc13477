// The power goes away while the connector works, and every state that its disk may be in afterwards is opened again: nothing that
// was added and not acknowledged is lost, no number is used for two messages, and the copy of the policy becomes whole.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import { silentLog } from '@selvage/shared/log/log.ts';
import { windowSample } from '@selvage/shared/policy/testing/sample-documents.ts';
import { type SampleRepository, sampleRepository } from '@selvage/shared/policy/testing/sample-repository.ts';
import { verifyRepository } from '@selvage/shared/policy/trusted-set.ts';
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { expect, it } from 'vitest';
import { recordWrites } from '../../scripts/faults/power-cut/record.ts';
import { type CrashState, checkStates } from '../../scripts/faults/power-cut/states.ts';
import { openOutbox } from './outbox.ts';
import type { PolicyRequest } from './policy-desk.ts';
import { openPolicyMirror } from './policy-mirror.ts';
import { openResultStream } from './result-stream.ts';
import { message } from './testing/started-link.ts';

const CHILD = fileURLToPath(new URL('./testing/power-child.ts', import.meta.url));
const SEED = Number(process.env.SELVAGE_FAULT_SEED ?? 1);
const STATES = Number(process.env.SELVAGE_FAULT_STATES ?? 150);
const DEADLINE_MS = 120_000;
/** What is recorded has its deadline; the states that are started from it have as long again. */
const TEST_MS = 2 * DEADLINE_MS;
const NOW = Temporal.Instant.from('2026-03-01T12:00:00Z');
const random = seededRandom('power-cut');
const clock = fakeClock(NOW.toString());

/** As the connector asks for files. */
function served({ contents }: SampleRepository): Map<string, Uint8Array> {
  return new Map(
    [...contents].flatMap(([name, bytes]) => {
      const target = name.indexOf('#');
      if (name.includes('/') && target < 0) return [];

      return [[target < 0 ? name : `${name.slice(0, target)} ${sha256(bytes)}`, bytes] as const];
    }),
  );
}

const asking =
  (files: ReadonlyMap<string, Uint8Array>): PolicyRequest =>
  async (name, hash) =>
    files.get(hash === undefined ? name : `${name} ${hash}`) ?? null;

needs(['strace'], 'when the power goes away while the connector works', () => {
  it(
    'loses nothing unacknowledged, uses no number twice, and its copy becomes whole again',
    async () => {
      const folder = temporaryFolder('connector-power');
      const aside = temporaryFolder('connector-served');
      const repository = sampleRepository({ now: NOW });
      const mirror = await openPolicyMirror({
        dir: join(folder, 'policy'),
        wake: join(folder, 'wake'),
        log: silentLog,
      });
      await mirror.sync(asking(served(repository)), new AbortController().signal);
      repository.change({ put: [windowSample()] }, NOW.add({ seconds: 10 }));
      const newer = served(repository);
      const base64 = Object.fromEntries(
        [...newer].map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]),
      );
      writeFileSync(join(aside, 'served.json'), JSON.stringify(base64));
      mkdirSync(join(folder, 'results'));
      const payload = Buffer.from('x').toString('base64');
      for (const number of [1, 2, 3]) {
        writeFileSync(join(folder, `results/${number}.json`), JSON.stringify({ payload, signature: payload }));
      }
      const recording = await recordWrites({
        folder,
        file: process.execPath,
        args: [CHILD, JSON.stringify({ folder, served: join(aside, 'served.json') })],
        deadlineMs: DEADLINE_MS,
      });

      const goesOn = async (state: CrashState) => {
        await outboxIsWhole(state);
        await resultsAreWhole(state);
        await copyBecomesWhole(state, repository, newer);
      };
      expect(await checkStates(recording, { seed: SEED, limit: STATES }, goesOn)).toBe(STATES);
    },
    TEST_MS,
  );
});

async function outboxIsWhole({ folder, printed }: CrashState): Promise<void> {
  const outbox = await openOutbox(join(folder, 'outbox'), { random, log: silentLog });
  const begins = printed.lastIndexOf(`stream ${outbox.id}`);
  // A stream whose name was never said has sent nothing.
  const lines = begins < 0 ? [] : printed.slice(begins + 1);
  const ends = lines.findIndex((line) => line.startsWith('stream '));
  const of = (word: string) =>
    (ends < 0 ? lines : lines.slice(0, ends)).flatMap((line) =>
      line.startsWith(`${word} `) ? [BigInt(line.slice(word.length + 1))] : [],
    );
  const added = of('added').at(-1) ?? 0n;
  const acknowledged = of('acknowledged').at(-1) ?? 0n;
  // Of the last stream that was named nothing may be missing; an older one is given up as a whole.
  if (begins >= 0) expect(ends).toBe(-1);
  if (printed.some((line) => line.startsWith('stream ')) && begins < 0) expect(printed).toContain('restarting');

  const from = await outbox.position();
  const waiting = (await outbox.pending(from, 100)).map(({ sequence }) => sequence);
  expect(from).toBeLessThanOrEqual(acknowledged);
  for (let sequence = acknowledged + 1n; sequence <= added; sequence++) {
    expect(waiting).toContain(sequence);
  }
  expect(waiting).toEqual(waiting.map((_, index) => from + BigInt(index) + 1n));
  expect(await outbox.add(message('next'))).toBeGreaterThan(added);
}

async function resultsAreWhole({ folder, printed }: CrashState): Promise<void> {
  const options = { results: join(folder, 'results'), outbox: join(folder, 'outbox'), random, clock, log: silentLog };
  const position = await (await openResultStream(options)).position();

  expect([0n, 2n]).toContain(position);
  if (printed.includes('results 2')) expect(position).toBe(2n);
}

/** With the honest collector of before, from whatever is there; then it verifies with every signature. */
async function copyBecomesWhole(
  { folder, printed }: CrashState,
  repository: SampleRepository,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const dir = join(folder, 'policy');
  const mirror = await openPolicyMirror({ dir, wake: join(folder, 'wake'), log: silentLog });
  const brought = await mirror.sync(asking(files), new AbortController().signal);
  if (printed.includes('mirrored')) expect(brought).toBeNull();
  const read = (path: string) => {
    try {
      return new Uint8Array(readFileSync(join(dir, path)));
    } catch {
      return null;
    }
  };
  const { accepted } = verifyRepository({
    root: repository.root,
    files: (name, hash) => read(hash === undefined ? `metadata/${name}` : `targets/${hash}.${basename(name)}`),
    now: NOW.add({ minutes: 1 }),
    previous: null,
  });

  expect(accepted.files.find(({ name }) => name === 'timestamp.json')?.sha256).toBe(
    sha256(files.get('timestamp.json') ?? ''),
  );
}
