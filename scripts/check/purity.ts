// Finds clocks, luck, environment, timers and network in pure files: what an import rule cannot see because it is global.
// Reads source through swc's syntax tree; it runs nothing.
import { readFileSync } from 'node:fs';
import { parseSync } from '@swc/core';

/** Globals whose every use is an effect. */
const EFFECT_GLOBALS = new Set([
  'process',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'console',
  'crypto',
]);
/** Members whose use is an effect while the object itself is data. */
const EFFECT_MEMBERS = new Set(['Date.now', 'Math.random', 'Temporal.Now']);

interface Node {
  readonly type: string;
  readonly span?: { readonly start: number };
  readonly [key: string]: unknown;
}

/** One line per effect found: `path:line: what`. */
export function impurities(path: string): readonly string[] {
  const source = readFileSync(path, 'utf8');
  const found: string[] = [];
  const tree = parseSync(source, { syntax: 'typescript', target: 'es2022' }) as unknown as Node;
  // swc counts bytes over all files it has read; the module's own span is the origin.
  const origin = tree.span?.start ?? 0;
  const bytes = Buffer.from(source);
  const report = (node: Node, what: string) => {
    const line = bytes
      .subarray(0, Math.max(0, (node.span?.start ?? origin) - origin))
      .toString()
      .split('\n').length;
    found.push(`${path}:${line}: ${what} in a pure file`);
  };

  visit(tree, (node) => {
    const name = effectOf(node);
    if (name !== null) report(node, name);
  });

  return found;
}

function effectOf(node: Node): string | null {
  if (node.type === 'MemberExpression') {
    const member = `${identifier(node.object)}.${identifier(node.property)}`;
    if (EFFECT_MEMBERS.has(member)) return member;

    const global = identifier(node.object);
    if (global !== null && EFFECT_GLOBALS.has(global)) return global;
  }

  if (node.type === 'CallExpression') {
    const callee = identifier(node.callee);
    if (callee === 'Date') return 'Date()';
    if (callee !== null && EFFECT_GLOBALS.has(callee)) return `${callee}()`;
  }

  if (node.type === 'NewExpression' && identifier(node.callee) === 'Date') {
    const given = node.arguments as readonly unknown[] | null | undefined;
    if (!given || given.length === 0) return 'new Date()';
  }

  return null;
}

function identifier(value: unknown): string | null {
  const node = value as Node | null;

  return node?.type === 'Identifier' ? String(node.value) : null;
}

function visit(value: unknown, each: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, each);

    return;
  }
  if (typeof value !== 'object' || value === null) return;

  const node = value as Node;
  if (typeof node.type === 'string') each(node);
  for (const child of Object.values(node)) if (typeof child === 'object') visit(child, each);
}
