// Makes signed advisories a generation of the feed `advisory`, when the policy or what feeds know of their packages has changed. One
// transaction: nobody sees half of it, and the same advisories again change nothing.
import { asCoded } from '@selvage/shared/errors/coded-error.ts';
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
import type { Log } from '@selvage/shared/log/log.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { PolicyDocument } from '@selvage/shared/policy/documents.ts';
import type { Clock } from '@selvage/shared/time/clock.ts';
import type { Events } from '../events.ts';
import { encodeRule, joinRules } from '../feed-rows/rules.ts';
import type { Store } from '../store/ports.ts';
import { ADVISORY_FEED, advisoriesIn, packagesOf, raisesOf, rulesOf } from './advisories.ts';

/** Of what is written below: another number makes the generation anew. */
const FORMAT = 1;
/** Digits of a row's hash. */
const HASH_LENGTH = 16;

export interface AdvisoryDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly events: Events;
  readonly log: Log;
  readonly documents: () => Promise<readonly PolicyDocument[]>;
}

export interface Advisories {
  /** Once everything that was asked for until now is done. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** Begins at once; failures are logged, and what was current stays. */
export function keepAdvisories(deps: AdvisoryDeps): Advisories {
  const { events, log } = deps;
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;
  const again = () => {
    last = last
      .then(() => (closed ? undefined : importAdvisories(deps)))
      .catch((error: unknown) => {
        const { code, message } = asCoded(error);
        log.error(
          { code, error },
          `signed advisories could not be taken over; those from before still count: ${message}`,
        );
      });
  };
  const unsubscribe = events.subscribe((event) => {
    if (event.type === 'policy.changed' || (event.type === 'feed.changed' && event.feed !== ADVISORY_FEED)) again();
  });
  again();

  return {
    idle: async () => {
      await last;
    },
    close: async () => {
      closed = true;
      unsubscribe();
      await last;
    },
  };
}

/** True when there is a new generation. */
export async function importAdvisories({ store, clock, events, documents }: AdvisoryDeps): Promise<boolean> {
  const advisories = advisoriesIn(await documents());
  const state = await store.read.feeds.byName(ADVISORY_FEED);
  if (advisories.length === 0 && (state === null || state.generation === null)) return false;
  const raises = raisesOf(advisories, await store.read.feeds.rules(packagesOf(advisories)));
  const hash = sha256(canonicalJson([FORMAT, advisories, raises]));
  if (state?.sha256 === hash && state.generation !== null) return false;

  const byPackage = Map.groupBy(advisories.flatMap(rulesOf), (rule) => JSON.stringify([rule.ecosystem, rule.package]));
  const rows = [...byPackage].map(([key, rules]) => {
    const text = joinRules(rules.map(encodeRule));

    return [...(JSON.parse(key) as [string, string]), sha256(text).slice(0, HASH_LENGTH), text] as const;
  });
  const byCve = Map.groupBy(raises, ({ cve }) => cve);
  // The most pressing of several is worked out where facts are merged; a row holds one.
  const facts = [...byCve].map(([cve, all]) => [
    cve,
    JSON.stringify({ raised: most(all.map(({ raised }) => raised)) }),
  ]);
  const ecosystems = [...Map.groupBy(rows, ([ecosystem]) => ecosystem)].map(([ecosystem, all]) => ({
    ...{ ecosystem, packages: all.length },
  }));
  const at = clock.now().toString() as Timestamp;
  const { from, to } = await store.transaction(async ({ feeds, audit }) => {
    const generation = await feeds.begin(ADVISORY_FEED, at);
    await feeds.put(generation, { kind: 'rules', json: JSON.stringify(rows) });
    await feeds.put(generation, { kind: 'facts', json: JSON.stringify(facts) });
    await feeds.seal(generation, ecosystems);
    const switched = await feeds.makeCurrent(ADVISORY_FEED, generation, {
      ...{ asOf: at, importedAt: at, records: advisories.length, skipped: 0, sha256: hash, format: FORMAT },
      ...{ etag: null, lastModified: null },
    });
    await audit.append({
      ...{ at, actor: 'collector', action: 'advisories.taken', subject: ADVISORY_FEED },
      details: { advisories: advisories.map(({ name }) => name), raises: raises.length, sha256: hash },
    });

    return { from: switched.from, to: generation };
  });
  events.publish({ type: 'feed.changed', feed: ADVISORY_FEED, from, to, records: advisories.length });

  return true;
}

const ORDER = ['immediate', 'out-of-cycle', 'scheduled', 'defer'] as const;

function most<R extends { readonly to: (typeof ORDER)[number] }>(raised: readonly R[]): R | undefined {
  return raised.toSorted((one, other) => ORDER.indexOf(one.to) - ORDER.indexOf(other.to))[0];
}
