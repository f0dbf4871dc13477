// What the runner tells everybody about the policy it goes by, beside the time of its next pass: versions and ends of the
// accepted roles. Only shown and reported; nothing is decided by it. The resident agent reads it, so it loads little.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { CODES, type Code } from '@selvage/shared/errors/codes.ts';
import { readBounded } from '@selvage/shared/files/durable.ts';
import * as z from 'zod/mini';

/** Versions and ends of the roles that were accepted; months of approvals have a version and no end here. */
export interface TrustFacts {
  readonly acceptedAt: string;
  readonly versions: Readonly<Record<string, number>>;
  readonly ends: Readonly<Record<string, string>>;
}

export interface TrustReport {
  /** Null while nothing was accepted. */
  readonly trust: TrustFacts | null;
  /** Why what was offered last was not accepted. */
  readonly problem: { readonly code: Code; readonly message: string } | null;
}

const MAX_BYTES = 64 * 1024;
const code = z.enum(Object.keys(CODES) as [Code, ...Code[]]);
const file = z.object({
  policy: z.nullable(z.object({ code, message: z.string() })),
  // Left out by a runner of before.
  trust: z.optional(
    z.nullable(
      z.object({
        acceptedAt: z.string(),
        versions: z.record(z.string(), z.number()),
        ends: z.record(z.string(), z.string()),
      }),
    ),
  ),
});

/** Null before the first pass. Throws FILE_CORRUPT. */
export async function readTrustReport(path: string): Promise<TrustReport | null> {
  const bytes = await readBounded(path, MAX_BYTES);
  if (bytes === null) return null;

  try {
    const { policy, trust = null } = file.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));

    return { trust, problem: policy };
  } catch (error) {
    throw new CodedError('FILE_CORRUPT', `${path} is not what the runner wrote`, { cause: error });
  }
}
