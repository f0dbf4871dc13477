// The runner opens no internet socket: every system call of a whole installation, its own and of all it starts, is looked at. That the
// look would notice one is shown with a package whose own script opens one.
import { readFileSync, writeFileSync } from 'node:fs';
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
import { makeCollector, type RealCollector } from './testing/collector.ts';
import { enroll, makeHost, type RealHost, run } from './testing/host.ts';

const PARTS = ['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'busybox-static', 'unshare', 'strace'] as const;
const top = temporaryFolder('no-network');
/** A tracer slows everything down. */
const TRACED_MS = 600_000;
const suite = 'bookworm-security';
/** Opens a socket of the internet on purpose, and asks it something. */
const TALKING = '/bin/busybox ifconfig lo || true';
const OLD: readonly DebSpec[] = [
  { name: 'quiet', version: '1.0' },
  { name: 'talking', version: '1.0' },
];
const NEW: readonly DebSpec[] = [
  { name: 'quiet', version: '2.0', suite, scripts: { postinst: 'true' } },
  { name: 'talking', version: '2.0', suite, scripts: { postinst: TALKING } },
];
const POLICY = `kind: PatchPolicy
name: servers
select: { labels: { tier: [e2e] } }
allow: { from: [security] }
lanes:
  urgent: { approve: manual, delay: 0h, window: any, rings: [{ rest: true }] }
`;

needs(PARTS, 'when every system call of the runner is looked at', () => {
  let collector: RealCollector;
  let archive: ServedRepository;
  let sandbox: Sandbox;
  let host: RealHost;
  beforeAll(async () => {
    collector = await makeCollector();
    await collector.serve();
    const repository = await makeRepository({ folder: join(top, 'archive'), run, packages: NEW });
    archive = await serveRepository(repository);
    sandbox = await makeSandbox({
      folder: join(top, 'host'),
      run,
      repositories: [repository],
      uris: new Map([[repository, archive.url]]),
      installed: OLD,
    });
    host = await makeHost({ name: 'lab-1', folder: sandbox.folder });
    await enroll(collector, host);
    succeeded(await host.agent(['inventory', '--refresh']));
    succeeded(await host.agent(['connect', '--once']));
    const file = join(top, 'policy.yaml');
    writeFileSync(file, POLICY);
    succeeded(await collector.selvage(['policy', 'push', file]));
  });
  afterAll(() => archive?.close());

  /** Approves, mirrors, fetches; then the one pass that installs, traced. */
  async function installTraced(
    name: string,
  ): Promise<{ readonly results: RunResult[]; readonly calls: readonly string[] }> {
    succeeded(await collector.selvage(['fix', 'approve', `${name}@2.0`, '--policy', 'servers', '--lane', 'urgent']));
    const agent = host.start(['connect']);
    await agent.line(/^policy \d+ mirrored/);
    await agent.kill('SIGTERM');
    succeeded(await host.agent(['run']));
    succeeded(await host.agent(['fetch']));
    const trace = join(sandbox.temporary, `trace-${name}`);
    const tracer = ['strace', '--follow-forks', '--quiet=all', '--trace=network', `--output=${trace}`] as const;
    const { results } = documentOf<{ results: RunResult[] }>(await host.agent(['run', '--json'], tracer));

    return { results, calls: readFileSync(trace, 'utf8').split('\n') };
  }
  const internet = (calls: readonly string[]) => calls.filter((call) => /\bAF_(INET6?|PACKET|NETLINK)\b/.test(call));

  it(
    'there is no socket of the internet in a whole installation, of the runner or of anything that it starts',
    async () => {
      const { results, calls } = await installTraced('quiet');

      expect(results).toMatchObject([{ outcome: 'installed', fix: { source: 'quiet' } }]);
      expect(internet(calls)).toEqual([]);
      // What was traced are the processes: pipes to children are sockets too.
      expect(calls.filter((call) => call.includes('AF_UNIX')).length).toBeGreaterThan(0);
    },
    TRACED_MS,
  );

  it(
    'and one would be noticed: a package whose own script opens one shows in the same look',
    async () => {
      const { results, calls } = await installTraced('talking');

      expect(results).toMatchObject([{ outcome: 'installed', fix: { source: 'talking' } }]);
      expect(internet(calls).some((call) => call.includes('socket(AF_INET'))).toBe(true);
    },
    TRACED_MS,
  );
});
