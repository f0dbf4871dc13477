// What this collector says of findings as an OpenVEX or CSAF document. Pure: the same findings at the same time are the same bytes.
// Statements are grouped by what they say, with the machines and packages that they say it of.
import { canonicalJson, sha256 } from '@selvage/shared/files/canonical.ts';
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

export function exportVex(
  format: VexFormat,
  words: readonly Word[],
  facts: ExportFacts,
): Readonly<Record<string, unknown>> {
  return format === 'openvex' ? openVexOf(words, facts) : csafOf(words, facts);
}

/** OpenVEX 0.2.0. */
function openVexOf(words: readonly Word[], { author, at, version }: ExportFacts) {
  const statements = grouped(words).map((group) => {
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
  });
  const hash = sha256(canonicalJson({ author, statements }));

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

/** CSAF 2.0, profile VEX. Packages are components that are installed on machines. */
function csafOf(words: readonly Word[], { author, at, version }: ExportFacts) {
  const products = new Map(words.map(({ machine, name, purl }) => [productOf(machine, purl), { machine, name, purl }]));
  const machines = new Map(words.map(({ machine, name }) => [machine, name]));
  const purls = [...new Set(words.map(({ purl }) => purl))].toSorted(order);
  const vulnerabilities = [...Map.groupBy(words, ({ cve }) => cve)]
    .toSorted(([one], [other]) => order(one, other))
    .map(([cve, own]) => vulnerabilityOf(cve, own));
  const hash = sha256(canonicalJson({ author, vulnerabilities }));

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
    product_tree: {
      full_product_names: [
        ...[...machines]
          .toSorted(([one], [other]) => order(one, other))
          .map(([machine, name]) => ({
            ...{ product_id: machineId(machine), name },
          })),
        ...purls.map((purl) => ({ product_id: purl, name: purl, product_identification_helper: { purl } })),
      ],
      relationships: [...products]
        .toSorted(([one], [other]) => order(one, other))
        .map(([id, { machine, name, purl }]) => ({
          category: 'installed_on',
          ...{ product_reference: purl, relates_to_product_reference: machineId(machine) },
          full_product_name: { product_id: id, name: `${purl} on ${name}` },
        })),
    },
    vulnerabilities,
  };
}

const CSAF_STATUS = {
  affected: 'known_affected',
  not_affected: 'known_not_affected',
  fixed: 'fixed',
  under_investigation: 'under_investigation',
} as const;

function vulnerabilityOf(cve: string, words: readonly Word[]) {
  const status = [...Map.groupBy(words, ({ status: one }) => one)]
    .toSorted(([one], [other]) => order(one, other))
    .map(([one, own]) => [CSAF_STATUS[one], idsOf(own)]);
  const reasons = grouped(words);
  const actions = reasons.filter(([{ action }]) => action !== null);
  const threats = reasons.filter(([{ status: one }]) => one === 'not_affected');
  const flags = threats.filter(([{ justification }]) => justification !== null);
  const notes = reasons.map(([{ detail }]) => ({ category: 'details', text: detail }));

  return {
    ...(CVE.test(cve) ? { cve } : { ids: [{ system_name: 'record of the feed', text: cve }] }),
    notes: [...new Map(notes.map((note) => [note.text, note])).values()],
    product_status: Object.fromEntries(status),
    ...(flags.length === 0
      ? {}
      : { flags: flags.map((own) => ({ label: own[0].justification, product_ids: idsOf(own) })) }),
    ...(actions.length === 0
      ? {}
      : {
          remediations: actions.map((own) => ({
            ...{ category: categoryOf(own[0].action ?? ''), details: own[0].action, product_ids: idsOf(own) },
          })),
        }),
    ...(threats.length === 0
      ? {}
      : {
          threats: threats.map((own) => ({ category: 'impact', details: own[0].detail, product_ids: idsOf(own) })),
        }),
  };
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

/** By what is said, in a fixed order. */
function grouped(words: readonly Word[]): readonly Group[] {
  const groups = Map.groupBy(words, ({ cve, status, justification, detail, action }) =>
    JSON.stringify([cve, status, justification, detail, action]),
  );

  return [...groups]
    .toSorted(([one], [other]) => order(one, other))
    .flatMap(([, [first, ...rest]]) => (first === undefined ? [] : [[first, ...rest] as const]));
}

function order(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
