// Finds in the product's sources who starts programs, and how: imports of what can start one, and calls of the door's functions with
// what they are given. Reads source through swc's syntax tree; it runs nothing.
import { readFileSync } from 'node:fs';
import { parseSync } from '@swc/core';

/** Packages that can start a program. */
const STARTERS = ['child_process', 'node:child_process', 'cluster', 'node:cluster', 'execa'];
/** Names of the door's function, however it is handed on: `run(…)`, `deps.run(…)`, `this.#system.run(…)`. */
const DOOR = /^#?run$/;

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

export interface Starts {
  /** What is imported that can start a program, types left out. */
  readonly imports: readonly string[];
  /** Names of the properties that each call of the door is given; `...` for a spread. */
  readonly calls: readonly (readonly string[])[];
}

export function startsIn(path: string): Starts {
  return startsOf(readFileSync(path, 'utf8'));
}

export function startsOf(source: string): Starts {
  const imports: string[] = [];
  const calls: (readonly string[])[] = [];

  visit(parseSync(source, { syntax: 'typescript', target: 'es2022' }) as unknown as Node, (node) => {
    if (node.type === 'ImportDeclaration' && node.typeOnly !== true) {
      const { value } = node.source as { readonly value: string };
      const specifiers = node.specifiers as readonly { readonly isTypeOnly?: boolean }[];
      if (STARTERS.includes(value) && !specifiers.every(({ isTypeOnly }) => isTypeOnly === true)) imports.push(value);
    }
    if (node.type !== 'CallExpression') return;
    const given = (node.arguments as readonly { readonly expression: Node }[]).map(({ expression }) => expression);
    const [first] = given;
    const name = nameOf(node.callee as Node);
    if (isDynamicImport(node) && first?.type === 'StringLiteral' && STARTERS.includes(String(first.value))) {
      imports.push(String(first.value));
    }
    const isRequire = name === 'require' && (node.callee as Node).type === 'Identifier';
    if (name === 'getBuiltinModule' || isRequire) imports.push(name);
    if (name !== null && DOOR.test(name) && first?.type === 'ObjectExpression') calls.push(propertiesOf(first));
  });

  return { imports, calls };
}

function isDynamicImport(node: Node): boolean {
  return (node.callee as Node).type === 'Import';
}

function nameOf(callee: Node): string | null {
  if (callee.type === 'Identifier') return String(callee.value);
  if (callee.type !== 'MemberExpression') return null;
  const property = callee.property as Node;

  return property.type === 'Identifier' || property.type === 'PrivateName' ? String(property.value) : null;
}

function propertiesOf(object: Node): readonly string[] {
  return (object.properties as readonly Node[]).map((property) => {
    if (property.type === 'SpreadElement') return '...';
    const key = (property.key ?? property) as Node;

    return String(key.value);
  });
}

function visit(node: Node, look: (node: Node) => void): void {
  look(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child !== 'object' || child === null) continue;
      if ('type' in child) visit(child as Node, look);
      else for (const inner of Object.values(child)) if (isNode(inner)) visit(inner, look);
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}
