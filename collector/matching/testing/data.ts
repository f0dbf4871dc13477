// Real data for the tests of matching: tables beside them, and the snapshot that the product ships, read by the ordinary feeds.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import type { Feed } from '../../feeds/feed.ts';
import type { PackageRules } from '../../store/feed-ports.ts';
import { advisedSource } from '../kernel.ts';
import type { Match } from '../match.ts';
import { matchSoftware, packagesOf } from '../matching.ts';
import type { Rule } from '../rule.ts';
import type { Software } from '../software.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures');
const SNAPSHOT = join(import.meta.dirname, '../../feeds/snapshot');

export type Row = Readonly<Record<string, string>>;

export function fixture(name: string): Buffer {
  return gunzipSync(readFileSync(join(FIXTURES, `${name}.gz`)));
}

/** Rows of a table whose first line names its columns. */
export function table(name: string): readonly Row[] {
  const [head = '', ...lines] = fixture(`${name}.tsv`).toString('utf8').trimEnd().split('\n');
  const columns = head.split('\t');

  return lines.map((line) => Object.fromEntries(line.split('\t').map((cell, index) => [columns[index] ?? '', cell])));
}

/** Rules by ecosystem and package, as the store gives them out. */
export type Rules = ReadonlyMap<string, readonly PackageRules[]>;

const keyOf = (ecosystem: string, name: string) => `${ecosystem} ${name}`;

/** What one feed makes of bytes. */
export async function rulesFrom(feed: Feed, name: string, bytes: Uint8Array, asOf: string): Promise<Rules> {
  const rules: Rule[] = [];
  const source = {
    name,
    bytes: (async function* () {
      yield bytes;
    })(),
  };

  for await (const one of feed.read(source).records) {
    if ('type' in one && one.type === 'rule') rules.push(one.rule);
  }

  return gathered(feed.name, rules, asOf);
}

export function gathered(feed: string, rules: readonly Rule[], asOf: string): Rules {
  const groups = Map.groupBy(rules, (rule) => keyOf(rule.ecosystem, rule.package));

  return new Map(
    [...groups].map(([key, group]) => {
      const { ecosystem = '', package: name = '' } = group[0] ?? {};

      return [key, [{ feed, asOf: asOf as Timestamp, ecosystem, package: name, rules: group }]];
    }),
  );
}

/** One feed's part of the shipped snapshot. */
export async function snapshotRules(feed: Feed): Promise<Rules> {
  const manifest: { feeds: readonly { feed: string; file: string; asOf: string }[] } = JSON.parse(
    readFileSync(join(SNAPSHOT, 'manifest.json'), 'utf8'),
  );
  const part = manifest.feeds.find((one) => one.feed === feed.name);
  if (part === undefined) throw new Error(`the snapshot has no ${feed.name}`);
  const bytes = gunzipSync(readFileSync(join(SNAPSHOT, part.file)));

  return rulesFrom(feed, part.file, bytes, part.asOf);
}

export function rulesOf(software: Software, ...all: readonly Rules[]): readonly PackageRules[] {
  return all.flatMap((rules) =>
    packagesOf(software).flatMap((one) => rules.get(keyOf(one.ecosystem, one.package)) ?? []),
  );
}

export function matched(software: Software, ...all: readonly Rules[]): readonly Match[] {
  return matchSoftware(software, rulesOf(software, ...all));
}

export function software(ecosystem: string, name: string, version: string, more: Partial<Software> = {}): Software {
  return { ecosystem, name, version, source: name, module: null, kernel: null, origin: null, ...more };
}

/** Distinct source packages of a Debian or Ubuntu host. */
export function sourcesOf(ecosystem: string, rows: readonly Row[]): readonly Software[] {
  const distinct = new Map<string, Software>();

  for (const { source = '', source_version, version = '' } of rows) {
    const advised = advisedSource(ecosystem, { name: source, version: source_version ?? version });
    distinct.set(`${advised.name} ${advised.version}`, software(ecosystem, advised.name, advised.version));
  }

  return [...distinct.values()];
}

/** What is in one and not in the other, sorted. */
export function difference(expected: Iterable<string>, found: Iterable<string>) {
  const [left, right] = [new Set(expected), new Set(found)];

  return {
    missing: [...left].filter((one) => !right.has(one)).sort(),
    extra: [...right].filter((one) => !left.has(one)).sort(),
  };
}
