// Runs cases by number: forge, mutate, judge. What it saw is counted, so that a test can tell that nothing was left out.
import { performance } from 'node:perf_hooks';
import { MAX_FRAME_BYTES } from '../wire.ts';
import { forge, KINDS, type Kind } from './forge.ts';
import { judge } from './judge.ts';
import { Luck, seedOf } from './luck.ts';
import { BYTE_MUTATIONS, TREE_MUTATIONS } from './mutate.ts';
import { type FieldNode, lists, Scribe } from './tree.ts';

const TREE = Object.keys(TREE_MUTATIONS);
const BYTES = Object.keys(BYTE_MUTATIONS);
const MOST_MUTATIONS = 3;
/** Bytes a case may have: a little more than a frame. */
const CAPACITY = MAX_FRAME_BYTES + 4096;
const SHOWN_BYTES = 2048;

export interface FuzzReport {
  readonly cases: number;
  /** How often each outcome came: a code, or the kind and body of an accepted frame. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Per mutation, cases with it that were accepted and refused. */
  readonly mutations: ReadonlyMap<string, { readonly accepted: number; readonly refused: number }>;
  /** Milliseconds of the slowest case and its number. */
  readonly slowest: { readonly ms: number; readonly index: number };
}

export class FuzzFailure extends Error {
  readonly index: number;

  constructor(seed: string, index: number, made: Case | null, cause: unknown) {
    const hex = made === null ? '' : Buffer.from(made.bytes.subarray(0, SHOWN_BYTES)).toString('hex');
    const what = cause instanceof Error ? cause.message : String(cause);
    super(
      `case ${index} of seed ${seed}: ${what}\n${made?.kind} after ${made?.mutations.join(', ') || 'no mutation'}: ${hex}\n` +
        `again: npm run fuzz -- --seed ${seed} --from ${index} --count 1`,
      { cause },
    );
    this.index = index;
  }
}

interface Case {
  readonly kind: Kind;
  readonly bytes: Uint8Array;
  readonly mutations: readonly string[];
}

const scribe = new Scribe(CAPACITY);

/** Cases `from` … `from + count - 1`. Throws FuzzFailure for the first one in which something does not hold. */
export function fuzz(seed: string, from: number, count: number): FuzzReport {
  const base = seedOf(seed);
  const outcomes = new Map<string, number>();
  const mutations = new Map([...TREE, ...BYTES].map((name) => [name, { accepted: 0, refused: 0 }]));
  let slowest = { ms: 0, index: from };

  for (let index = from; index < from + count; index++) {
    let made: Case | null = null;

    try {
      made = makeCase(base, index);
      const began = performance.now();
      const verdict = judge(made.kind, made.bytes);
      const ms = performance.now() - began;
      if (ms > slowest.ms) slowest = { ms, index };

      const outcome = 'code' in verdict ? verdict.code : `${made.kind} ${verdict.frame.type}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      for (const name of made.mutations) {
        const counted = mutations.get(name);
        if (counted) counted['code' in verdict ? 'refused' : 'accepted'] += 1;
      }
    } catch (error) {
      throw new FuzzFailure(seed, index, made, error);
    }
  }

  return { cases: count, outcomes, mutations, slowest };
}

/** The bytes of one case, valid until the next one is made. */
export function makeCase(base: number, index: number): Case {
  const luck = new Luck(base, index);
  const kind = luck.pick(KINDS);
  const honest = !luck.oneIn(3);
  const fields = forge(kind, luck, honest);
  const names: string[] = [];
  // One in four stays as it is: boundary values alone, or a true frame.
  const times = luck.oneIn(4) ? 0 : 1 + luck.below(MOST_MUTATIONS);
  const otherKind = luck.oneIn(8) ? luck.pick(KINDS) : kind;
  const other = (): FieldNode[] => forge(otherKind, luck, honest);
  const late: string[] = [];

  for (let time = 0; time < times; time++) {
    const name = luck.oneIn(4) ? luck.pick(BYTES) : luck.pick(TREE);
    names.push(name);
    if (name in BYTE_MUTATIONS) late.push(name);
    else TREE_MUTATIONS[name]?.(luck.pick(lists(fields)), luck, other);
  }

  let bytes: Uint8Array = scribe.write(fields);
  if (late.length > 0) {
    // The scribe's buffer is used again by the other frame.
    bytes = Uint8Array.from(bytes);
    for (const name of late)
      bytes = BYTE_MUTATIONS[name]?.(bytes, luck, () => Uint8Array.from(scribe.write(other()))) ?? bytes;
  }

  return { kind, bytes, mutations: names };
}
