// Randomness as an argument. Keys are made by node:crypto itself in shared/pki and shared/policy.
import { randomBytes, randomInt, randomUUID } from 'node:crypto';

export interface Random {
  bytes(count: number): Uint8Array;
  /** In [0, 1). */
  float(): number;
  uuid(): string;
}

const FLOAT_STEPS = 2 ** 47;

export const systemRandom: Random = {
  bytes: (count) => new Uint8Array(randomBytes(count)),
  float: () => randomInt(FLOAT_STEPS) / FLOAT_STEPS,
  uuid: () => randomUUID(),
};
