// The agent is killed (SIGKILL) at the two worst moments, in a system with the real apt: while an inventory is taken, and
// while a maintainer script runs. Afterwards nothing is lost, nothing is done twice, and the same approval does nothing more.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { documentOf, succeeded } from '../lab/commands.ts';
import type { DebSpec } from '../lab/deb.ts';
import { makeRepository } from '../lab/repository.ts';
import { makeSandbox, type Sandbox } from '../lab/sandbox.ts';
import { type ServedRepository, serveRepository } from '../lab/serving.ts';
import { waitFor } from '../lab/waiting.ts';
import { makeCollector, type RealCollector } from './testing/collector.ts';
import { enroll, makeHost, type RealHost, run } from './testing/host.ts';
import { idOf } from './testing/report.ts';

const PARTS = ['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'busybox-static', 'unshare'] as const;
const DEADLINE_MS = 120_000;
const top = temporaryFolder('agent-killed');
/** Says that it runs, counts it, and waits for a word on a FIFO where there is one. */
const SLOW =
  'echo run >> /var/lib/widget-runs\nif [ -p /tmp/gate ]; then touch /tmp/started; read word < /tmp/gate; fi';
const OLD: DebSpec = { name: 'widget', version: '1.0' };
const NEW: DebSpec = { name: 'widget', version: '2.0', suite: 'bookworm-security', scripts: { postinst: SLOW } };
const POLICY = `kind: PatchPolicy
name: servers
select: { labels: { tier: [e2e] } }
allow: { from: [security] }
lanes:
  urgent: { approve: manual, delay: 0h, window: any, rings: [{ rest: true }] }
`;

needs(PARTS, 'when the agent is killed', () => {
  let collector: RealCollector;
  let archive: ServedRepository;
  let sandbox: Sandbox;
  let host: RealHost;
  beforeAll(async () => {
    collector = await makeCollector();
    await collector.serve();
    const repository = await makeRepository({ folder: join(top, 'archive'), run, packages: [NEW] });
    archive = await serveRepository(repository);
    sandbox = await makeSandbox({
      folder: join(top, 'host'),
      run,
      repositories: [repository],
      uris: new Map([[repository, archive.url]]),
      installed: [OLD],
    });
    host = await makeHost({ name: 'lab-1', folder: sandbox.folder });
    await enroll(collector, host);
  });
  afterAll(async () => {
    for (const pid of processesOf(sandbox.folder)) kill(pid);
    await archive.close();
  });

  const page = async () =>
    documentOf<{
      host: { inventoryAt: string | null; packages: number | null; upgradable: number | null; security: number | null };
      results: { result: RunResult }[];
    }>(await collector.selvage(['host', 'show', 'lab-1', '--json']));
  const pass = async () => documentOf<{ results: RunResult[] }>(await host.runner(['run', '--json'])).results;
  const versionOf = async () => (await sandbox.versions()).get('widget');
  const timesConfigured = () =>
    readFileSync(join(sandbox.root, 'var/lib/widget-runs'), 'utf8').trim().split('\n').length;

  it('while it takes an inventory: nothing half is sent or kept, and the next one is whole', async () => {
    archive.answer('hang');
    const agent = host.start(['connect']);
    await agent.line(/^connected to collector/);
    await waitFor('the lists to be asked for', async () => archive.requests[0] ?? null, DEADLINE_MS);
    await agent.kill('SIGKILL');
    // What it started has ended with it: the child, and the apt-get that hung.
    await waitFor(
      'its children to end',
      async () => (processesOf(sandbox.folder).length === 0 ? true : null),
      DEADLINE_MS,
    );

    expect((await page()).host).toMatchObject({ inventoryAt: null, packages: null, upgradable: null, security: null });

    archive.answer('ok');
    succeeded(await host.agent(['inventory', '--refresh']));
    succeeded(await host.agent(['connect', '--once']));
    expect((await page()).host).toMatchObject({ packages: 1, upgradable: 1, security: 1 });
  });

  it('while a package is configured: it is proven and reported once, whatever was killed with it', async () => {
    const file = join(top, 'policy.yaml');
    writeFileSync(file, POLICY);
    succeeded(await collector.selvage(['policy', 'push', file]));
    succeeded(await collector.selvage(['fix', 'approve', 'widget@2.0', '--policy', 'servers', '--lane', 'urgent']));
    const gate = join(sandbox.root, 'tmp/gate');
    const started = join(sandbox.root, 'tmp/started');
    execFileSync('mkfifo', ['-m', '0666', gate]);
    await host.handOver();
    const agent = host.start(['connect', '--with-runner']);
    await waitFor(
      'the maintainer script',
      async () => (existsSync(started) ? true : null),
      DEADLINE_MS,
      () => agent.lines,
    );
    await agent.kill('SIGKILL');
    for (const pid of processesOf(sandbox.folder)) kill(pid);
    rmSync(gate);
    expect(await versionOf()).not.toBe('2.0');
    // A pass that comes while the kernel still clears up finds the transaction alive, and waits.
    const told = await waitFor('the repair', async () => (await pass())[0] ?? null, DEADLINE_MS);
    expect(told).toMatchObject({
      outcome: 'installed',
      evidence: { packages: [{ version: '2.0', state: 'installed' }] },
    });
    expect(timesConfigured()).toBe(2);

    const again = host.start(['connect', '--with-runner']);
    const installed = async () => (await page()).results.filter(({ result }) => result.outcome === 'installed');
    await waitFor(
      'the result',
      async () => ((await installed()).length > 0 ? true : null),
      DEADLINE_MS,
      () => again.lines,
    );
    await again.kill('SIGTERM');
    expect(await installed()).toHaveLength(1);
    const numbers = (await page()).results.map(({ result }) => result.number);
    expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, index) => index + 1));
    const recorded = await collector.withStore((store) => store.read.results.ofHost(idOf(host), 100));
    expect(recorded.filter(({ result }) => result.outcome === 'installed')).toHaveLength(1);
  });

  it('and afterwards the same approval does nothing more, also when somebody installs the old version again', async () => {
    expect(await pass()).toEqual([]);
    await sandbox.dpkgInstall([OLD]);
    const before = timesConfigured();

    expect(await pass()).toEqual([]);
    expect(await versionOf()).toBe('1.0');
    expect(timesConfigured()).toBe(before);
    expect((await host.agent(['plan'])).stdout).toMatch(/installed already/);
  });
});

/** Running processes whose command line or environment names the folder, and the word where one is given. */
function processesOf(folder: string, word = ''): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => {
      const command = textOf(`/proc/${pid}/cmdline`);

      return `${command}${textOf(`/proc/${pid}/environ`)}`.includes(`${folder}/`) && command.includes(word);
    })
    .map(Number);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').replaceAll('\0', ' ');
  } catch {
    // It has ended in between.
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It ended in between.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
