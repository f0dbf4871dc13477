// The published JSON Schema of every document kind, made from the shapes that decode them, for editors to complete. Pure.
import * as z from 'zod';
import { KINDS, type Kind } from './documents.ts';

/** JSON Schema (draft 2020-12) of what an author writes: fields with a default may be left out. */
export function schemaOf(kind: Kind): Readonly<Record<string, unknown>> {
  return { ...z.toJSONSchema(KINDS[kind], { io: 'input' }), title: kind };
}

/** One schema for a file that holds a document of any kind. */
export function schemaOfAll(): Readonly<Record<string, unknown>> {
  const kinds = Object.keys(KINDS) as Kind[];

  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Selvage policy document',
    oneOf: kinds.map((kind) => ({ $ref: `#/$defs/${kind}` })),
    $defs: Object.fromEntries(kinds.map((kind) => [kind, schemaOf(kind)])),
  };
}
