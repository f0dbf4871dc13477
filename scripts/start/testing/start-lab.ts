// `npm start` as a stranger runs it, on a home of its own. For tests only.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { freePorts } from '../../lab/free-ports.ts';

const ENTRY = join(import.meta.dirname, '../../start.mjs');
const SELVAGE = join(import.meta.dirname, '../../../collector/bin/selvage.mjs');
export const START_DEADLINE_MS = 300_000;

export const run = createRun(process.env);

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function start(args: readonly string[], home: string, wrap: readonly string[] = []): Promise<Ended> {
  const [file, ...rest] = [...wrap, process.execPath, ENTRY, ...args];

  return new Promise((resolve, reject) => {
    const child = spawn(file ?? '', rest, { env: { ...process.env, SELVAGE_HOME: home } });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** A home whose agent looks at `root` instead of this machine: the same path, with packages that the test knows. */
export async function homeFor(root: string): Promise<string> {
  const home = join(temporaryFolder('start'), 'home');
  const [gateway, api] = await freePorts(2);
  const ports = ['--gateway-port', `${gateway}`, '--api-port', `${api}`];
  await run({
    file: process.execPath,
    args: [SELVAGE, 'init', '--local', ...ports],
    env: { SELVAGE_HOME: home },
    deadlineMs: START_DEADLINE_MS,
    check: true,
  });
  // No test asks a publisher: what they would say is another thing every day.
  const settings = join(home, 'settings.json');
  writeFileSync(settings, JSON.stringify({ ...JSON.parse(readFileSync(settings, 'utf8')), feeds: { list: 'off' } }));
  const stateDir = join(home, 'agent');
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(join(stateDir, 'settings.json'), JSON.stringify({ mode: 'observe', stateDir, root }));

  return home;
}
