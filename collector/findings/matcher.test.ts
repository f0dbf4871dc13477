// How much is written at once: a transaction of matching stands in the way of intake.
import { fakeClock } from '@selvage/shared/testing/fake-clock.ts';
import { expect, it } from 'vitest';
import type { Rule } from '../matching/rule.ts';
import type { Software } from '../matching/software.ts';
import type { Store } from '../store/ports.ts';
import type { WrittenMatches } from '../store/software-ports.ts';
import { FleetIndex } from './index.ts';
import { createMatcher } from './matcher.ts';

/** Characters of matches in one transaction. */
const MOST = 400_000;

/** `sizes`: packages with so many open CVEs each. */
async function written(sizes: readonly number[]): Promise<readonly (readonly WrittenMatches[])[]> {
  const transactions: WrittenMatches[][] = [];
  const store = {
    transaction: async (work: (writers: unknown) => Promise<unknown>) => {
      const put: WrittenMatches[] = [];
      await work({
        software: {
          putMatches: async (rows: readonly WrittenMatches[]) => put.push(...rows),
          putSince: async () => undefined,
        },
      });
      transactions.push(put);
    },
  } as unknown as Store;
  const fleet = new FleetIndex();
  fleet.putSoftware(sizes.map((_, at) => ({ id: at + 1, software: software(`p${at}`) })));
  const matcher = createMatcher({
    ...{ store, fleet, clock: fakeClock('2026-11-23T00:00:00Z'), goOn: () => undefined },
    rules: async (packages) =>
      packages.map((one) => ({
        ...{ ...one, feed: 'debian-tracker', asOf: null },
        rules: Array.from({ length: sizes[Number(one.package.slice(1))] ?? 0 }, (_, at) => open(one.package, at)),
      })),
  });
  await matcher.match(fleet.allIds());

  return transactions;
}

function software(name: string): Software {
  return { ecosystem: 'Debian:12', name, version: '1-1', source: name, module: null, kernel: null, origin: null };
}

function open(name: string, at: number): Rule {
  const record = `CVE-2026-${10_000 + at}`;

  return { ecosystem: 'Debian:12', package: name, record, cves: [record], status: 'open', ranges: [] };
}

const lengths = (transactions: readonly (readonly WrittenMatches[])[]) =>
  transactions.map((rows) => rows.reduce((sum, { json }) => sum + json.length, 0));

it('many middling packages are written in transactions that stay small', async () => {
  const transactions = await written(Array.from({ length: 60 }, () => 80));

  expect(transactions.flat()).toHaveLength(60);
  expect(Math.max(...lengths(transactions))).toBeLessThanOrEqual(MOST);
});

it('a kernel that alone is more than a transaction is to carry takes nobody else along', async () => {
  const transactions = await written([300, 3000, 300]);

  expect(transactions.map((rows) => rows.map(({ id }) => id))).toEqual([[1], [2], [3]]);
  expect(lengths(transactions)[1]).toBeGreaterThan(MOST);
});
