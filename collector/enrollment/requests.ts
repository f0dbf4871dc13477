// What hosts and admins send to enroll, decoded: every wrong path at once, nothing believed but the shape.

import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { MODES } from '@selvage/shared/model/ids.ts';
import { MAX_REQUEST_CHARACTERS } from '@selvage/shared/pki/csr.ts';
import { z } from 'zod';

const MAX_KEY_CHARACTERS = 1024;
/** A DER signature of P-256 has at most 72 bytes. */
const MAX_PROOF_CHARACTERS = 128;

const token = z.string().max(128);
const name = z.string().min(1).max(253);
const csr = z.string().max(MAX_REQUEST_CHARACTERS);

const hostRequest = z.strictObject({
  token,
  name,
  csr,
  /** Hash of the machine id. */
  machineId: z.string().min(1).max(128),
  mode: z.enum(MODES),
  /** SPKI PEM of the key that signs the runner's results. */
  runnerKey: z.string().max(MAX_KEY_CHARACTERS),
  /** Base64 of the runner key's signature over runnerProofMessage(csr). */
  runnerProof: z.base64().max(MAX_PROOF_CHARACTERS),
});
export type HostRequest = z.infer<typeof hostRequest>;

const adminRequest = z.strictObject({
  token,
  name,
  csr,
  /** TUF key id of the signing key. */
  keyId: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .nullable()
    .default(null),
});
export type AdminRequest = z.input<typeof adminRequest>;

/** Throws FRAME_INVALID naming every path that does not fit. */
export const readHostRequest = (body: unknown): HostRequest => decoded(hostRequest, body);
export const readAdminRequest = (body: unknown): z.infer<typeof adminRequest> => decoded(adminRequest, body);

function decoded<S extends z.ZodType>(schema: S, body: unknown): z.output<S> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;

  const paths = result.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`);
  throw new CodedError('FRAME_INVALID', `the request does not fit: ${paths.join('; ')}`, { details: { paths } });
}
