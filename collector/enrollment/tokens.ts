// Making and revoking tokens. The secret leaves this file once, in the answer to whoever asked for the token.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { formatDuration } from '@selvage/shared/time/duration.ts';
import type { AdminRecord, TokenRecord } from '../store/ports.ts';
import { type Context, timestamp } from './context.ts';
import { MAX_TOKEN_MS, MIN_TOKEN_MS } from './limits.ts';
import { adminName, hostName } from './names.ts';
import { newToken } from './token.ts';

export interface TokenRequest {
  readonly kind: TokenRecord['kind'];
  /** The only name it can be redeemed for; null: any, for hosts only. */
  readonly boundTo: string | null;
  /** Role of the admin it is for. */
  readonly role?: AdminRecord['role'];
  readonly ttlMs: number;
  /** Actor in the ledger: `admin:NAME` or `collector`. */
  readonly createdBy: string;
}

export interface CreatedToken {
  readonly token: string;
  readonly id: string;
  readonly expiresAt: string;
}

/** A new one-time token. Throws USAGE for a life outside the limits, a name that cannot be, or an admin without a name. */
export async function createToken({ store, clock, random }: Context, request: TokenRequest): Promise<CreatedToken> {
  const { kind, ttlMs, createdBy } = request;
  if (!(ttlMs >= MIN_TOKEN_MS && ttlMs <= MAX_TOKEN_MS)) {
    const [least, most] = [formatDuration(MIN_TOKEN_MS), formatDuration(MAX_TOKEN_MS)];
    throw new CodedError('USAGE', `a token lives from ${least} to ${most}, not ${ttlMs} ms`);
  }
  const boundTo = boundName(request);
  const role = request.role ?? 'admin';
  const { token, id, secretHash } = newToken(kind === 'host' ? 'host' : role, random);
  const now = clock.now();
  const createdAt = timestamp(now);
  const expiresAt = timestamp(now.add({ milliseconds: Math.floor(ttlMs) }));

  await store.transaction(async (writers) => {
    await writers.tokens.add({
      id,
      kind,
      secretHash,
      boundTo,
      createdBy,
      createdAt,
      expiresAt,
      revokedAt: null,
      usedAt: null,
      usedByKey: null,
      usedFor: null,
    });
    await writers.audit.append({
      at: createdAt,
      actor: createdBy,
      action: 'token.created',
      subject: `token:${id}`,
      details: { kind, boundTo, expiresAt, ...(kind === 'admin' ? { role } : {}) },
    });
  });

  return { token, id, expiresAt };
}

/** Makes a token unusable, also for asking again; a revoked one stays as it is. Throws NOT_FOUND. */
export async function revokeToken({ store, clock }: Context, id: string, by: string): Promise<void> {
  await store.transaction(async (writers) => {
    const token = await writers.tokens.byId(id);
    if (!token) throw new CodedError('NOT_FOUND', `there is no token ${id}`);
    if (token.revokedAt !== null) return;

    const at = timestamp(clock.now());
    await writers.tokens.revoke(id, at);
    await writers.audit.append({
      at,
      actor: by,
      action: 'token.revoked',
      subject: `token:${id}`,
      details: { kind: token.kind, boundTo: token.boundTo, usedFor: token.usedFor },
    });
  });
}

function boundName({ kind, boundTo }: TokenRequest): string | null {
  if (kind === 'host') return boundTo === null ? null : hostName(boundTo);
  if (boundTo === null) throw new CodedError('USAGE', 'a token for an admin names the admin');

  return adminName(boundTo);
}
