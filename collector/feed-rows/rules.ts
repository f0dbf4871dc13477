// The rules of one package as one short text and back: what a feed's thread writes and the store reads, some ten thousand for one host.
// It never checks what a feed says; ../feeds does before.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { DISTRO_STATUSES, type Rule, type VersionRange } from '../matching/rule.ts';

/** The fixed version alone; 0: all versions; else introduced, fixed, last affected with 0 where there is none. */
type RangeText = string | 0 | readonly [string | 0, string | 0, string | 0];

interface Rest {
  readonly v?: readonly string[];
  readonly n?: 'source' | 'binary';
  readonly m?: string;
  readonly k?: string;
  readonly u?: string;
  readonly p?: Timestamp;
  readonly w?: Timestamp;
}

/** Record, its CVEs (0: the record is the CVE), place in DISTRO_STATUSES, ranges, and the rest when there is any. */
type RuleText = readonly [string, readonly string[] | 0, number, readonly RangeText[], Rest?];

/** One rule, without the package that it is about. */
export function encodeRule(rule: Rule): string {
  const { record, cves, status, ranges, versions, names, module, pocket, urgency, published, withdrawn } = rule;
  const rest: Rest = {
    ...(versions !== undefined && versions.length > 0 ? { v: versions } : {}),
    ...(names === undefined || names === 'source' ? {} : { n: names }),
    ...(module === undefined ? {} : { m: module }),
    ...(pocket === undefined ? {} : { k: pocket }),
    ...(urgency === undefined ? {} : { u: urgency }),
    ...(published === undefined ? {} : { p: published }),
    ...(withdrawn === undefined ? {} : { w: withdrawn }),
  };
  const own = cves.length === 1 && cves[0] === record;
  const text: RuleText = [record, own ? 0 : cves, DISTRO_STATUSES.indexOf(status), ranges.map(rangeText)];

  return JSON.stringify(Object.keys(rest).length === 0 ? text : [...text, rest]);
}

/** All rules of one package, in an order that does not depend on that of the feed. */
export function joinRules(rules: readonly string[]): string {
  return `[${[...new Set(rules)].sort().join(',')}]`;
}

/** Throws STORE_FAILED when the text is none of ours. */
export function decodeRules(text: string, ecosystem: string, name: string): readonly Rule[] {
  let rules: readonly RuleText[];
  try {
    rules = JSON.parse(text);
  } catch (error) {
    throw unreadable(ecosystem, name, error);
  }
  if (!Array.isArray(rules)) throw unreadable(ecosystem, name);

  return rules.map((each) => decodeRule(each, ecosystem, name));
}

function decodeRule(text: RuleText, ecosystem: string, name: string): Rule {
  if (!Array.isArray(text)) throw unreadable(ecosystem, name);
  const [record, cves, place, ranges, rest] = text;
  const status = DISTRO_STATUSES[place];
  if (typeof record !== 'string' || status === undefined || !Array.isArray(ranges)) throw unreadable(ecosystem, name);
  const rule = {
    ecosystem,
    package: name,
    record,
    cves: cves === 0 ? [record] : cves,
    status,
    ranges: ranges.map(range),
  };
  if (rest === undefined) return rule;
  const { v, n, m, k, u, p, w } = rest;

  return {
    ...rule,
    ...(v === undefined ? {} : { versions: v }),
    ...(n === undefined ? {} : { names: n }),
    ...(m === undefined ? {} : { module: m }),
    ...(k === undefined ? {} : { pocket: k }),
    ...(u === undefined ? {} : { urgency: u }),
    ...(p === undefined ? {} : { published: p }),
    ...(w === undefined ? {} : { withdrawn: w }),
  };
}

function rangeText({ introduced, fixed, lastAffected }: VersionRange): RangeText {
  if (introduced === null && lastAffected === null) return fixed ?? 0;

  return [introduced ?? 0, fixed ?? 0, lastAffected ?? 0];
}

function range(text: RangeText): VersionRange {
  if (typeof text === 'string') return { introduced: null, fixed: text, lastAffected: null };
  if (text === 0) return { introduced: null, fixed: null, lastAffected: null };
  const [introduced, fixed, lastAffected] = text;

  return { introduced: introduced || null, fixed: fixed || null, lastAffected: lastAffected || null };
}

function unreadable(ecosystem: string, name: string, cause?: unknown): CodedError {
  return new CodedError('STORE_FAILED', `the rules of ${name} of ${ecosystem} cannot be read`, { cause });
}
