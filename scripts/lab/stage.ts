// The stage of the story: an archive, two systems, a collector and two agents, all in one folder, each started as its user
// would start it. Nothing outside the folder is changed.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from '@selvage/shared/exec/run.ts';
import { HOSTS, type HostName, INSTALLED, OFFERED } from './cast.ts';
import { type Answer, ask, type Resident, stay } from './commands.ts';
import { ordinaryUser, runAs, runInNamespace } from './ordinary-user.ts';
import { agentProgram, type Program } from './program.ts';
import { makeRepository, type Repository } from './repository.ts';
import { makeSandbox, type Sandbox } from './sandbox.ts';

export interface LabHost {
  readonly name: HostName;
  readonly sandbox: Sandbox;
  readonly stateDir: string;
  /** `selvage-agent …` as the ordinary user, with the machine's loopback: it observes, connects and fetches. */
  agent(args: readonly string[]): Promise<Answer>;
  /** `selvage-agent …` in a namespace without any network: it verifies, plans and installs. */
  runner(args: readonly string[]): Promise<Answer>;
  /** The resident agent; what it starts as children runs in the same surroundings. */
  connect(args?: readonly string[]): Resident;
}

export interface Stage {
  readonly folder: string;
  readonly began: Temporal.Instant;
  readonly run: Run;
  readonly repository: Repository;
  readonly hosts: readonly LabHost[];
  /** `selvage …` as the admin, with its own SELVAGE_HOME. */
  selvage(args: readonly string[]): Promise<Answer>;
  serve(): Resident;
  /** Writes a file for the admin and returns its path. */
  paper(name: string, content: string): Promise<string>;
  /** What is running: the collector, then the agents. */
  readonly residents: readonly Resident[];
  /** Stops what was started, last first. Safe to call again. */
  clear(): Promise<void>;
}

const SELVAGE = join(import.meta.dirname, '../../collector/bin/selvage.mjs');

export async function setStage(run: Run, folder: string, began: Temporal.Instant): Promise<Stage> {
  const residents: Resident[] = [];
  const keep = (resident: Resident) => {
    residents.push(resident);

    return resident;
  };
  const repository = await makeRepository({ folder: join(folder, 'archive'), run, packages: OFFERED });
  const program = await agentProgram(run, ordinaryUser(), join(folder, 'program'));
  const hosts = await Promise.all(HOSTS.map((name) => makeHost({ run, folder, program, repository, keep }, name)));
  const home = { SELVAGE_HOME: join(folder, 'collector') };
  const command = (args: readonly string[]) => ({ file: process.execPath, args: [SELVAGE, ...args], env: home });

  return {
    folder,
    began,
    run,
    repository,
    hosts,
    selvage: (args) => ask(run, command(args), `selvage ${args.join(' ')}`),
    residents,
    serve: () => keep(stay(run, command(['serve', '--ready-line']), 'selvage serve')),
    paper: async (name, content) => {
      const path = join(folder, 'admin', name);
      await mkdir(join(folder, 'admin'), { recursive: true });
      await writeFile(path, content);

      return path;
    },
    clear: async () => {
      for (const resident of residents.splice(0).reverse()) await resident.stop();
    },
  };
}

interface HostParts {
  readonly run: Run;
  readonly folder: string;
  readonly program: Program;
  readonly repository: Repository;
  keep(resident: Resident): Resident;
}

async function makeHost({ run, folder, program, repository, keep }: HostParts, name: HostName): Promise<LabHost> {
  const own = join(folder, name);
  const sandbox = await makeSandbox({
    folder: own,
    run,
    repositories: [repository],
    installed: INSTALLED,
    hostname: name,
  });
  const stateDir = join(own, 'state');
  const settings = join(own, 'settings.json');
  await writeFile(settings, JSON.stringify({ mode: 'managed', labels: { tier: 'lab' }, stateDir, root: sandbox.root }));
  await mkdir(join(own, 'home'), { recursive: true });
  await sandbox.handOver();
  // The ordinary user's home is not ours to know; a temporary folder of its own keeps hosts apart.
  const env = { HOME: join(own, 'home'), TMPDIR: sandbox.temporary };
  const call = (args: readonly string[]) => ({
    file: program.node,
    args: [program.entry, '--settings', settings, ...args],
    env,
  });
  const ordinary = runAs(run, sandbox.user);
  const namespaced = runInNamespace(run, sandbox.user, 'itself');

  return {
    name,
    sandbox,
    stateDir,
    agent: (args) => ask(ordinary, call(args), `selvage-agent ${args.join(' ')}`),
    runner: (args) => ask(namespaced, call(args), `selvage-agent ${args.join(' ')}`),
    connect: (args = []) => keep(stay(ordinary, call(['connect', ...args]), `selvage-agent connect (${name})`)),
  };
}

/** Content of a file inside a host, null when there is none. */
export async function fileOf(host: LabHost, path: string): Promise<string | null> {
  try {
    return await readFile(join(host.sandbox.root, path), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}
