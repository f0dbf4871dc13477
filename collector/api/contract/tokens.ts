// Tokens as they cross the API: what may be asked for, what is shown of one, and the one answer that carries the secret.
import { MODES } from '@selvage/shared/model/ids.ts';
import { z } from 'zod';
import { HOST_STATES } from '../../host-state.ts';
import { hostName } from '../contract.ts';
import { selection } from './select.ts';

const name = z.string().min(1).max(253);
const instant = z.iso.datetime({ offset: true });
const count = z.number().int().nonnegative();
const labels = z.record(z.string(), z.array(z.string()));
const bounds = {
  /** Networks it may be redeemed from; none: any. */
  networks: z.array(z.string()),
  labels,
  /** The widest mode a host may enroll in; null: any. */
  mode: z.enum(MODES).nullable(),
  /** The host takes the place of the one that has its name. */
  replaces: z.boolean(),
};

export const token = z.strictObject({
  id: name,
  kind: z.enum(['host', 'admin']),
  boundTo: z.string().nullable(),
  createdBy: z.string(),
  createdAt: instant,
  expiresAt: instant,
  /** `used`: no use is left. */
  state: z.enum(['open', 'used', 'expired', 'revoked']),
  uses: z.number().int().positive(),
  used: count,
  ...bounds,
  /** What came by it; of an admin the name, without a state. */
  became: z.array(z.strictObject({ id: z.string(), name, state: z.enum(HOST_STATES).nullable() })),
});
export const tokens = z.strictObject({ tokens: z.array(token), selection });

/** For the one `host`, accepted at once; or for as many as `uses` says, pending until they are accepted. */
export const tokenRequest = z
  .strictObject({
    host: hostName.optional(),
    expires: z.string().max(32).default('8h'),
    uses: z.number().int().positive().optional(),
    networks: z.array(z.string().max(64)).max(16).default([]),
    labels: labels.default({}),
    mode: z.enum(MODES).nullable().default(null),
    replaces: z.boolean().default(false),
  })
  .refine(
    ({ host, uses }) => host !== undefined || uses !== undefined,
    'a token is for one host or for a number of uses',
  );

/** The only answer that carries a secret; it is shown once and stored hashed. */
export const createdHostToken = z.strictObject({
  id: name,
  token: z.string(),
  boundTo: name.nullable(),
  expiresAt: instant,
  uses: z.number().int().positive(),
  ...bounds,
  collector: z.string(),
  pin: z.string(),
});

/** `rejectPending`: what came by it and was not accepted yet is revoked too. */
export const tokenRevocation = z.strictObject({ rejectPending: z.boolean().default(false) });
export const revokedToken = z.strictObject({ token, rejected: count });
