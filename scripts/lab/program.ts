// The agent's program for the ordinary user. A checkout that only root can enter (below /root, or in a private temporary folder)
// is copied into the lab's folder: the sources, what they depend on, and Node itself.
import { copyFile, cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '@selvage/shared/errors/coded-error.ts';
import type { Run } from '@selvage/shared/exec/run.ts';
import { handOver, type OrdinaryUser, runAs } from './ordinary-user.ts';

export interface Program {
  readonly node: string;
  readonly entry: string;
}

const CHECKOUT = join(import.meta.dirname, '../..');
const WORKSPACES = ['agent', 'shared', 'proto'];
const ENTRY = 'agent/bin/selvage-agent.mjs';
const DEADLINE_MS = 120_000;

/** The checkout's own when the user can run it, else a copy in `folder`. Throws PROCESS_FAILED when neither runs. */
export async function agentProgram(
  run: Run,
  user: OrdinaryUser,
  folder: string,
  checkout = CHECKOUT,
): Promise<Program> {
  const own = { node: process.execPath, entry: join(checkout, ENTRY) };
  if ((await failure(run, user, own)) === null) return own;

  const copy = { node: join(folder, 'node'), entry: join(folder, ENTRY) };
  await copyProgram(checkout, folder);
  await handOver(run, folder, user);
  const problem = await failure(run, user, copy);
  if (problem !== null) throw new CodedError('PROCESS_FAILED', `the agent cannot be started: ${problem}`);

  return copy;
}

/** What the user sees instead of a working program, null when it works. */
async function failure(run: Run, user: OrdinaryUser, { node, entry }: Program): Promise<string | null> {
  try {
    const { exitCode, stderr } = await runAs(
      run,
      user,
    )({ file: node, args: [entry, '--version'], deadlineMs: DEADLINE_MS });

    return exitCode === 0 ? null : (/^\w*Error\b.*$/m.exec(stderr)?.[0] ?? stderr);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function copyProgram(checkout: string, folder: string): Promise<void> {
  const modules = join(folder, 'node_modules');
  await mkdir(join(modules, '@selvage'), { recursive: true });
  await copyFile(process.execPath, join(folder, 'node'));

  // What the agent reports of itself comes from the lockfile.
  await copyFile(join(checkout, 'package-lock.json'), join(folder, 'package-lock.json'));

  for (const workspace of WORKSPACES) {
    await cp(join(checkout, workspace), join(folder, workspace), { recursive: true });
    await symlink(`../../${workspace}`, join(modules, '@selvage', workspace));
  }
  for (const name of await dependencies(checkout)) {
    await cp(join(checkout, 'node_modules', name), join(modules, name), { recursive: true });
  }
}

/** Names of all packages that the agent's workspaces need, from their package.json files. */
async function dependencies(checkout: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const visit = async (manifest: string): Promise<void> => {
    const { dependencies: named = {} }: { dependencies?: Record<string, string> } = JSON.parse(
      await readFile(manifest, 'utf8'),
    );
    for (const name of Object.keys(named)) {
      if (found.has(name) || name.startsWith('@selvage/')) continue;
      found.add(name);
      await visit(join(checkout, 'node_modules', name, 'package.json'));
    }
  };
  for (const workspace of WORKSPACES) await visit(join(checkout, workspace, 'package.json'));

  return found;
}
