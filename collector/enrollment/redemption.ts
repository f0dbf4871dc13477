// Whether a token may be redeemed: one decision over facts, the same for hosts and admins. It reads and writes nothing.
// Asked twice: before any costly work, and again inside the transaction that uses the token, where it counts.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { MODES, type Mode, type Sha256 } from '@selvage/shared/model/ids.ts';
import type { TokenRecord, TokenUse } from '../store/ports.ts';
import { ASK_AGAIN_MS } from './limits.ts';
import { isWithin } from './networks.ts';
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

export interface Asked {
  readonly name: string;
  readonly key: Sha256;
  readonly now: Temporal.Instant;
  /** Of the socket; left out, it is not known. */
  readonly address?: string | undefined;
  /** The mode that a host would have. */
  readonly mode?: Mode;
}

/**
 * Decides over a genuine token for the holder of `key` who wants to be called `name`; `use` is what that key has made of it
 * before. Every bound is asked each time, also of who asks again.
 */
export function decide(token: TokenRecord, asking: Asked, use: TokenUse | null): Decision {
  const { id, boundTo } = token;
  const refused = (code: Parameters<typeof refusal>[0], message: string): Decision => refusal(code, message, id);

  if (token.revokedAt !== null) return refused('TOKEN_REVOKED', `the token ${id} was revoked at ${token.revokedAt}`);
  if (boundTo !== null && boundTo !== asking.name) {
    return refused('TOKEN_WRONG_HOST', `the token ${id} is for another than ${asking.name}`);
  }
  if (token.networks.length > 0 && !isWithin(asking.address ?? '', token.networks)) {
    const from = asking.address ?? 'an unknown address';
    return refused('TOKEN_WRONG_ADDRESS', `the token ${id} is for ${token.networks.join(', ')}, not for ${from}`);
  }
  if (token.mode !== null && asking.mode !== undefined && isWider(asking.mode, token.mode)) {
    return refused('TOKEN_WRONG_MODE', `the token ${id} is for mode ${token.mode} at most, not for ${asking.mode}`);
  }
  if (use !== null) {
    return mayAskAgain(use, asking)
      ? { verdict: 'again', for: use.host }
      : refused('TOKEN_USED', `the token ${id} was used by this machine at ${use.at}`);
  }
  if (token.used >= token.uses) {
    const often = token.uses === 1 ? `used at ${token.usedAt}` : `used ${token.used} of ${token.uses} times`;
    return refused('TOKEN_USED', `the token ${id} was ${often}`);
  }
  if (Temporal.Instant.compare(asking.now, Temporal.Instant.from(token.expiresAt)) >= 0) {
    return refused('TOKEN_EXPIRED', `the token ${id} expired at ${token.expiresAt}`);
  }

  return { verdict: 'first' };
}

function mayAskAgain({ at }: TokenUse, asking: Pick<Asked, 'now'>): boolean {
  return asking.now.since(Temporal.Instant.from(at)).total('milliseconds') < ASK_AGAIN_MS;
}

/** In the order of MODES, each may do more than the one before. */
function isWider(mode: Mode, than: Mode): boolean {
  return MODES.indexOf(mode) > MODES.indexOf(than);
}

function refusal(
  code:
    | 'TOKEN_REVOKED'
    | 'TOKEN_WRONG_HOST'
    | 'TOKEN_WRONG_ADDRESS'
    | 'TOKEN_WRONG_MODE'
    | 'TOKEN_USED'
    | 'TOKEN_EXPIRED',
  message: string,
  tokenId: string,
): Decision {
  return { verdict: 'refused', error: new CodedError(code, message, { details: { tokenId } }) };
}
