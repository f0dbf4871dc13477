// Tables feeds and feed…: what feeds say, as their current generations have it. A generation is written in many transactions and
// seen by nobody until one row of feeds names it.
import { setImmediate } from 'node:timers/promises';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import { z } from 'zod';
import { decodeGroups, rulesIn } from '../feed-rows/rules.ts';
import type { CveFactsPart } from '../triage/cve-facts.ts';
import { type Db, written } from './dialect.ts';
import type { FeedReader, FeedState, PackageName, PackageRuleGroups } from './feed-ports.ts';
import * as rows from './rows.ts';

/** Packages and CVEs asked for at once: those of a whole fleet would hold up everything else. */
const PACKAGES_AT_ONCE = 200;
/** Milliseconds of decoding before others are let in: kernels have megabytes of rules each. */
const TURN_MS = 10;
const CVES_AT_ONCE = 1000;
const CHANGED_AT_ONCE = 2000;

const count = z.number().int().nonnegative();
const generation = count.nullable();
const state = z.object({
  name: rows.name,
  generation,
  asOf: rows.timestamp.nullable(),
  importedAt: rows.timestamp.nullable(),
  checkedAt: rows.timestamp.nullable(),
  records: count,
  skipped: count,
  sha256: rows.sha256.nullable(),
  format: count.nullable(),
  etag: rows.text.nullable(),
  lastModified: rows.text.nullable(),
  errorCode: rows.code.nullable(),
  errorReason: rows.text.nullable(),
  errorAt: rows.timestamp.nullable(),
});
const packageName = z.object({ ecosystem: rows.text, package: rows.text });
const ruleRow = z.object({
  place: count,
  feed: rows.name,
  asOf: rows.timestamp.nullable(),
  ecosystem: z.string(),
  package: z.string(),
  rules: z.string(),
});
const factRow = z.object({ cve: z.string(), facts: z.string() });
const bulletin = z.object({
  id: z.string(),
  vendor: z.string(),
  product: z.string().nullable(),
  title: z.string(),
  url: z.string().nullable(),
  published: rows.timestamp,
  cves: z.array(z.string()),
});
const flag = z.union([z.string(), z.boolean()]).nullable();
const cycle = z.object({
  product: z.string(),
  cycle: z.string(),
  released: z.string().nullable(),
  eol: flag,
  support: flag,
  extended: flag,
  latest: z.string().nullable(),
  latestDate: z.string().nullable(),
});

const STATE = `
  select name, generation, asOf, importedAt, checkedAt, records, skipped, sha256, format, etag, lastModified, errorCode,
    errorReason, errorAt from feeds`;
/** Feeds that speak of the ecosystem first: a package is looked up in those only. */
const RULES = `
  select asked.key as place, feeds.name as feed, feeds.asOf as asOf, feedRules.ecosystem as ecosystem,
    feedRules.package as package, rules
  from json_each(?) as asked
  cross join feedEcosystems on feedEcosystems.ecosystem = asked.value ->> 0
  cross join feeds on feeds.generation = feedEcosystems.generation
  cross join feedRules on feedRules.generation = feeds.generation
    and feedRules.ecosystem = asked.value ->> 0 and feedRules.package = asked.value ->> 1`;
const FACTS = `
  select feedFacts.cve as cve, facts from json_each(?) as asked
  cross join feeds
  cross join feedFacts on feedFacts.generation = feeds.generation and feedFacts.cve = asked.value
  order by asked.key, feeds.name`;
/** KEV is one of the feeds, so that what it has is among those that are known. */
const COUNT_CVES = `
  select
    (select count(distinct cve) from feeds cross join feedFacts on feedFacts.generation = feeds.generation
      where cve >= ? and cve < ?) as known,
    (select count(*) from feeds cross join feedFacts on feedFacts.generation = feeds.generation
      where feeds.name = 'kev' and cve >= ? and cve < ?) as exploited`;
const NO_CVES = { known: 0, exploited: 0 };
/** One page of what `one` has and `other` has not, or has otherwise. */
const OTHERWISE = `
  select ecosystem, package from feedRules as one
  where generation = ? and (ecosystem, package) > (?, ?) and not exists (
    select 1 from feedRules as other where other.generation = ? and other.ecosystem = one.ecosystem
      and other.package = one.package and other.hash = one.hash)
  order by ecosystem, package limit ${CHANGED_AT_ONCE}`;
const KEPT = 'select name from feeds where generation = ? or previous = ?';
const BULLETINS = `
  select bulletin from feedBulletins join feeds on feeds.generation = feedBulletins.generation`;
const BULLETINS_OF = `
  select bulletin from feedBulletinCves as named
  join feeds on feeds.generation = named.generation
  join feedBulletins on feedBulletins.generation = named.generation and feedBulletins.id = named.id`;
const CYCLES = `
  select data from feedCycles join feeds on feeds.generation = feedCycles.generation where product = ? order by feeds.name, cycle`;
const ECOSYSTEMS = `
  select ecosystem, name from feedEcosystems join feeds on feeds.generation = feedEcosystems.generation
  order by ecosystem, name`;

export function feedReader(db: Db): FeedReader {
  return {
    list: async () => states((await written(db, `${STATE} order by name`, [])).rows),
    byName: async (name) => states((await written(db, `${STATE} where name = ?`, [name])).rows)[0] ?? null,
    rules: async (packages) =>
      (await ruleGroupsOf(db, packages)).map(({ groups, shared: _shared, ...rest }) => ({
        ...rest,
        rules: rulesIn(groups),
      })),
    ruleGroups: (packages) => ruleGroupsOf(db, packages),
    facts: (cves) => factsOf(db, cves),
    countCves: async (from, before) => {
      const { rows: found } = await written(db, COUNT_CVES, [from, before, from, before]);

      return rows.decodeRows(z.object({ known: count, exploited: count }), 'feedFacts', found)[0] ?? NO_CVES;
    },
    changed: (from, to) => changed(db, from, to),
    bulletins: async ({ cve, vendor, feed, limit }) => {
      const conditions = [
        ...(cve === undefined ? [] : [{ text: 'named.cve = ?', value: cve }]),
        ...(vendor === undefined ? [] : [{ text: 'feedBulletins.vendor = ?', value: vendor }]),
        ...(feed === undefined ? [] : [{ text: 'feeds.name = ?', value: feed }]),
      ];
      const where = conditions.map(({ text }) => text).join(' and ') || 'true';
      const text = `${cve === undefined ? BULLETINS : BULLETINS_OF} where ${where} order by published desc, feedBulletins.id limit ?`;
      const { rows: found } = await written(db, text, [...conditions.map(({ value }) => value), limit]);

      return found.map(
        (row) => rows.decodeRow(z.object({ bulletin: rows.json(bulletin) }), 'feedBulletins', row).bulletin,
      );
    },
    cycles: async (product) => {
      const { rows: found } = await written(db, CYCLES, [product]);

      return found.map((row) => rows.decodeRow(z.object({ data: rows.json(cycle) }), 'feedCycles', row).data);
    },
    ecosystems: async () => {
      const { rows: found } = await written(db, ECOSYSTEMS, []);
      const all = rows.decodeRows(z.object({ ecosystem: z.string(), name: rows.name }), 'feedEcosystems', found);

      return new Map(
        [...Map.groupBy(all, ({ ecosystem }) => ecosystem)].map(([name, each]) => [
          name,
          each.map((feed) => feed.name),
        ]),
      );
    },
  };
}

async function ruleGroupsOf(db: Db, packages: readonly PackageName[]): Promise<readonly PackageRuleGroups[]> {
  const all: PackageRuleGroups[] = [];
  let until = performance.now() + TURN_MS;
  const giveWay = async () => {
    await setImmediate();
    until = performance.now() + TURN_MS;
  };

  for (let at = 0; at < packages.length; at += PACKAGES_AT_ONCE) {
    if (at > 0) await giveWay();
    const asked = packages.slice(at, at + PACKAGES_AT_ONCE).map((each) => [each.ecosystem, each.package]);
    const { rows: found } = await written(db, RULES, [JSON.stringify(asked)]);
    const page: (PackageRuleGroups & { readonly place: number })[] = [];
    for (const row of found) {
      if (performance.now() > until) await giveWay();
      const { rules, ...rest } = rows.decodeRow(ruleRow, 'feedRules', row);
      page.push({ ...rest, ...decodeGroups(rules, rest.ecosystem, rest.package) });
    }
    // Here and not in the query, which would copy the rules of each into a list of its own.
    page.sort((a, b) => a.place - b.place || (a.feed < b.feed ? -1 : 1));
    for (const { place: _place, ...rest } of page) all.push(rest);
  }

  return all;
}

async function factsOf(db: Db, cves: readonly string[]): Promise<ReadonlyMap<string, readonly CveFactsPart[]>> {
  const all = new Map<string, CveFactsPart[]>();

  for (let at = 0; at < cves.length; at += CVES_AT_ONCE) {
    if (at > 0) await setImmediate();
    const { rows: found } = await written(db, FACTS, [JSON.stringify(cves.slice(at, at + CVES_AT_ONCE))]);
    for (const { cve, facts } of rows.decodeRows(factRow, 'feedFacts', found)) {
      const parts = all.get(cve) ?? [];
      all.set(cve, parts);
      parts.push(partOf(cve, facts));
    }
  }

  return all;
}

async function changed(db: Db, from: number | null, to: number): Promise<readonly PackageName[]> {
  const refuseDropped = async () => {
    for (const each of [from, to]) {
      if (each !== null && (await written(db, KEPT, [each, each])).rows.length === 0) {
        throw new CodedError('NOT_FOUND', `generation ${each} of a feed is no longer kept`);
      }
    }
  };
  await refuseDropped();
  const found = new Map<string, PackageName>();
  const pages =
    from === null
      ? [[to, -1]]
      : [
          [to, from],
          [from, to],
        ];

  for (const [one, other] of pages) {
    let after: PackageName = { ecosystem: '', package: '' };
    for (let last = CHANGED_AT_ONCE; last === CHANGED_AT_ONCE; ) {
      const page = await written(db, OTHERWISE, [one, after.ecosystem, after.package, other]);
      for (after of rows.decodeRows(packageName, 'feedRules', page.rows)) {
        found.set(`${after.ecosystem}\n${after.package}`, after);
      }
      last = page.rows.length;
      await setImmediate();
    }
  }
  // The next generation may have come between two pages, and what only the dropped one had would be missing.
  await refuseDropped();

  return [...found.values()];
}

function states(found: readonly unknown[]): readonly FeedState[] {
  return rows.decodeRows(state, 'feeds', found).map(({ errorCode: code, errorReason, errorAt, ...rest }) => ({
    ...rest,
    error:
      code === null || errorReason === null || errorAt === null ? null : { code, reason: errorReason, at: errorAt },
  }));
}

function partOf(cve: string, text: string): CveFactsPart {
  try {
    return JSON.parse(text) as CveFactsPart;
  } catch (error) {
    throw new CodedError('STORE_FAILED', `what is known of ${cve} cannot be read`, { cause: error });
  }
}
