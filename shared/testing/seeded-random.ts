// Randomness that repeats: the same seed gives the same bytes. For tests only.
import { createHash } from 'node:crypto';
import type { Random } from '../random.ts';

const FLOAT_STEPS = 2 ** 32;

export function seededRandom(seed: string | number): Random {
  let counter = 0;
  const block = () => createHash('sha256').update(`${seed}:${counter++}`).digest();
  const bytes = (count: number) => {
    const out = Buffer.concat(Array.from({ length: Math.ceil(count / 32) }, block));

    return new Uint8Array(out.subarray(0, count));
  };

  return {
    bytes,
    float: () => block().readUInt32BE(0) / FLOAT_STEPS,
    uuid: () => {
      const raw = bytes(16);
      raw[6] = ((raw[6] ?? 0) & 0x0f) | 0x40;
      raw[8] = ((raw[8] ?? 0) & 0x3f) | 0x80;
      const hex = Buffer.from(raw).toString('hex');

      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
    },
  };
}
