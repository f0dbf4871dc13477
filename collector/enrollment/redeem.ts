// The one way in which a token is redeemed, for hosts and admins alike.
//
// INVARIANTS: the token is judged, used and audited in the one transaction that adds what it becomes, so of all who redeem it
// at once exactly as many win as it has uses left. A refusal of someone who knew the secret is in the ledger too.

import type { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { TokenRecord, Writers } from '../store/ports.ts';
import { type Context, timestamp } from './context.ts';
import { type Asked, type Decision, decide, genuine } from './redemption.ts';

/** `key`: hash of the public key that proved itself. */
export interface Asking extends Asked {
  readonly token: string;
  readonly kind: TokenRecord['kind'];
}

/** What a kind of token adds to the common way. */
export interface Redemption<Answer> {
  /** A further reason to refuse. It writes nothing. */
  refusal(writers: Writers, decision: Admitted, token: TokenRecord): Promise<CodedError | null>;
  /** Adds what the token becomes, with its audit entry. `name` is what the token is then used for. */
  admit(
    writers: Writers,
    decision: Admitted,
    token: TokenRecord,
  ): Promise<{ readonly for: string; readonly answer: Answer }>;
}

export type Admitted = Exclude<Decision, { verdict: 'refused' }>;

/** The answer of `redemption.admit`, committed. Throws the TOKEN_* codes and what `redemption.refusal` gives. */
export async function redeem<Answer>(
  context: Context,
  asking: Asking,
  redemption: Redemption<Answer>,
): Promise<Answer> {
  const result = await context.store.transaction(async (writers) => {
    const token = await genuine(asking.token, asking.kind, (id) => writers.tokens.byId(id));
    const decision = decide(token, asking, await writers.tokens.useBy(token.id, asking.key));
    const error = decision.verdict === 'refused' ? decision.error : await redemption.refusal(writers, decision, token);
    if (error || decision.verdict === 'refused') {
      // Returned, not thrown: a thrown error would roll the entry about it back.
      return { refused: await recorded(context, writers, token, asking, error as CodedError) };
    }

    const admitted = await redemption.admit(writers, decision, token);
    if (decision.verdict === 'first') {
      await writers.tokens.use(token.id, { at: timestamp(asking.now), key: asking.key, for: admitted.for });
    }

    return { answer: admitted.answer };
  });
  if ('refused' in result) throw result.refused;

  return result.answer;
}

async function recorded(
  { refusals }: Context,
  writers: Writers,
  token: TokenRecord,
  asking: Asking,
  error: CodedError,
): Promise<CodedError> {
  const mark = `${token.id}:${error.code}`;
  if (refusals.has(mark)) return error;

  await writers.audit.append({
    at: timestamp(asking.now),
    actor: 'collector',
    action: 'token.refused',
    subject: `token:${token.id}`,
    details: {
      code: error.code,
      name: asking.name,
      ...(asking.address === undefined ? {} : { address: asking.address }),
    },
  });
  refusals.add(mark);

  return error;
}
