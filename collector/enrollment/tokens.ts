// Making and revoking tokens. The secret leaves this file once, in the answer to whoever asked for the token.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Mode } from '@selvage/shared/model/ids.ts';
import { type Labels, labelsFlaw } from '@selvage/shared/model/labels.ts';
import { formatDuration } from '@selvage/shared/time/duration.ts';
import type { AdminRecord, TokenRecord } from '../store/ports.ts';
import { type Context, timestamp } from './context.ts';
import { MAX_TOKEN_MS, MAX_TOKEN_NETWORKS, MAX_TOKEN_USES, MIN_TOKEN_MS } from './limits.ts';
import { adminName, hostName } from './names.ts';
import { networkOf } from './networks.ts';
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
  /** How many hosts may come by it; more than one are pending until they are accepted. Left out: one. */
  readonly uses?: number;
  /** Networks it may be redeemed from; left out: any. */
  readonly networks?: readonly string[];
  readonly labels?: Labels;
  /** The widest mode a host may enroll in; null: any. */
  readonly mode?: Mode | null;
  /** The host takes the place of the one that has its name now. */
  readonly replaces?: boolean;
}

export interface CreatedToken {
  readonly token: string;
  readonly id: string;
  readonly expiresAt: string;
}

/**
 * A new token. Throws USAGE for a life outside the limits, a name that cannot be, an admin without a name and bounds that
 * contradict each other; NOT_FOUND when there is no host to replace.
 */
export async function createToken({ store, clock, random }: Context, request: TokenRequest): Promise<CreatedToken> {
  const { kind, ttlMs, createdBy } = request;
  if (!(ttlMs >= MIN_TOKEN_MS && ttlMs <= MAX_TOKEN_MS)) {
    const [least, most] = [formatDuration(MIN_TOKEN_MS), formatDuration(MAX_TOKEN_MS)];
    throw new CodedError('USAGE', `a token lives from ${least} to ${most}, not ${ttlMs} ms`);
  }
  const boundTo = boundName(request);
  const bounds = boundsOf(request);
  const role = request.role ?? 'admin';
  const { token, id, secretHash } = newToken(kind === 'host' ? 'host' : role, random);
  const now = clock.now();
  const createdAt = timestamp(now);
  const expiresAt = timestamp(now.add({ milliseconds: Math.floor(ttlMs) }));

  await store.transaction(async (writers) => {
    if (bounds.replaces && boundTo !== null && !(await writers.hosts.byName(boundTo))) {
      throw new CodedError('NOT_FOUND', `there is no host ${boundTo} that could be replaced`, {
        next: 'leave --replace out, or look for the name: selvage host list --all',
      });
    }
    await writers.tokens.add({
      ...bounds,
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
      details: { kind, boundTo, expiresAt, ...(kind === 'admin' ? { role } : bounds) },
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
      details: { kind: token.kind, boundTo: token.boundTo, usedFor: token.usedFor, uses: token.uses, used: token.used },
    });
  });
}

function boundsOf(request: TokenRequest) {
  const { kind, boundTo, uses = 1, networks = [], labels = {}, mode = null, replaces = false } = request;
  const said = { uses, networks: [...new Set(networks.map(networkOf))], labels, mode, replaces };
  if (kind === 'admin' && (uses !== 1 || networks.length > 0 || mode !== null || replaces || !isEmpty(labels))) {
    throw new CodedError('USAGE', 'a token for an admin is for one use, and has no bounds but its name and its end');
  }
  if (!(Number.isInteger(uses) && uses >= 1 && uses <= MAX_TOKEN_USES)) {
    throw new CodedError('USAGE', `a token has 1 to ${MAX_TOKEN_USES} uses, not ${uses}`);
  }
  if (uses > 1 && boundTo !== null) {
    throw new CodedError('USAGE', 'a token for one host is for one use', {
      next: 'leave the name out for many hosts, or the uses for one',
    });
  }
  if (replaces && boundTo === null) {
    throw new CodedError('USAGE', 'a token that replaces a host names it', { next: 'add --host NAME' });
  }
  if (said.networks.length > MAX_TOKEN_NETWORKS) {
    throw new CodedError('USAGE', `${said.networks.length} networks; ${MAX_TOKEN_NETWORKS} are the most`);
  }
  const flaw = labelsFlaw(labels);
  if (flaw !== null) throw new CodedError('USAGE', `the labels are refused: ${flaw}`);

  return said;
}

function isEmpty(labels: Labels): boolean {
  return Object.keys(labels).length === 0;
}

function boundName({ kind, boundTo }: TokenRequest): string | null {
  if (kind === 'host') return boundTo === null ? null : hostName(boundTo);
  if (boundTo === null) throw new CodedError('USAGE', 'a token for an admin names the admin');

  return adminName(boundTo);
}
