// What this collector says of findings as an OpenVEX or CSAF document. Pure: the same findings at the same time are the same bytes.
// Statements are grouped by what they say, with the machines and packages that they say it of. In steps: words are many.
import { createHash } from 'node:crypto';
import { canonicalJson } from '@selvage/shared/files/canonical.ts';
import { machineId, ownId } from './shapes.ts';
import type { Word } from './words.ts';

export interface ExportFacts {
  readonly author: string;
  /** RFC 3339; the time of what is said. */
  readonly at: string;
  readonly version: string;
}

export const VEX_FORMATS = ['openvex', 'csaf'] as const;
export type VexFormat = (typeof VEX_FORMATS)[number];

const CVE = /^CVE-\d{4}-\d{4,}$/;
/** Words looked at between two steps. */
const STEP = 256;

export function vexSteps(
  format: VexFormat,
  words: readonly Word[],
  facts: ExportFacts,
): Generator<void, Readonly<Record<string, unknown>>> {
  return format === 'openvex' ? openVexOf(words, facts) : csafOf(words, facts);
}

/** OpenVEX 0.2.0. */
function* openVexOf(words: readonly Word[], { author, at, version }: ExportFacts) {
  const statements: unknown[] = [];
  for (const [, own] of yield* byCve(words)) {
    for (const group of grouped(own)) {
      statements.push(statementOf(group));
      yield;
    }
  }
  const hash = yield* hashOf(author, 'statements', statements);

  return {
    ...{ '@context': 'https://openvex.dev/ns/v0.2.0', '@id': ownId('openvex', hash) },
    ...{
      author,
      role: 'operator of the machines',
      timestamp: at,
      version: 1,
      tooling: `selvage ${version}`,
      statements,
    },
  };
}

function statementOf(group: Group) {
  const [{ cve, status, justification, detail, action }] = group;
  const machines = [...Map.groupBy(group, ({ machine }) => machine)].toSorted(([one], [other]) => order(one, other));
  const products = machines.map(([machine, own]) => ({
    '@id': machineId(machine),
    subcomponents: [...new Set(own.map(({ purl }) => purl))]
      .toSorted(order)
      .map((purl) => ({ '@id': purl, identifiers: { purl } })),
  }));
  // Exactly one of the two belongs to not_affected.
  const why =
    status !== 'not_affected'
      ? { status_notes: detail }
      : justification === null
        ? { impact_statement: detail }
        : { justification, status_notes: detail };

  return {
    ...{ vulnerability: { name: cve }, products, status, ...why },
    ...(action === null ? {} : { action_statement: action }),
  };
}

/** CSAF 2.0, profile VEX. Packages are components that are installed on machines. */
function* csafOf(words: readonly Word[], { author, at, version }: ExportFacts) {
  const vulnerabilities: unknown[] = [];
  for (const [cve, own] of yield* byCve(words)) {
    vulnerabilities.push(yield* vulnerabilityOf(cve, own));
    yield;
  }
  const hash = yield* hashOf(author, 'vulnerabilities', vulnerabilities);
  const products = yield* productsOf(words);

  return {
    document: {
      ...{ category: 'csaf_vex', csaf_version: '2.0', lang: 'en', title: 'Findings on machines, with their evidence' },
      publisher: { category: 'user', name: author, namespace: 'https://selvage.invalid' },
      tracking: {
        ...{ id: ownId('csaf', hash), status: 'final', version: '1' },
        ...{ initial_release_date: at, current_release_date: at },
        revision_history: [{ date: at, number: '1', summary: 'as it was then' }],
        generator: { engine: { name: 'selvage', version } },
      },
    },
    product_tree: products,
    vulnerabilities,
  };
}

/** Machines, packages, and which is installed on which. */
function* productsOf(words: readonly Word[]) {
  const found = new Map<string, { readonly name: string; readonly purls: Set<string> }>();
  const all = new Set<string>();
  for (const [index, { machine, name, purl }] of words.entries()) {
    const { purls } = found.getOrInsertComputed(machine, () => ({ name, purls: new Set() }));
    purls.add(purl);
    all.add(purl);
    if (index % STEP === 0) yield;
  }
  const machines = [...found].toSorted(([one], [other]) => order(machineId(one), machineId(other)));
  yield;
  // As their ids sort: `a-b/` comes before `a/`.
  const places = machines.toSorted(([one], [other]) => order(productOf(one, ''), productOf(other, '')));
  const relationships: unknown[] = [];
  for (const [machine, { name, purls }] of places) {
    for (const purl of [...purls].toSorted(order)) {
      relationships.push({
        category: 'installed_on',
        ...{ product_reference: purl, relates_to_product_reference: machineId(machine) },
        full_product_name: { product_id: productOf(machine, purl), name: `${purl} on ${name}` },
      });
    }
    yield;
  }

  return {
    full_product_names: [
      ...machines.map(([machine, { name }]) => ({ product_id: machineId(machine), name })),
      ...[...all]
        .toSorted(order)
        .map((purl) => ({ product_id: purl, name: purl, product_identification_helper: { purl } })),
    ],
    relationships,
  };
}

const CSAF_STATUS = {
  affected: 'known_affected',
  not_affected: 'known_not_affected',
  fixed: 'fixed',
  under_investigation: 'under_investigation',
} as const;

function* vulnerabilityOf(cve: string, words: readonly Word[]) {
  const status: [string, readonly string[]][] = [];
  for (const [one, own] of [...Map.groupBy(words, (word) => word.status)].toSorted(([a], [b]) => order(a, b))) {
    status.push([CSAF_STATUS[one], idsOf(own)]);
    yield;
  }
  const reasons = grouped(words);
  const actions = reasons.filter(([{ action }]) => action !== null);
  const threats = reasons.filter(([{ status: one }]) => one === 'not_affected');
  const flags = threats.filter(([{ justification }]) => justification !== null);
  const notes = reasons.map(([{ detail }]) => ({ category: 'details', text: detail }));
  const flagged = yield* each(flags, (own) => ({ label: own[0].justification, product_ids: idsOf(own) }));
  const remediations = yield* each(actions, (own) => ({
    ...{ category: categoryOf(own[0].action ?? ''), details: own[0].action, product_ids: idsOf(own) },
  }));
  const impacts = yield* each(threats, (own) => ({
    category: 'impact',
    details: own[0].detail,
    product_ids: idsOf(own),
  }));

  return {
    ...(CVE.test(cve) ? { cve } : { ids: [{ system_name: 'record of the feed', text: cve }] }),
    notes: [...new Map(notes.map((note) => [note.text, note])).values()],
    product_status: Object.fromEntries(status),
    ...(flagged.length === 0 ? {} : { flags: flagged }),
    ...(remediations.length === 0 ? {} : { remediations }),
    ...(impacts.length === 0 ? {} : { threats: impacts }),
  };
}

function* each<T>(groups: readonly Group[], of: (group: Group) => T): Generator<void, readonly T[]> {
  const made: T[] = [];
  for (const group of groups) {
    made.push(of(group));
    yield;
  }

  return made;
}

function categoryOf(action: string): 'vendor_fix' | 'none_available' | 'mitigation' {
  if (action.startsWith('update ')) return 'vendor_fix';

  return action.startsWith('no fixed version') ? 'none_available' : 'mitigation';
}

function idsOf(words: readonly Word[]): readonly string[] {
  return [...new Set(words.map(({ machine, purl }) => productOf(machine, purl)))].toSorted(order);
}

function productOf(machine: string, purl: string): string {
  return `${machineId(machine)}/${purl}`;
}

type Group = readonly [Word, ...Word[]];

/** In the order of the CVEs. */
function* byCve(words: readonly Word[]): Generator<void, readonly (readonly [string, readonly Word[]])[]> {
  const found = new Map<string, Word[]>();
  for (const [index, word] of words.entries()) {
    found.getOrInsertComputed(word.cve, () => []).push(word);
    if (index % STEP === 0) yield;
  }

  return [...found].toSorted(([one], [other]) => order(one, other));
}

/** Words about one CVE by what is said, in a fixed order. */
function grouped(words: readonly Word[]): readonly Group[] {
  const groups = Map.groupBy(words, ({ status, justification, detail, action }) =>
    JSON.stringify([status, justification, detail, action]),
  );

  return [...groups]
    .toSorted(([one], [other]) => order(one, other))
    .flatMap(([, [first, ...rest]]) => (first === undefined ? [] : [[first, ...rest] as const]));
}

/** Of the canonical JSON of `{author, [name]: list}`; `author` comes before both names. */
function* hashOf(author: string, name: 'statements' | 'vulnerabilities', list: readonly unknown[]) {
  const hash = createHash('sha256').update(`{"author":${canonicalJson(author)},"${name}":[`);
  for (const [index, one] of list.entries()) {
    hash.update(`${index === 0 ? '' : ','}${canonicalJson(one)}`);
    yield;
  }

  return hash.update(']}').digest('hex');
}

function order(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
