// Asks a select text of one thing. Not known is an answer of its own: it never selects, and says which field it hangs on. Pure.
import type { Part, Select } from './parse.ts';
import { asked } from './tree.ts';

export type Selection = 'selected' | 'not selected' | 'unknown';

export function evaluate<F>({ root }: Select<F>, facts: F, now: Temporal.Instant): Selection {
  const answer = root.answer(facts, now);

  return answer === null ? 'unknown' : answer ? 'selected' : 'not selected';
}

/** The fields and labels that are not known and on which the answer hangs; none when it is known. */
export function unknownOf<F>({ root }: Select<F>, facts: F, now: Temporal.Instant): readonly string[] {
  return [...new Set(unknownIn(root, facts, now))];
}

function unknownIn<F>(part: Part<F>, facts: F, now: Temporal.Instant): readonly string[] {
  if (part.answer(facts, now) !== null) return [];
  if (part.parts.length > 0) return part.parts.flatMap((each) => unknownIn(each, facts, now));

  return [...asked(part.node)].map(({ name }) => name);
}

/** Fields that the text asks for, so that only those need be looked up. */
export function fieldsOf<F>({ tree }: Select<F>): ReadonlySet<string> {
  return new Set([...asked(tree)].flatMap((node) => (node.kind !== 'flag' && node.label ? [] : [node.name])));
}

/** Labels that the text asks for. */
export function labelsOf<F>({ tree }: Select<F>): ReadonlySet<string> {
  return new Set([...asked(tree)].flatMap((node) => (node.kind !== 'flag' && node.label ? [node.name] : [])));
}
