// A managed host as it is in the field: settings of its own, a state folder, `selvage-agent` run as an ordinary user. Its
// system is a small root folder without programs, or a sandbox of the lab with the real apt.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun, type Run } from '@selvage/shared/exec/run.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { type Answer, ask, documentOf, succeeded } from '../../lab/commands.ts';
import { handOver, ordinaryUser, runAs, runInNamespace } from '../../lab/ordinary-user.ts';
import { agentProgram, type Program } from '../../lab/program.ts';
import type { RealCollector, TokenDocument } from './collector.ts';
import { type Daemon, startDaemon } from './daemon.ts';

export const run: Run = createRun(process.env);
const user = ordinaryUser();
let program: Promise<Program> | undefined;

export interface RealHost {
  readonly name: string;
  readonly folder: string;
  readonly root: string;
  readonly stateDir: string;
  /** `selvage-agent …` as the ordinary user; `under`: a program with its options that starts it, such as a tracer. */
  agent(args: readonly string[], under?: readonly [string, ...string[]]): Promise<Answer>;
  /** The same where there is no network. */
  runner(args: readonly string[]): Promise<Answer>;
  /** `selvage-agent …` as a process that can be killed. */
  start(args: readonly string[]): Daemon;
  /** Files that this process wrote into the host's folder become the user's. */
  handOver(): Promise<void>;
}

export interface HostOptions {
  readonly name: string;
  /** Folder with `root/` in it, already made; default: one with a small system without programs. */
  readonly folder?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** More of the environment of its commands. */
  readonly env?: Readonly<Record<string, string>>;
}

export async function makeHost({ name, folder, settings = {}, env = {} }: HostOptions): Promise<RealHost> {
  const own = folder ?? smallSystem(name);
  const root = join(own, 'root');
  const stateDir = join(own, 'state');
  const file = join(own, 'settings.json');
  mkdirSync(join(own, 'home'));
  mkdirSync(join(own, 'tmp'), { recursive: true });
  writeFileSync(file, JSON.stringify({ mode: 'managed', labels: { tier: 'e2e' }, stateDir, root, ...settings }));
  const give = () => handOver(run, own, user);
  await give();
  program ??= agentProgram(run, user, join(temporaryFolder('program'), 'copy'));
  const { node, entry } = await program;
  const call = (args: readonly string[]) => ({
    file: node,
    args: [entry, '--settings', file, ...args],
    env: { ...env, HOME: join(own, 'home'), TMPDIR: join(own, 'tmp') },
  });
  const ids = user.dropped ? { uid: user.uid, gid: user.gid } : {};

  return {
    name,
    folder: own,
    root,
    stateDir,
    agent: (args, under) => ask(runAs(run, user), startedBy(call(args), under), `selvage-agent ${args.join(' ')}`),
    runner: (args) => ask(runInNamespace(run, user, 'itself'), call(args), `selvage-agent ${args.join(' ')}`),
    start: (args) => startDaemon({ ...call(args), ...ids }),
    handOver: give,
  };
}

function startedBy<C extends { readonly file: string; readonly args: readonly string[] }>(
  command: C,
  under: readonly [string, ...string[]] | undefined,
): C {
  if (under === undefined) return command;
  const [file, ...options] = under;

  return { ...command, file, args: [...options, '--', command.file, ...command.args] };
}

/** Enrolls through `url`, which need not be the collector's own address. */
export async function enroll(collector: RealCollector, host: RealHost, url = collector.gateway): Promise<void> {
  const made = await collector.selvage(['token', 'create', '--host', host.name, '--json']);
  const { token, pin } = documentOf<TokenDocument>(made);
  succeeded(await host.agent(['enroll', '--collector', url, '--pin', pin, '--token', token, '--name', host.name]));
}

export const PACKAGES = ['alpha', 'beta', 'gamma'] as const;

/** What an inventory needs to find a Debian system with three packages. */
function smallSystem(name: string): string {
  const folder = temporaryFolder('e2e-host');
  const files: Readonly<Record<string, string>> = {
    'usr/lib/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    'etc/machine-id': `${Buffer.from(name.padEnd(16, '.')).toString('hex').slice(0, 32)}\n`,
    'etc/hostname': `${name}\n`,
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
    'etc/group': 'root:x:0:\n',
    'var/lib/dpkg/status': PACKAGES.map(stanza).join(''),
  };
  for (const path of ['etc/apt', 'var/lib/dpkg/info', 'var/lib/dpkg/updates']) {
    mkdirSync(join(folder, 'root', path), { recursive: true });
  }
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(folder, 'root', path, '..'), { recursive: true });
    writeFileSync(join(folder, 'root', path), content);
  }

  return folder;
}

function stanza(name: string): string {
  return `Package: ${name}\nStatus: install ok installed\nPriority: optional\nSection: misc\nMaintainer: Lab <lab@example.org>\nArchitecture: all\nVersion: 1.0-1\nDescription: ${name}\n\n`;
}
