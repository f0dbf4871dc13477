// `npm run check`: formatting, lint, types, the dependency rule, purity and dead code. Runs all of them even when one
// fails, so that one run shows everything. It changes nothing.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { impurities } from './purity.ts';
import { PURE } from './rooms.ts';

const root = join(import.meta.dirname, '../..');
const ROOMS = ['proto', 'shared', 'agent', 'collector', 'scripts'];

interface Part {
  readonly name: string;
  run(): Promise<{ readonly ok: boolean; readonly output: string }>;
}

export async function main(): Promise<number> {
  const sources = ROOMS.flatMap((room) => typescriptFiles(join(root, room)));
  const parts: readonly Part[] = [
    { name: 'format and lint', run: () => tool('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '.']) },
    { name: 'types', run: () => tool('typescript/bin/tsc', ['-p', '.']) },
    { name: 'dependency rule', run: () => dependencyRule(sources.length) },
    { name: 'purity', run: async () => purity(sources) },
    { name: 'dead code', run: () => tool('knip/bin/knip.js', ['--no-progress']) },
  ];
  const results = await Promise.all(parts.map(async (part) => ({ part, ...(await part.run()) })));

  for (const { part, ok, output } of results) {
    process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${part.name}\n`);
    if (!ok) process.stdout.write(`${output.trimEnd()}\n`);
  }

  return results.every((result) => result.ok) ? 0 : 1;
}

/** dependency-cruiser passes when it finds no modules at all; so its count is held against the files that exist. */
async function dependencyRule(files: number): Promise<{ ok: boolean; output: string }> {
  const cruised = await tool('dependency-cruiser/bin/dependency-cruiser.mjs', [
    '--config',
    '.dependency-cruiser.mjs',
    '--output-type',
    'json',
    ...ROOMS,
  ]);
  let summary: {
    totalCruised: number;
    violations: readonly { rule: { name: string }; from: string; to: string; comment?: string }[];
  };
  let modules: readonly { source: string }[];

  try {
    ({ summary, modules } = JSON.parse(cruised.output.slice(cruised.output.indexOf('{'))));
  } catch {
    return { ok: false, output: cruised.output };
  }

  const own = modules.filter(
    ({ source }) => ROOMS.some((room) => source.startsWith(`${room}/`)) && source.endsWith('.ts'),
  ).length;
  const lines = summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`);
  if (own < files) lines.push(`only ${own} of ${files} .ts files were read: the rule cannot be trusted`);

  return { ok: lines.length === 0, output: lines.join('\n') };
}

async function purity(sources: readonly string[]): Promise<{ ok: boolean; output: string }> {
  const pure = sources
    .map((path) => relative(root, path))
    .filter((path) => !path.endsWith('.test.ts') && PURE.some((pattern) => new RegExp(pattern).test(path)));
  const found = pure.flatMap((path) => impurities(join(root, path)).map((line) => relative(root, line)));

  return { ok: found.length === 0 && pure.length > 0, output: found.join('\n') };
}

function tool(path: string, args: readonly string[]): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, 'node_modules', path), ...args], { cwd: root });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', (error) => resolve({ ok: false, output: String(error) }));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

function typescriptFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory())
      return entry.name === 'node_modules' || entry.name === 'fixtures' ? [] : typescriptFiles(path);

    return entry.name.endsWith('.ts') ? [path] : [];
  });
}
