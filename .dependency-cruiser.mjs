// The dependency rule, enforced by `npm run check`. What it says lies in scripts/check/rooms.ts.
import { ADAPTERS, DOORS, PURE, PURE_PACKAGES } from './scripts/check/rooms.ts';

const TESTS = '([.]test[.]ts$|/testing/|/test/)';
const escaped = (name) => name.replaceAll('/', '[/]');
const rule = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

const doors = Object.entries(DOORS).map(([name, rooms]) =>
  rule(
    `door-${name}`,
    `only its own door imports ${name}`,
    { pathNot: [...rooms, TESTS] },
    { path: `node_modules/${escaped(name)}/` },
  ),
);

const adapters = Object.entries(ADAPTERS).flatMap(([side, rooms]) =>
  rooms.map((room) =>
    rule(
      `adapter-${side}-${room}`,
      'adapters do not import each other; what they share is handed over as an argument',
      { path: `^${side}/${room}/`, pathNot: TESTS },
      {
        path: rooms.filter((other) => other !== room).map((other) => `^${side}/${other}/`),
        dependencyTypesNot: ['type-only'],
      },
    ),
  ),
);

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    rule('no-cycle', 'a cycle has no first file to read', {}, { circular: true }),
    rule('no-unresolved', 'an import that leads nowhere', {}, { couldNotResolve: true }),
    rule('agent-not-collector', 'the two sides meet only in proto/', { path: '^agent/' }, { path: '^collector/' }),
    rule('collector-not-agent', 'the two sides meet only in proto/', { path: '^collector/' }, { path: '^agent/' }),
    rule(
      'shared-imports-neither',
      'shared serves both sides',
      { path: '^(shared|proto)/' },
      { path: '^(agent|collector|scripts)/' },
    ),
    rule(
      'sides-not-scripts',
      'nothing that is shipped needs scripts/',
      { path: '^(agent|collector)/', pathNot: TESTS },
      { path: '^scripts/' },
    ),
    rule(
      'no-tests-in-product',
      'product code needs no test',
      // Tools that only measure or break things are test code too.
      { pathNot: `${TESTS}|^scripts/(bench|faults)/` },
      { path: TESTS, pathNot: '^scripts/' },
    ),
    rule(
      'pure-no-node',
      'pure files reach nothing of the system',
      { path: PURE, pathNot: TESTS },
      { dependencyTypes: ['core'], pathNot: '^(node:)?crypto$' },
    ),
    rule(
      'pure-no-packages',
      'pure files use data packages only',
      { path: PURE, pathNot: TESTS },
      { path: 'node_modules/', pathNot: PURE_PACKAGES.map((name) => `node_modules/(${name}|temporal-spec)/`) },
    ),
    rule(
      'pure-imports-pure',
      'pure files import types and pure files',
      { path: PURE, pathNot: TESTS },
      { path: '^(agent|collector|shared)/', pathNot: PURE, dependencyTypesNot: ['type-only'] },
    ),
    rule(
      'only-main-builds',
      'only main and its commands build adapters of the agent',
      { path: '^agent/runner/', pathNot: TESTS },
      { path: '^agent/(connector|inventory|providers)/', dependencyTypesNot: ['type-only'] },
    ),
    ...doors,
    ...adapters,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)fixtures/' },
    tsPreCompilationDeps: true,
    parser: 'swc',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json'],
    },
  },
};
