// Keeps the words that take findings off the list as they are now: the signed policy and the VEX documents of the store. Whoever joins
// findings asks it without waiting; it reads again when one of the two changes.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import { inTurns } from '../api/in-turns.ts';
import type { Events } from '../events.ts';
import type { Store } from '../store/ports.ts';
import { isOwn } from './shapes.ts';
import { type Concerns, createConcerns, SUPPRESS_NOTHING, type Suppress, suppressSteps } from './suppress.ts';

export interface Suppressions {
  /** As of the last change that was read. */
  readonly suppress: Suppress;
  /** Of `suppress`: what it may be about at all. */
  readonly concerns: Concerns;
  /** Grows with every change: what was joined under another number is old. */
  readonly number: number;
  /** Documents of the policy, decoded: acceptances, advisories and the rest. */
  readonly documents: readonly PolicyDocument[];
  /** Reads now. Throws what the store and the policy throw; then what was there before stays. */
  refresh(): Promise<void>;
  close(): void;
}

interface PolicySource {
  current(): Promise<{ readonly documents: readonly { readonly document: PolicyDocument }[] }>;
}

export interface SuppressionDeps {
  readonly store: { readonly read: Pick<Store['read'], 'vex'> };
  readonly policy: PolicySource;
  readonly events: Events;
  readonly log: Log;
}

/** Reads once before it returns, so that nothing is shown as open that is accepted. */
export async function keepSuppressions(deps: SuppressionDeps): Promise<Suppressions> {
  const { store, policy, events, log } = deps;
  let suppress = SUPPRESS_NOTHING;
  let concerns: Concerns = () => false;
  let documents: readonly PolicyDocument[] = [];
  let number = 0;
  let last: Promise<unknown> = Promise.resolve();

  const read = async () => {
    const [current, kept, said] = await Promise.all([
      documentsOf(policy),
      store.read.vex.documents(),
      store.read.vex.statements(),
    ]);
    const authors = new Map(kept.map(({ id, author }) => [id, author]));
    const own = new Set(kept.filter(isOwn).map(({ id }) => id));
    const statements = said
      .filter(({ document }) => !own.has(document))
      .map(({ document, statement }) => ({ author: authors.get(document) ?? document, statement }));
    // Both of the same words, and none of the words half read.
    const next = await inTurns(suppressSteps({ documents: current, statements }));
    suppress = next;
    concerns = createConcerns({ documents: current, statements });
    documents = current;
    number += 1;
  };
  // One after the other: an older reading must not end after a newer one.
  const refresh = () => {
    const mine = last.then(read);
    last = mine.catch(() => undefined);

    return mine;
  };
  const unsubscribe = events.subscribe((event) => {
    if (event.type !== 'policy.changed' && event.type !== 'vex.changed') return;
    refresh().catch((error: unknown) => {
      const { code, message } = asCoded(error);
      log.error({ code, error }, `what is accepted could not be read; findings are shown as before: ${message}`);
    });
  });
  await refresh();

  return {
    get suppress() {
      return suppress;
    },
    get concerns() {
      return concerns;
    },
    get documents() {
      return documents;
    },
    get number() {
      return number;
    },
    refresh,
    close: unsubscribe,
  };
}

async function documentsOf(policy: PolicySource): Promise<readonly PolicyDocument[]> {
  const { documents } = await policy.current();

  return documents.map(({ document }) => document);
}
