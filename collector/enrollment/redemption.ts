// Whether a token may be redeemed: one decision over facts, the same for hosts and admins. It reads and writes nothing.
// Asked twice: before any costly work, and again inside the transaction that uses the token, where it counts.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Sha256 } from '@selvage/shared/model/ids.ts';
import type { TokenRecord } from '../store/ports.ts';
import { ASK_AGAIN_MS } from './limits.ts';
import { isSecret, parseToken } from './token.ts';

export type Decision =
  | { readonly verdict: 'first' }
  /** The key that redeemed it asks again: `for` is what it became. */
  | { readonly verdict: 'again'; readonly for: string }
  | { readonly verdict: 'refused'; readonly error: CodedError };

/**
 * The record that `token` is the secret of. Throws TOKEN_UNKNOWN, with the same words for a text that is no token, an id
 * that is not there, a wrong secret and a token for something else: whoever guesses learns nothing.
 */
export async function genuine(
  token: string,
  kind: TokenRecord['kind'],
  byId: (id: string) => Promise<TokenRecord | null>,
): Promise<TokenRecord> {
  const parts = parseToken(token);
  const record = parts ? await byId(parts.id) : null;
  if (!isSecret(parts?.secret ?? '', record?.secretHash ?? null) || record?.kind !== kind) {
    throw new CodedError('TOKEN_UNKNOWN', 'the token is not one of this collector');
  }

  return record;
}

/** Decides over a genuine token for the holder of `key` who wants to be called `name`. */
export function decide(
  token: TokenRecord,
  asking: { readonly name: string; readonly key: Sha256; readonly now: Temporal.Instant },
): Decision {
  const { id, boundTo } = token;
  const refused = (code: Parameters<typeof refusal>[0], message: string): Decision => refusal(code, message, id);

  if (token.revokedAt !== null) return refused('TOKEN_REVOKED', `the token ${id} was revoked at ${token.revokedAt}`);
  if (boundTo !== null && boundTo !== asking.name) {
    return refused('TOKEN_WRONG_HOST', `the token ${id} is for another than ${asking.name}`);
  }
  if (token.usedAt !== null) {
    return mayAskAgain(token, asking)
      ? { verdict: 'again', for: token.usedFor ?? '' }
      : refused('TOKEN_USED', `the token ${id} was used at ${token.usedAt}`);
  }
  if (Temporal.Instant.compare(asking.now, Temporal.Instant.from(token.expiresAt)) >= 0) {
    return refused('TOKEN_EXPIRED', `the token ${id} expired at ${token.expiresAt}`);
  }

  return { verdict: 'first' };
}

function mayAskAgain(token: TokenRecord, asking: { readonly key: Sha256; readonly now: Temporal.Instant }): boolean {
  if (token.usedAt === null || token.usedByKey !== asking.key) return false;

  const since = asking.now.since(Temporal.Instant.from(token.usedAt)).total('milliseconds');

  return since < ASK_AGAIN_MS;
}

function refusal(
  code: 'TOKEN_REVOKED' | 'TOKEN_WRONG_HOST' | 'TOKEN_USED' | 'TOKEN_EXPIRED',
  message: string,
  tokenId: string,
): Decision {
  return { verdict: 'refused', error: new CodedError(code, message, { details: { tokenId } }) };
}
