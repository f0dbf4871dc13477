// `npm run package`: the packages of both products for both architectures, with their sizes. What cannot be built here is said, and the rest
// is built.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asCoded, CodedError } from '@selvage/shared/errors/coded-error.ts';
import { createRun, type Run } from '@selvage/shared/exec/run.ts';
import { type BuiltProduct, buildProduct, FORMATS } from './build.ts';
import { type PackageOptions, readOptions } from './options.ts';
import { PRODUCTS, type ProductName } from './product.ts';
import { runtimeFor } from './runtime.ts';

const root = join(import.meta.dirname, '../..');
const GIT_DEADLINE_MS = 30_000;
/** As small as it gets in a reasonable time. */
const SMALL = 6;
const FAST = 0;
const MB = 1_000_000;
/** Bytes a machine may be asked for by an agent. */
const AGENT_LIMITS = { withNode: 200 * MB, withoutNode: 12 * MB } as const;

export interface Output {
  write(text: string): unknown;
}

export interface MainIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Exit code 0 when everything that was asked for was built. */
export async function main(args: readonly string[], io: MainIo = process): Promise<number> {
  try {
    const options = readOptions(args, root);
    const run = createRun(io.env);
    const work = await mkdtemp(join(tmpdir(), 'selvage-package-'));
    try {
      return await buildAll(options, { work, epoch: await epochOf(io.env.SOURCE_DATE_EPOCH, run), run }, io);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  } catch (error) {
    return tell(io.stderr, error);
  }
}

interface Shared {
  readonly work: string;
  readonly epoch: number;
  readonly run: Run;
}

async function buildAll({ arches, products, out, fast }: PackageOptions, shared: Shared, io: MainIo): Promise<number> {
  let exitCode = 0;

  for (const arch of arches) {
    try {
      const runtime = await runtimeFor({ arch, root, ...shared });
      for (const product of products) {
        const built = await buildProduct({
          root,
          out,
          product,
          runtime,
          formats: FORMATS,
          level: fast ? FAST : SMALL,
          ...shared,
        });
        for (const line of describe(product, built)) io.stdout.write(`${line}\n`);
        for (const error of built.missing) exitCode = tell(io.stderr, error);
        if (product === 'agent') refuseLarge(built);
      }
    } catch (error) {
      // One architecture that cannot be had does not keep the other from being built.
      exitCode = tell(io.stderr, error);
    }
  }

  return exitCode;
}

function describe(product: ProductName, { files, installed }: BuiltProduct): readonly string[] {
  const { withNode, withoutNode } = installed;

  return [
    ...files.map(({ file, bytes }) => `${megabytes(bytes).padStart(8)}  ${file}`),
    `${megabytes(withNode).padStart(8)}  ${PRODUCTS[product].name} installed; ${megabytes(withoutNode)} without Node`,
  ];
}

function refuseLarge({ installed }: BuiltProduct): void {
  for (const part of ['withNode', 'withoutNode'] as const) {
    if (installed[part] <= AGENT_LIMITS[part]) continue;
    const [size, limit] = [installed[part], AGENT_LIMITS[part]].map(megabytes);
    throw new CodedError('PROCESS_FAILED', `the agent takes ${size} installed (${part}); its limit is ${limit}`, {
      next: 'find out what was added to its bundle',
    });
  }
}

/** Seconds: what was given, else the time of the last commit. */
async function epochOf(given: string | undefined, run: Run): Promise<number> {
  if (given !== undefined) {
    if (/^\d{1,11}$/.test(given)) return Number(given);
    throw new CodedError('USAGE', `SOURCE_DATE_EPOCH is "${given}", not a number of seconds`);
  }
  const args = ['log', '-1', '--format=%ct'];
  const { stdout, exitCode } = await run({ file: 'git', args, cwd: root, deadlineMs: GIT_DEADLINE_MS });
  if (exitCode === 0) return Number(stdout.trim());
  throw new CodedError('USAGE', 'the time of the last commit is not known here', {
    next: 'set SOURCE_DATE_EPOCH to a number of seconds',
  });
}

function megabytes(bytes: number): string {
  return `${(bytes / MB).toFixed(1)} MB`;
}

function tell(stderr: Output, error: unknown): number {
  const { code, message, next, exit } = asCoded(error);
  stderr.write(`error ${code}: ${message}\nnext: ${next}\n`);

  return exit;
}
