// A machine with the agent's real package on its real `/`, an archive on its disk, and a real collector in its network. Packages of the archive
// can be held in the middle of their configuration, to see what happens to them then.
import { copyFile, cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { makeCollector, type RealCollector, type TokenDocument } from '../../e2e/testing/collector.ts';
import { documentOf, succeeded } from '../../lab/commands.ts';
import { buildDeb, type DebSpec } from '../../lab/deb.ts';
import { makeRepository } from '../../lab/repository.ts';
import { waitFor } from '../../lab/waiting.ts';
import { bootMachine, type Machine } from './machine.ts';
import { NEXT_VERSION, packNext, packProduct } from './packages.ts';

export const HOST = 'web-01';
const DEADLINE_MS = 180_000;
const ARCHIVE = '/srv/archive';
const GATES = '/srv/gates';
const run = createRun(process.env);

export interface AgentMachine {
  readonly machine: Machine;
  readonly collector: RealCollector;
  /** The agent's own .deb. */
  readonly deb: string;
  enroll(...flags: readonly string[]): Promise<string>;
  push(policy: string): Promise<void>;
  approve(name: string, lane: string, version?: string): Promise<void>;
  results(name: string): Promise<readonly RunResult[]>;
  /** The last result of a fix; waits for one that is `outcome`. */
  result(name: string, outcome: RunResult['outcome']): Promise<RunResult>;
  versionOf(name: string): Promise<string>;
  /** How often the package was configured. */
  configured(name: string): Promise<number>;
  /** The next configuration of the package stops in the middle, and waits. */
  hold(name: string): Promise<void>;
  /** Resolves when it has come that far. */
  held(name: string): Promise<void>;
  letGo(name: string): Promise<void>;
  /** The same where the machine is down. */
  forget(name: string): Promise<void>;
}

/** Version 1.0 of each is installed, 2.0 is a security fix in the archive. */
export async function makeAgentMachine(names: readonly string[]): Promise<AgentMachine> {
  const deb = await packProduct('agent');
  const [machine, debs] = await Promise.all([bootMachine(), packFixes(names, await packNext(deb))]);
  const collector = await makeCollector({}, { ...placeOf(temporaryFolder('collector')), enter: machine.network });
  await collector.serve();
  await layOut(machine, debs);
  await copyFile(deb, join(machine.root, 'root', basename(deb)));
  await machine.command('dpkg', '-i', `/root/${basename(deb)}`);
  await machine.put('/etc/selvage-agent/settings.d/50-lab.json', SETTINGS);

  return new Lab(machine, collector, deb);
}

const AGENT: DebSpec = {
  name: 'selvage-agent',
  version: NEXT_VERSION,
  arch: process.arch === 'arm64' ? 'arm64' : 'amd64',
  suite: 'bookworm-security',
};
const SETTINGS = JSON.stringify({ mode: 'managed', labels: { tier: 'lab' } });

function placeOf(folder: string) {
  return { home: join(folder, 'home'), inside: join(folder, 'home') };
}

interface Fixes {
  readonly archive: string;
  readonly sources: string;
  readonly keyring: string;
  readonly installed: readonly string[];
}

async function packFixes(names: readonly string[], agent: string): Promise<Fixes> {
  const folder = temporaryFolder('archive');
  const repository = await makeRepository({
    folder: join(folder, 'archive'),
    run,
    packages: [...names.map((name) => spec(name, '2.0')), { ...AGENT, built: agent }],
  });
  const installed = await Promise.all(names.map((name) => buildDeb(run, spec(name, '1.0'), join(folder, 'old'))));
  const keyring = `${ARCHIVE}/keyring.gpg`;

  return {
    archive: repository.folder,
    sources: repository.sources({ uri: `file:${ARCHIVE}`, keyring }),
    keyring: repository.keyring,
    installed,
  };
}

/** Configured, it says so, and waits for a word where somebody holds the gate. */
function spec(name: string, version: string): DebSpec {
  const gate = `${GATES}/${name}`;
  const postinst = `echo run >> /var/lib/${name}-runs
if [ -p ${gate} ]; then touch ${gate}.held; read word < ${gate}; fi`;

  return {
    name,
    version,
    ...(version === '1.0' ? {} : { suite: 'bookworm-security', scripts: { postinst } }),
  };
}

async function layOut(machine: Machine, { archive, sources, keyring, installed }: Fixes): Promise<void> {
  const at = (path: string) => join(machine.root, path);
  await rm(at('etc/apt/sources.list'), { force: true });
  await rm(at('etc/apt/sources.list.d'), { recursive: true, force: true });
  await mkdir(at('etc/apt/sources.list.d'));
  await mkdir(at(GATES), { recursive: true });
  await cp(archive, at(ARCHIVE), { recursive: true });
  await copyFile(keyring, at(`${ARCHIVE}/keyring.gpg`));
  await machine.command('chmod', '-R', 'a+rX', ARCHIVE);
  await writeFile(at('etc/apt/sources.list.d/lab.sources'), sources);
  await mkdir(at('root/old'));
  for (const file of installed) await copyFile(file, at(join('root/old', basename(file))));
  const files = (await readdir(at('root/old'))).map((name) => `/root/old/${name}`);
  await machine.command('dpkg', '-i', ...files);
}

class Lab implements AgentMachine {
  readonly machine: Machine;
  readonly collector: RealCollector;
  readonly deb: string;
  readonly #folder = temporaryFolder('policies');

  constructor(machine: Machine, collector: RealCollector, deb: string) {
    this.machine = machine;
    this.collector = collector;
    this.deb = deb;
  }

  async enroll(...flags: readonly string[]): Promise<string> {
    const made = await this.collector.selvage(['token', 'create', '--host', HOST, '--json']);
    const { token, pin } = documentOf<TokenDocument>(made);
    const contact = ['--collector', this.collector.gateway, '--pin', pin, '--token', token, '--name', HOST];

    return this.machine.command('selvage-agent', 'enroll', ...contact, ...flags);
  }

  async push(policy: string): Promise<void> {
    const file = join(this.#folder, 'policy.yaml');
    await writeFile(file, policy);
    succeeded(await this.collector.selvage(['policy', 'push', file]));
  }

  async approve(name: string, lane: string, version = '2.0'): Promise<void> {
    const args = ['fix', 'approve', `${name}@${version}`, '--policy', 'servers', '--lane', lane];
    succeeded(await this.collector.selvage(args));
  }

  async results(name: string): Promise<readonly RunResult[]> {
    const { results } = documentOf<{ results: readonly { result: RunResult }[] }>(
      await this.collector.selvage(['host', 'show', HOST, '--json']),
    );

    return results.map(({ result }) => result).filter(({ fix }) => fix.source === name);
  }

  result(name: string, outcome: RunResult['outcome']): Promise<RunResult> {
    return waitFor(
      `${name} to be ${outcome}`,
      async () => (await this.results(name)).find((result) => result.outcome === outcome) ?? null,
      DEADLINE_MS,
      () => 'none',
    );
  }

  async versionOf(name: string): Promise<string> {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own format
    return this.machine.command('dpkg-query', '-W', '-f', '${db:Status-Status} ${Version}', name);
  }

  async configured(name: string): Promise<number> {
    return (await this.machine.read(`/var/lib/${name}-runs`)).trim().split('\n').length;
  }

  async hold(name: string): Promise<void> {
    await this.machine.command('mkfifo', `${GATES}/${name}`);
  }

  async held(name: string): Promise<void> {
    await waitFor(
      `${name} to be in the middle of its configuration`,
      async () => ((await this.machine.inside('test', ['-e', `${GATES}/${name}.held`])).exitCode === 0 ? true : null),
      DEADLINE_MS,
      () => 'nothing',
    );
  }

  async letGo(name: string): Promise<void> {
    await this.machine.command('sh', '-c', `echo go > ${GATES}/${name}`);
  }

  async forget(name: string): Promise<void> {
    await rm(join(this.machine.disk, GATES, name));
  }
}
