// THE POWER CUT: which states a disk may be in after the power went away at any moment of a recording, and a check of each.
//
// Use, in a test inside needs(['strace'], …):
//   const recording = await recordWrites({ folder, file: process.execPath, args: [child] });     // ./record.ts
//   await checkStates(recording, { seed: 1, limit: 200 }, async ({ folder, printed }) => {
//     // `folder` holds what survived; `printed` are the lines that the child had printed by then, so what it had promised.
//     // Open it with the real code and throw (or expect) when a promise is broken.
//   });
// The child runs the real code on `folder`, prints one line per promise ("ack 7") right after it was made, and ends itself.
//
// Rules of the game: what a sync covers is kept (data by fsync of the file, names by fsync of the folder). Everything else
// is kept, lost, torn at 512 or 4096 bytes or (behind the old end) zeros, file by file and name by name, in any combination; names
// that depend on each other (create, rename, unlink of one name) keep their order. A rename is atomic.
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { seededRandom } from '@selvage/shared/testing/seeded-random.ts';
import { type Left, type Operation, type Tree, treeOf, unsynced } from './disk.ts';
import type { Recording } from './record.ts';

export interface CrashState {
  /** Where the power went away and what became of the rest, to find it again. */
  readonly name: string;
  readonly folder: string;
  readonly printed: readonly string[];
}

export interface CheckOptions {
  readonly seed: number;
  /** Most states that are tried; which ones, the seed says. */
  readonly limit: number;
}

const FATES = ['lost', 'kept', 'names without data', 'data without names', 'zeros', 'mixed'] as const;
type Fate = (typeof FATES)[number];
/** Mixed states are many; the others are one per moment. */
const MIXED_PER_MOMENT = 3;
const SECTORS = [512, 4096] as const;
/** Memory, where there is some: the real code syncs every state that it opens, which no disk needs to do hundreds of times. */
const MEMORY = '/dev/shm';

/** Tries `limit` states. Throws the error of the first that fails, with the seed and the state in its message. */
export async function checkStates(
  recording: Recording,
  { seed, limit }: CheckOptions,
  check: (state: CrashState) => Promise<void>,
): Promise<number> {
  const chosen = sample(recording, momentsOf(recording), seed, limit);

  for (const { end, fate, draw } of chosen) {
    const name = `seed ${seed}, power cut ${where(recording, end)}, the rest ${fate}${fate === 'mixed' ? ` (${draw})` : ''}`;
    const folder = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : tmpdir(), 'selvage-cut-'));
    try {
      writeTree(treeOf(recording.nodes, leftOf(recording, end, fate, `${seed}:${end}:${draw}`)), folder);
      await check({ name, folder, printed: linesOf(recording.operations.slice(0, end)) });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new Error(`${name}: ${reason}`, { cause: error });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  return chosen.length;
}

interface Moment {
  /** Operations that had returned. */
  readonly end: number;
  readonly fate: Fate;
  readonly draw: number;
}

function momentsOf({ operations }: Recording): readonly Moment[] {
  return Array.from({ length: operations.length + 1 }, (_, end) =>
    FATES.flatMap((fate) =>
      Array.from({ length: fate === 'mixed' ? MIXED_PER_MOMENT : 1 }, (_none, draw) => ({ end, fate, draw })),
    ),
  ).flat();
}

/**
 * In the order of time; which ones, the seed decides. Up to half of them are those where most was promised and least is left:
 * right after a line was printed, everything else lost.
 */
function sample({ operations }: Recording, moments: readonly Moment[], seed: number, limit: number): readonly Moment[] {
  const random = seededRandom(seed);
  const drawn = moments
    .map((moment) => ({ moment, luck: random.float() }))
    .sort((a, b) => a.luck - b.luck)
    .map(({ moment }) => moment);
  const hard = drawn
    .filter(({ end, fate }) => fate === 'lost' && operations[end - 1]?.type === 'line')
    .slice(0, Math.ceil(limit / 2));

  return [...new Set([...hard, ...drawn])].slice(0, limit).sort((a, b) => a.end - b.end);
}

/** What is left of each operation before `end`. */
function leftOf({ operations }: Recording, end: number, fate: Fate, seed: string): readonly Left[] {
  const open = unsynced(operations, end);
  const random = seededRandom(seed);
  const lostNames = new Set<string>();

  return operations.slice(0, end).map((operation, at) => {
    if (!open.has(at)) return operation;
    const isName = operation.type === 'enter' || operation.type === 'leave' || operation.type === 'move';
    if (!isName) return fateOfData(operation, fate, random);

    const names = namesOf(operation);
    const kept =
      fate === 'kept' ||
      fate === 'names without data' ||
      fate === 'zeros' ||
      (fate === 'mixed' && random.float() < 0.5);
    if (kept && !names.some((name) => lostNames.has(name))) return operation;
    for (const name of names) lostNames.add(name);

    return null;
  });
}

function fateOfData(operation: Operation, fate: Fate, random: ReturnType<typeof seededRandom>): Left {
  if (fate === 'kept' || fate === 'data without names') return operation;
  if (fate === 'lost' || fate === 'names without data') return null;
  if (fate === 'zeros') return zeros(operation);

  const luck = random.float();
  if (luck < 0.35) return null;
  if (luck < 0.6) return operation;
  if (luck < 0.7) return zeros(operation);

  return operation.type === 'write' ? torn(operation, random) : operation;
}

/** What was overwritten is old or new, never something else; what was appended may be there in length only. */
function zeros(operation: Operation): Left {
  if (operation.type !== 'write') return operation;

  return { type: 'grow', node: operation.node, size: operation.offset + operation.bytes.length };
}

/** A run of the sectors that were written; the others are as they were before. */
function torn(operation: Operation & { readonly type: 'write' }, random: ReturnType<typeof seededRandom>): Left {
  const { offset, bytes } = operation;
  const sector = SECTORS[Math.floor(random.float() * SECTORS.length)] ?? SECTORS[0];
  const last = offset + bytes.length;
  const borders = [offset];
  for (let at = (Math.floor(offset / sector) + 1) * sector; at < last; at += sector) borders.push(at);
  borders.push(last);
  const [one, other] = [random, random].map((source) => Math.floor(source.float() * borders.length));
  const from = borders[Math.min(one ?? 0, other ?? 0)] ?? offset;
  const to = borders[Math.max(one ?? 0, other ?? 0)] ?? last;
  if (from === to) return null;

  return { ...operation, offset: from, bytes: bytes.subarray(from - offset, to - offset) };
}

function namesOf(operation: Operation): readonly string[] {
  if (operation.type === 'move') {
    const { from } = operation;

    return [`${from.folder}/${from.name}`, `${operation.folder}/${operation.name}`];
  }

  return 'folder' in operation ? [`${operation.folder}/${operation.name}`] : [];
}

function linesOf(operations: readonly Operation[]): readonly string[] {
  return operations.flatMap((operation) => (operation.type === 'line' ? [operation.text] : []));
}

function where({ operations }: Recording, end: number): string {
  const last = operations[end - 1];
  const what =
    last && ('name' in last ? `${last.type} ${last.name}` : last.type === 'line' ? `"${last.text}"` : last.type);

  return `after operation ${end} of ${operations.length}${what === undefined ? '' : ` (${what})`}`;
}

function writeTree(tree: Tree, folder: string): void {
  for (const [path, node] of tree) {
    const place = join(folder, path);
    if (path !== '') mkdirSync(dirname(place), { recursive: true });
    if (node.kind === 'folder') mkdirSync(place, { recursive: true, mode: node.mode });
    else if (node.kind === 'link') symlinkSync(node.target, place);
    else writeFileSync(place, node.bytes, { mode: node.mode });
  }
}
