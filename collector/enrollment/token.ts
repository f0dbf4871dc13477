// One-time tokens: `slv_<id>_<secret>`. The id names a token in lists and logs; the secret is seen once, by whoever made
// the token, and only its hash is kept. A 256-bit secret needs no slow hash: there is nothing to guess.

import { timingSafeEqual } from 'node:crypto';
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import type { Random } from '@selvage/shared/random.ts';
import type { AdminRecord } from '../store/ports.ts';

const SECRET_BYTES = 32;
const ID_BYTES = 8;
// A fixed alphabet and length: one token has one spelling.
const TOKEN = /^slv_([har][0-9a-f]{16})_([0-9a-f]{64})$/;
/** Compared with when there is no such token, so that an unknown id takes as long as a wrong secret. */
const NO_HASH = '0'.repeat(64) as Sha256;

/** What a token is for is the first letter of its id: h for a host, a and r for an admin of that role. */
export type Purpose = 'host' | AdminRecord['role'];
const LETTERS = { host: 'h', admin: 'a', reader: 'r' } as const satisfies Record<Purpose, string>;

export interface NewToken {
  readonly token: string;
  readonly id: string;
  readonly secretHash: Sha256;
}

export function newToken(purpose: Purpose, random: Random): NewToken {
  const id = `${LETTERS[purpose]}${hex(random.bytes(ID_BYTES))}`;
  const secret = hex(random.bytes(SECRET_BYTES));

  return { token: `slv_${id}_${secret}`, id, secretHash: sha256(secret) };
}

/** The parts of a token, null for a text that is none. */
export function parseToken(text: string): { readonly id: string; readonly secret: string } | null {
  const [, id, secret] = TOKEN.exec(text) ?? [];

  return id !== undefined && secret !== undefined ? { id, secret } : null;
}

/** True when `secret` is the one of that hash; takes the same time wherever they differ, and without a hash. */
export function isSecret(secret: string, secretHash: Sha256 | null): boolean {
  const same = timingSafeEqual(Buffer.from(sha256(secret)), Buffer.from(secretHash ?? NO_HASH));

  return same && secretHash !== null;
}

/** The role that a token of kind admin gives. */
export function roleOf(id: string): AdminRecord['role'] {
  return id.startsWith(LETTERS.reader) ? 'reader' : 'admin';
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
