// The rules of one package as one short text and back: what a feed's thread writes and the store reads, some ten thousand for one host.
// It never checks what a feed says; ../feeds does before.
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { DISTRO_STATUSES, type Rule, type RuleGroup, type VersionRange } from '../matching/rule.ts';
import type { PackageRuleGroups } from '../store/feed-ports.ts';

/** The fixed version alone; 0: all versions; else introduced, fixed, last affected with 0 where there is none. */
type RangeText = string | 0 | readonly [string | 0, string | 0, string | 0];

/** What rules of one group have beside their ranges. */
interface Rest {
  readonly v?: readonly string[];
  readonly n?: 'source' | 'binary';
  readonly m?: string;
  readonly k?: string;
  readonly u?: string;
  readonly w?: Timestamp;
}

/** `CVE-… 2024-01-01T…`: a record that is its CVE, and when it was published; else record, CVEs (0: the record is the CVE), published. */
type RecordText = string | readonly [string, readonly string[] | 0, Timestamp?];

/** Rules that say the same of other records: place in DISTRO_STATUSES, ranges, the rest (0: nothing), records, plain ones as lines of one text. */
type GroupText = readonly [number, readonly RangeText[], Rest | 0, string | readonly RecordText[]];

/** What several groups speak of, and which: a record of a CVE and the announcement that lists it. */
type SharedText = readonly [string, ...places: number[]];

/** Whoever asks only for what is open need not look through thousands of records that are fixed. */
interface PackageText {
  readonly shared: readonly SharedText[];
  readonly groups: readonly GroupText[];
}

/** Between plain records of a group. */
const LINE = '\n';

/** Between what a group says and its record; JSON has none. */
const SEPARATOR = '\t';

/** One rule, without the package that it is about, for `joinRules`. */
export function encodeRule(rule: Rule): string {
  const { record, cves, status, ranges, versions, names, module, pocket, urgency, published, withdrawn } = rule;
  const rest: Rest = {
    ...(versions !== undefined && versions.length > 0 ? { v: versions } : {}),
    ...(names === undefined || names === 'source' ? {} : { n: names }),
    ...(module === undefined ? {} : { m: module }),
    ...(pocket === undefined ? {} : { k: pocket }),
    ...(urgency === undefined ? {} : { u: urgency }),
    ...(withdrawn === undefined ? {} : { w: withdrawn }),
  };
  const some = Object.keys(rest).length === 0 ? 0 : rest;
  const head = JSON.stringify([DISTRO_STATUSES.indexOf(status), ranges.map(rangeText), some]);

  return `${head.slice(0, -1)}${SEPARATOR}${JSON.stringify(recordText(record, cves, published))}`;
}

function recordText(record: string, cves: readonly string[], published: Timestamp | undefined): RecordText {
  const own = cves.length === 1 && cves[0] === record;
  if (own && !record.includes(' ')) return published === undefined ? record : `${record} ${published}`;

  return published === undefined ? [record, own ? 0 : cves] : [record, own ? 0 : cves, published];
}

/** All rules of one package, in an order that does not depend on that of the feed. */
export function joinRules(rules: readonly string[]): string {
  const groups = new Map<string, string[]>();
  for (const rule of [...new Set(rules)].sort()) {
    const at = rule.indexOf(SEPARATOR);
    const [head, record] = [rule.slice(0, at), rule.slice(at + 1)];
    const known = groups.get(head);
    if (known) known.push(record);
    else groups.set(head, [record]);
  }
  const places = new Map<string, number[]>();
  const texts = [...groups].map(([head, records], place) => {
    const parsed = records.map((record): RecordText => JSON.parse(record));
    for (const subject of parsed.flatMap(subjectsOf)) {
      const known = places.get(subject);
      if (known === undefined) places.set(subject, [place]);
      else if (known.at(-1) !== place) known.push(place);
    }
    const isPlain = parsed.every((record) => typeof record === 'string' && !record.includes(LINE));

    return `${head},${isPlain ? JSON.stringify(parsed.join(LINE)) : `[${records.join(',')}]`}]`;
  });
  const shared = [...places].flatMap(([subject, those]) => (those.length > 1 ? [[subject, ...those]] : []));

  return `{"shared":${JSON.stringify(shared)},"groups":[${texts.join(',')}]}`;
}

/** A record that is about no CVE may be about itself. */
function subjectsOf(text: RecordText): readonly string[] {
  const [record, cves] = typeof text === 'string' ? plainRecord(text) : text;

  return cves === 0 || cves.length === 0 ? [record] : cves;
}

/** Throws STORE_FAILED when the text is none of ours. */
export function decodeRules(text: string, ecosystem: string, name: string): readonly Rule[] {
  return rulesIn(decodeGroups(text, ecosystem, name).groups);
}

/** The same without making each rule. */
export function decodeGroups(
  text: string,
  ecosystem: string,
  name: string,
): Pick<PackageRuleGroups, 'groups' | 'shared'> {
  let found: PackageText | readonly GroupText[] | null;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw unreadable(ecosystem, name, error);
  }
  // Until a feed is read anew its rules are as earlier programs wrote them: groups alone.
  const groups = isList(found) ? found : found?.groups;
  const shared = isList(found) ? null : found?.shared;
  if (!isList(groups) || !(shared === null || isList(shared))) throw unreadable(ecosystem, name);

  return { groups: groups.map((group) => groupOf(group, ecosystem, name)), shared };
}

function isList<T>(value: readonly T[] | object | null | undefined): value is readonly T[] {
  return Array.isArray(value);
}

export function rulesIn(groups: readonly RuleGroup[]): readonly Rule[] {
  const rules: Rule[] = [];
  for (const group of groups) {
    for (let place = 0; place < group.size; place += 1) rules.push(group.rule(place));
  }

  return rules;
}

function groupOf(group: GroupText, ecosystem: string, name: string): RuleGroup {
  if (!Array.isArray(group)) throw unreadable(ecosystem, name);
  const [place, rangeTexts, rest, records] = group;
  const status = DISTRO_STATUSES[place];
  if (status === undefined || !Array.isArray(rangeTexts)) throw unreadable(ecosystem, name);
  const isKnown = typeof records === 'string' || (Array.isArray(records) && records.every(isRecord));
  if (!isKnown) throw unreadable(ecosystem, name);
  const common = { ecosystem, package: name, status, ranges: rangeTexts.map(range) };

  return new StoredGroup(common, rest === 0 ? null : restOf(rest), records);
}

function isRecord(text: unknown): text is RecordText {
  return typeof text === 'string' || (Array.isArray(text) && typeof text[0] === 'string');
}

class StoredGroup implements RuleGroup {
  readonly #common: Pick<Rule, 'ecosystem' | 'package' | 'status' | 'ranges'>;
  readonly #more: Partial<Rule> | null;
  /** Lines are told apart when somebody asks for more than the first: most groups are of what is fixed long ago. */
  #records: string | readonly RecordText[];

  constructor(
    common: Pick<Rule, 'ecosystem' | 'package' | 'status' | 'ranges'>,
    more: Partial<Rule> | null,
    records: string | readonly RecordText[],
  ) {
    this.#common = common;
    this.#more = more;
    this.#records = records;
  }

  get size(): number {
    return this.#all().length;
  }

  about(place: number): string | readonly string[] {
    const text = this.#all()[place] ?? '';
    if (typeof text !== 'string') return text[1] === 0 ? text[0] : text[1];
    const end = text.indexOf(' ');

    return end < 0 ? text : text.slice(0, end);
  }

  rule(place: number): Rule {
    const text = place === 0 ? this.#first() : (this.#all()[place] ?? '');
    const [record, cves, published] = typeof text === 'string' ? plainRecord(text) : text;
    const { ecosystem, package: name, status, ranges } = this.#common;
    const about = cves === 0 ? [record] : cves;
    // Written out: copying each into another would be half of making them.
    const rule: Rule =
      published === undefined
        ? { ecosystem, package: name, record, cves: about, status, ranges }
        : { ecosystem, package: name, record, cves: about, status, ranges, published };

    return this.#more === null ? rule : Object.assign(rule, this.#more);
  }

  #all(): readonly RecordText[] {
    if (typeof this.#records === 'string') this.#records = this.#records.split(LINE);

    return this.#records;
  }

  #first(): RecordText {
    const records = this.#records;
    if (typeof records !== 'string') return records[0] ?? '';
    const end = records.indexOf(LINE);

    return end < 0 ? records : records.slice(0, end);
  }
}

function plainRecord(text: string): readonly [string, 0, Timestamp?] {
  const at = text.indexOf(' ');

  return at < 0 ? [text, 0] : [text.slice(0, at), 0, text.slice(at + 1) as Timestamp];
}

function restOf({ v, n, m, k, u, w }: Rest): Partial<Rule> {
  // Assigned one by one, for thousands of groups of one host.
  const rest: { -readonly [K in keyof Rule]?: Rule[K] } = {};
  if (v !== undefined) rest.versions = v;
  if (n !== undefined) rest.names = n;
  if (m !== undefined) rest.module = m;
  if (k !== undefined) rest.pocket = k;
  if (u !== undefined) rest.urgency = u;
  if (w !== undefined) rest.withdrawn = w;

  return rest;
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
