// The agent as it is shipped, enrolled with a real collector: its bundle in one folder, its state in another.
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { Authority } from '@selvage/shared/pki/authority.ts';
import { bundleAgent } from '../../bundle/agent.ts';
import { ask, documentOf } from '../../lab/commands.ts';
import { makeHome, type Server, startOurs } from '../gateway/servers.ts';
import { type Kept, keep } from './keep.ts';

const SELVAGE = join(import.meta.dirname, '../../../collector/bin/selvage.mjs');
const STATUS = '/var/lib/dpkg/status';
const DEADLINE_MS = 60_000;
/** One process, as a service manager starts it under its own user: no supervisor beside it. */
const ALONE = process.getuid?.() === 0 ? ['--same-user'] : [];
const run = createRun(process.env);

export interface Installed {
  readonly collector: Server;
  readonly authority: Authority;
  readonly entry: string;
  /** The shipped program of the resident connector. */
  readonly resident: string;
  readonly settings: string;
  readonly stateDir: string;
  /** `selvage-agent connect`, connected, its first inventory committed. */
  connect(): Promise<Kept>;
  stop(): Promise<void>;
}

/** This machine's packages without its repositories: nothing is asked from a network. */
async function makeRoot(root: string): Promise<void> {
  for (const path of ['etc/apt', 'usr/lib', 'var/lib/dpkg/info', 'var/lib/dpkg/updates']) {
    await mkdir(join(root, path), { recursive: true });
  }
  const files = {
    'usr/lib/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    'etc/machine-id': `${'b'.repeat(32)}\n`,
    'etc/hostname': 'bench\n',
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
  };
  for (const [path, text] of Object.entries(files)) await writeFile(join(root, path), text);
  await copyFile(STATUS, join(root, 'var/lib/dpkg/status'));
}

export async function installAgent(folder: string): Promise<Installed> {
  const { entry } = await bundleAgent(join(folder, 'program'));
  const { home, authority } = await makeHome(folder);
  const collector = await startOurs(folder, home, authority);
  const root = join(folder, 'root');
  const stateDir = join(folder, 'state');
  const settings = join(folder, 'settings.json');
  await makeRoot(root);
  await writeFile(settings, JSON.stringify({ mode: 'observe', stateDir, root }));

  const {
    token,
    pin,
    collector: url,
  } = documentOf<{ token: string; pin: string; collector: string }>(
    await ask(
      run,
      {
        file: process.execPath,
        args: [SELVAGE, 'token', 'create', '--host', 'bench', '--json'],
        env: { SELVAGE_HOME: home },
      },
      'selvage token create',
    ),
  );
  await run({
    file: process.execPath,
    args: [
      entry,
      '--settings',
      settings,
      'enroll',
      ...ALONE,
      '--collector',
      url,
      '--pin',
      pin,
      '--token',
      token,
      '--name',
      'bench',
    ],
    deadlineMs: DEADLINE_MS,
    check: true,
  });

  return {
    collector,
    authority,
    entry,
    resident: join(folder, 'program/selvage-resident.cjs'),
    settings,
    stateDir,
    connect: async () => {
      const kept = keep({ args: [entry, '--settings', settings, 'connect', ...ALONE] });
      await kept.line(/^connected to collector/);
      await committed(stateDir);

      return kept;
    },
    stop: () => collector.stop(),
  };
}

const POLL_MS = 100;

/** Resolves when the collector has acknowledged the first inventory. */
async function committed(stateDir: string): Promise<void> {
  const file = join(stateDir, 'outbox/stream.json');
  const end = performance.now() + DEADLINE_MS;

  while (performance.now() < end) {
    const { acknowledged } = JSON.parse(await readFile(file, 'utf8')) as { acknowledged: string };
    if (acknowledged !== '0') return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }

  throw new Error(`the collector committed no inventory within ${DEADLINE_MS} ms`);
}
