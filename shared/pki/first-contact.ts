// How a machine that knows only an address and a pin comes to trust a collector.
//
// INVARIANTS: the first connection trusts nobody, so it carries nothing secret and its answer counts only when the pin
// fits. The token goes over a second connection that trusts exactly the authority under the pin, and no other.

import * as z from 'zod';
import { CodedError } from '../errors/coded-error.ts';
import { type Answerer, type Connect, exchange } from './https.ts';
import { parsePin, pinOf, samePin } from './pin.ts';

/** Milliseconds for one exchange, connection included. */
const EXCHANGE_DEADLINE_MS = 30_000;

export interface Trust {
  /** PEM. */
  readonly authority: string;
  /** The exact bytes of the TUF root. */
  readonly root: Uint8Array;
}

/** GET /v1/trust. */
export const trustDocument = z.strictObject({
  authority: z.string().max(8192),
  /** Base64 of the exact bytes. */
  root: z.base64(),
});
export type TrustDocument = z.infer<typeof trustDocument>;

/**
 * What `url` asks to be trusted for, when it fits the pin. Throws PIN_MISMATCH (also for an answer that cannot be read:
 * either way this is not what the pin was made of), UNREACHABLE, USAGE. Nothing is stored and no secret is sent.
 */
export async function firstContact(options: {
  readonly url: string;
  readonly pin: string;
  readonly deadlineMs?: number;
  readonly connect?: Connect;
  readonly onAnswer?: (answer: Answerer) => void;
}): Promise<Trust> {
  const { url, deadlineMs = EXCHANGE_DEADLINE_MS, connect, onAnswer } = options;
  const expected = parsePin(options.pin);
  const answer = await exchange({
    url,
    path: '/v1/trust',
    method: 'GET',
    deadlineMs,
    trust: 'none',
    ...(connect ? { connect } : {}),
    ...(onAnswer ? { onAnswer } : {}),
  });
  const document = trustDocument.safeParse(answer);
  if (!document.success) throw mismatch(url, document.error);

  const { authority } = document.data;
  const root = new Uint8Array(Buffer.from(document.data.root, 'base64'));
  let found: ReturnType<typeof pinOf>;

  try {
    found = pinOf(authority, root);
  } catch (error) {
    throw mismatch(url, error);
  }
  if (!samePin(found, expected)) throw mismatch(url);

  return { authority, root };
}

/**
 * The answer to a JSON document posted over TLS 1.3 to a server that proves itself under `authority`, with a client
 * certificate when one is given. Throws as `exchange` does.
 */
export async function postJson(options: {
  readonly url: string;
  readonly path: string;
  readonly authority: string;
  readonly body: unknown;
  readonly key?: string;
  readonly cert?: string;
  readonly deadlineMs?: number;
  readonly connect?: Connect;
}): Promise<unknown> {
  const { authority, deadlineMs = EXCHANGE_DEADLINE_MS, ...rest } = options;

  return exchange({ ...rest, method: 'POST', deadlineMs, trust: { authority } });
}

function mismatch(url: string, cause?: unknown): CodedError {
  return new CodedError('PIN_MISMATCH', `what ${url} shows is not what the pin was made of`, { cause });
}
