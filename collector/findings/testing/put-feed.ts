// Puts a whole generation of a feed into a store, as an import does at its end. For tests and benchmarks only.
import { sha256 } from '@selvage/shared/files/canonical.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { encodeRule, joinRules } from '../../feed-rows/rules.ts';
import type { Rule } from '../../matching/rule.ts';
import type { Store } from '../../store/ports.ts';

/** Which generations it lies between. */
export async function putFeed(
  store: Pick<Store, 'transaction'>,
  name: string,
  rules: readonly Rule[],
  at: Timestamp,
): Promise<{ readonly from: number | null; readonly to: number }> {
  return switchFeed(store, name, await writeFeed(store, name, rules, at), at);
}

/** Beside the current one; its number. */
export async function writeFeed(
  store: Pick<Store, 'transaction'>,
  name: string,
  rules: readonly Rule[],
  at: Timestamp,
): Promise<number> {
  const byPackage = Map.groupBy(rules, ({ ecosystem, package: of }) => `${ecosystem}\t${of}`);
  const rows = [...byPackage].map(([key, list]) => {
    const text = joinRules(list.map(encodeRule));

    return [...key.split('\t'), sha256(text).slice(0, 32), text];
  });
  const ecosystems = [...Map.groupBy(rows, ([ecosystem]) => ecosystem)].map(([ecosystem, list]) => ({
    ecosystem: ecosystem ?? '',
    packages: list.length,
  }));

  return store.transaction(async ({ feeds }) => {
    const generation = await feeds.begin(name, at);
    await feeds.put(generation, { kind: 'rules', json: JSON.stringify(rows) });
    await feeds.seal(generation, ecosystems);

    return generation;
  });
}

export async function switchFeed(
  store: Pick<Store, 'transaction'>,
  name: string,
  to: number,
  at: Timestamp,
): Promise<{ readonly from: number | null; readonly to: number }> {
  const { from } = await store.transaction(({ feeds }) =>
    feeds.makeCurrent(name, to, {
      ...{ asOf: at, importedAt: at, records: 1, skipped: 0, sha256: sha256(`${name} ${to}`) },
      ...{ format: 1, etag: null, lastModified: null },
    }),
  );

  return { from, to };
}
