// What a feed says, record by record → rows by package, in batches of the size that is asked for. Rules are kept until the end, as short
// texts; everything else goes as it comes.
import { hash } from 'node:crypto';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Timestamp } from '@selvage/shared/model/ids.ts';
import { encodeRule, joinRules } from '../../feed-rows/rules.ts';
import type { FeedRowKind } from '../../store/feed-ports.ts';
import type { CveFactsPart } from '../../triage/cve-facts.ts';
import { compareTimes } from '../decode/words.ts';
import type { Bulletin, FeedProblem, FeedRecord } from '../feed.ts';
import { CveSet } from './cve-set.ts';
import { mergeFacts } from './merge-facts.ts';
import { assertBounded, boundedText, type Item, MAX_CVE_LENGTH } from './record-bounds.ts';

/** Problems kept with their words; the others are counted. */
const MAX_PROBLEMS = 20;
const MAX_REASON = 300;
/** Characters of a row's hash: 96 bits. */
const HASH_LENGTH = 16;

export interface Batch {
  readonly kind: FeedRowKind;
  readonly rows: readonly string[];
}

export interface Gathered {
  /** Records with an id where the feed says ids; else whatever it says. */
  readonly records: number;
  readonly skipped: number;
  /** Records that stood there twice. */
  readonly duplicates: number;
  readonly problems: readonly FeedProblem[];
}

interface RecordSeen {
  readonly serial: number;
  readonly modified: Timestamp | null;
}

/** Serial of the record and text, one after the other: a third of the memory of objects. */
type Said = (number | string)[];

export class Gathering {
  readonly #records = new Map<string, RecordSeen>();
  readonly #dead = new Set<number>();
  readonly #rules = new Map<string, Map<string, Said>>();
  readonly #facts: Map<string, Said> | null;
  readonly #cves = new CveSet();
  readonly #problems: FeedProblem[] = [];
  readonly #ecosystems: { ecosystem: string; packages: number }[] = [];
  #waiting = new Map<FeedRowKind, string[]>();
  #serial = 0;
  /** What is read now belongs to a record that an other one of the same id has replaced. */
  #ignored = false;
  #items = 0;
  #skipped = 0;
  #duplicates = 0;

  /** `gathers`: see Feed.gathers. */
  constructor(gathers: boolean) {
    this.#facts = gathers ? new Map() : null;
  }

  /** Rows that wait to be taken. */
  get size(): number {
    let size = 0;
    for (const rows of this.#waiting.values()) size += rows.length;

    return size;
  }

  get counts(): Gathered {
    return {
      records: this.#records.size > 0 ? this.#records.size : this.#items,
      skipped: this.#skipped,
      duplicates: this.#duplicates,
      problems: this.#problems,
    };
  }

  /** Known once `rules` has ended. */
  get ecosystems(): readonly { readonly ecosystem: string; readonly packages: number }[] {
    return this.#ecosystems;
  }

  take(): readonly Batch[] {
    const batches = [...this.#waiting].map(([kind, rows]) => ({ kind, rows }));
    this.#waiting = new Map();

    return batches;
  }

  add(item: FeedRecord | FeedProblem): void {
    if (!('type' in item)) this.problem(item);
    else if (item.type === 'record') this.#begin(item.id, item.modified);
    else if (!this.#ignored) this.#keep(item);
  }

  #keep(item: Item): void {
    try {
      assertBounded(item);
      this.#take(item);
      this.#items += 1;
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.problem({ name: nameOf(item), reason: error.message });
    }
  }

  problem({ name, reason }: FeedProblem): void {
    this.#skipped += 1;
    if (this.#problems.length >= MAX_PROBLEMS) return;
    this.#problems.push({ name: name.slice(-MAX_REASON), reason: reason.slice(0, MAX_REASON) });
  }

  /** What was kept back, once everything was added: facts put together, then rules by package. Frees what it gives. */
  *rest(): Generator<{ readonly kind: FeedRowKind; readonly row: string }> {
    if (this.#facts) {
      for (const [cve, said] of this.#facts) {
        const texts = this.#alive(said);
        this.#facts.delete(cve);
        if (texts.length > 0) yield { kind: 'facts', row: JSON.stringify([cve, merged(texts)]) };
      }
    }
    for (const ecosystem of [...this.#rules.keys()].sort()) {
      const packages = this.#rules.get(ecosystem) ?? new Map<string, Said>();
      let count = 0;
      for (const name of [...packages.keys()].sort()) {
        const texts = this.#alive(packages.get(name) ?? []);
        packages.delete(name);
        if (texts.length === 0) continue;
        count += 1;
        const rules = joinRules(texts);
        const digest = hash('sha256', rules, 'base64url').slice(0, HASH_LENGTH);
        yield { kind: 'rules', row: JSON.stringify([ecosystem, name, digest, rules]) };
      }
      this.#rules.delete(ecosystem);
      if (count > 0) this.#ecosystems.push({ ecosystem, packages: count });
    }
  }

  #begin(id: string, modified: Timestamp | null): void {
    this.#ignored = false;
    this.#serial += 1;
    const before = this.#records.get(id);
    if (before) {
      this.#duplicates += 1;
      if (before.modified !== null && (modified === null || compareTimes(modified, before.modified) < 0)) {
        this.#ignored = true;

        return;
      }
      this.#dead.add(before.serial);
    }
    this.#records.set(id, { serial: this.#serial, modified });
  }

  #take(item: Item): void {
    switch (item.type) {
      case 'rule': {
        const { ecosystem, package: name } = item.rule;
        const ofEcosystem = this.#rules.get(ecosystem) ?? new Map<string, Said>();
        this.#rules.set(ecosystem, ofEcosystem);
        const said = ofEcosystem.get(name) ?? [];
        ofEcosystem.set(name, said);
        said.push(this.#serial, encodeRule(item.rule));
        break;
      }
      case 'cve':
        this.#fact(item.cve, item.facts);
        break;
      case 'bulletin':
        this.#bulletin(item.bulletin);
        break;
      case 'cycle':
        this.#put('cycles', [item.cycle.product, item.cycle.cycle, boundedText(item.cycle)]);
    }
  }

  #fact(cve: string, facts: CveFactsPart): void {
    const text = boundedText(facts);
    if (this.#facts) {
      const said = this.#facts.get(cve) ?? [];
      this.#facts.set(cve, said);
      said.push(this.#serial, text);

      return;
    }
    if (!this.#cves.add(cve) && this.#records.size === 0) this.#duplicates += 1;
    this.#put('facts', [cve, text]);
  }

  #bulletin(bulletin: Bulletin): void {
    const { id, vendor, published, cves } = bulletin;
    this.#put('bulletins', [id, vendor, published, boundedText(bulletin)]);
    for (const cve of cves) this.#put('bulletinCves', [cve, id]);
  }

  #put(kind: FeedRowKind, row: readonly string[]): void {
    const rows = this.#waiting.get(kind) ?? [];
    this.#waiting.set(kind, rows);
    rows.push(JSON.stringify(row));
  }

  #alive(said: Said): string[] {
    const texts: string[] = [];
    if (said.length === 2 && this.#dead.size === 0) return [said[1] as string];
    for (let at = 0; at < said.length; at += 2) {
      if (!this.#dead.has(said[at] as number)) texts.push(said[at + 1] as string);
    }

    return texts;
  }
}

/** Most CVEs are in one record: what that says is the whole. */
function merged(texts: readonly string[]): string {
  const [only] = texts;
  if (texts.length === 1 && only !== undefined) return only;

  return JSON.stringify(mergeFacts(texts.map((text) => JSON.parse(text) as CveFactsPart)));
}

function nameOf(item: Item): string {
  switch (item.type) {
    case 'rule':
      return `${item.rule.record} ${item.rule.package}`;
    case 'cve':
      return item.cve.slice(0, MAX_CVE_LENGTH);
    case 'bulletin':
      return item.bulletin.id;
    case 'cycle':
      return `${item.cycle.product} ${item.cycle.cycle}`;
  }
}
