// A tree as text that is read back to the same tree, so that what was understood can be shown. Pure.
import { keywordOf } from './parse.ts';
import type { Node, Pattern } from './tree.ts';
import type { Vocabulary } from './vocabulary.ts';

const BARE = /^[A-Za-z0-9._/:+~@%^*-]+$/;

export function printSelect(node: Node, vocabulary: Pick<Vocabulary<never>, 'fields' | 'refused'>): string {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.parts.map((part) => inside(part, node.kind, vocabulary)).join(` ${node.kind} `);
    case 'not':
      return `not ${inside(node.part, 'not', vocabulary)}`;
    case 'flag':
      return node.name;
    case 'compare':
      return `${named(node, vocabulary)}${node.order}${valueText(node.value)}`;
    case 'in':
      return `${named(node, vocabulary)} in (${node.values.map(valueText).join(', ')})`;
  }
}

/** `and` binds closer than `or`; of its own kind a part stood in parentheses, else it would be no part. */
function inside(
  node: Node,
  outer: 'and' | 'or' | 'not',
  vocabulary: Pick<Vocabulary<never>, 'fields' | 'refused'>,
): string {
  const text = printSelect(node, vocabulary);
  const bare = node.kind !== 'and' && node.kind !== 'or';

  return bare || (node.kind === 'and' && outer === 'or') ? text : `(${text})`;
}

function named(
  { name, label }: { readonly name: string; readonly label: boolean },
  { fields, refused }: Pick<Vocabulary<never>, 'fields' | 'refused'>,
): string {
  const ambiguous =
    Object.hasOwn(fields, name) ||
    Object.hasOwn(refused ?? {}, name) ||
    name.startsWith('label.') ||
    keywordOf(name) !== null;

  return label && ambiguous ? `label.${name}` : name;
}

function valueText(pattern: Pattern): string {
  const plain = pattern.join('*');
  const hasStar = pattern.some((piece) => piece.includes('*'));
  if (BARE.test(plain) && !hasStar && keywordOf(plain) === null) return plain;

  return `'${pattern.map((piece) => piece.replace(/[\\'*]/g, (sign) => `\\${sign}`)).join('*')}'`;
}
