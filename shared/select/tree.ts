// What a select text means, as a tree. `and`, `or` have two parts or more; what stood in parentheses stays a part of its own. Pure.

export type Order = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** A value as written: the texts between its `*`; one text: no `*` in it. */
export type Pattern = readonly string[];

export type Node =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Node[] }
  | { readonly kind: 'not'; readonly part: Node }
  | { readonly kind: 'flag'; readonly name: string }
  | {
      readonly kind: 'compare';
      readonly name: string;
      readonly label: boolean;
      readonly order: Order;
      readonly value: Pattern;
    }
  | { readonly kind: 'in'; readonly name: string; readonly label: boolean; readonly values: readonly Pattern[] };

/** The nodes that ask one thing. */
export type Asked = Extract<Node, { readonly name: string }>;

/** Every test of a tree, from left to right. */
export function* asked(node: Node): Generator<Asked> {
  if (node.kind === 'not') yield* asked(node.part);
  else if ('parts' in node) for (const part of node.parts) yield* asked(part);
  else yield node;
}
