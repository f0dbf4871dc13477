// OpenVEX documents (specification 0.2.0, and 0.0 with its plain texts) as statements. Pure. A product that holds the package as a part
// of something else, such as an image, says nothing of the package on a machine: it is kept and not applied.
import { z } from 'zod';
import type { VexProduct, VexStatement, VexStatus } from '../store/vex-ports.ts';
import { decoded, id, instant, machineKey, type ReadVex, sentence, weaknesses, weaknessId } from './shapes.ts';

const CONTEXT = 'https://openvex.dev/ns';
const MAX_ALIASES = 60;
const MAX_PRODUCTS = 10_000;

const STATUSES = ['not_affected', 'affected', 'fixed', 'under_investigation'] as const satisfies readonly VexStatus[];
/** The five words of the specification; any other text is no justification. */
const JUSTIFICATIONS = [
  'component_not_present',
  'vulnerable_code_not_present',
  'vulnerable_code_not_in_execute_path',
  'vulnerable_code_cannot_be_controlled_by_adversary',
  'inline_mitigations_already_exist',
] as const;

const identifiers = z.looseObject({ purl: id.optional(), cpe22: id.optional(), cpe23: id.optional() });
const part = z.union([
  id.transform((text) => ({ '@id': text })),
  z.looseObject({ '@id': id.optional(), identifiers: identifiers.optional() }),
]);
const product = z.union([
  id.transform((text) => ({ '@id': text })),
  z.looseObject({
    '@id': id.optional(),
    identifiers: identifiers.optional(),
    subcomponents: z.array(part).max(MAX_PRODUCTS).optional(),
  }),
]);
const vulnerability = z.union([
  weaknessId.transform((name) => ({ name })),
  z.looseObject({ '@id': id.optional(), name: weaknessId, aliases: z.array(weaknessId).max(MAX_ALIASES).optional() }),
]);
const statement = z
  .looseObject({
    vulnerability,
    products: z.array(product).max(MAX_PRODUCTS).optional(),
    /** 0.0: beside the products. */
    subcomponents: z.array(part).max(MAX_PRODUCTS).optional(),
    status: z.enum(STATUSES),
    justification: z.enum(JUSTIFICATIONS).optional(),
    impact_statement: sentence.optional(),
    action_statement: sentence.optional(),
    status_notes: sentence.optional(),
    timestamp: instant.optional(),
    last_updated: instant.optional(),
  })
  .refine(
    (one) => one.status !== 'not_affected' || one.justification !== undefined || one.impact_statement !== undefined,
    'not_affected without justification and impact_statement: why is not said',
  );
const document = z.looseObject({
  '@context': z.string().startsWith(CONTEXT),
  '@id': id,
  author: sentence.refine((text) => text !== '', 'the author is not named'),
  timestamp: instant,
  last_updated: instant.optional(),
  version: z.union([z.number(), z.string().max(64)]).optional(),
  statements: z.array(statement),
});
type Part = z.output<typeof part>;

export function isOpenVex(value: unknown): boolean {
  const context = typeof value === 'object' && value !== null ? (value as { '@context'?: unknown })['@context'] : null;

  return typeof context === 'string' && context.startsWith(CONTEXT);
}

/** Throws VEX_INVALID. */
export function readOpenVex(value: unknown): ReadVex {
  const read = decoded(document, value, 'OpenVEX document');
  const at = read.last_updated ?? read.timestamp;

  return {
    ...{ format: 'openvex', document: read['@id'], author: read.author, at },
    version: read.version === undefined ? null : String(read.version),
    statements: read.statements.map((one): VexStatement => {
      const names = 'aliases' in one.vulnerability ? (one.vulnerability.aliases ?? []) : [];
      const detail = [one.impact_statement, one.status_notes, one.action_statement].filter((text) => text);

      return {
        vulnerabilities: weaknesses([one.vulnerability.name, ...names]),
        status: one.status,
        justification: one.justification ?? null,
        detail: detail.length === 0 ? null : detail.join('; '),
        products: (one.products ?? []).flatMap((each) => productsOf(each, one.subcomponents ?? [])),
        at: one.last_updated ?? one.timestamp ?? at,
      };
    }),
  };
}

function productsOf(given: z.output<typeof product>, beside: readonly Part[]): readonly VexProduct[] {
  const own = idOf(given);
  const parts = [...('subcomponents' in given ? (given.subcomponents ?? []) : []), ...beside];
  const machine = machineKey(own);
  if (parts.length === 0) return [{ id: own, purl: purlOf(given), ecosystem: null, machine }];

  return parts.map((each) => ({
    id: `${own} > ${idOf(each)}`,
    purl: machine === null ? null : purlOf(each),
    ecosystem: null,
    machine,
  }));
}

function idOf(given: Part): string {
  const named = 'identifiers' in given ? given.identifiers : undefined;

  return given['@id'] ?? named?.purl ?? named?.cpe23 ?? named?.cpe22 ?? 'a product without an id';
}

function purlOf(given: Part): string | null {
  const named = 'identifiers' in given ? given.identifiers : undefined;
  const own = given['@id'];

  return named?.purl ?? (own?.startsWith('pkg:') ? own : null);
}
