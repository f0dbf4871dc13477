// `npm start -- --once --json` as a stranger runs it: real collector, real agent, real apt on a sandboxed system whose
// archive is served on loopback, and once on this machine without any network.
import { createHash } from 'node:crypto';
import { accessSync, chmodSync, constants, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeRepository, type Repository } from '../lab/repository.ts';
import { makeSandbox } from '../lab/sandbox.ts';
import { type ServedRepository, serveRepository } from '../lab/serving.ts';
import { homeFor, run, START_DEADLINE_MS, start } from './testing/start-lab.ts';

describe('when the options are wrong', () => {
  it.each([[['--json']], [['--wrong']]])('%s ends with 2 and says what is right', async (args) => {
    const ended = await start(args, join(temporaryFolder('start'), 'home'));

    expect(ended).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error USAGE: .+\nnext: .+\n$/),
    });
  });
});

needs(
  ['busybox-static', 'apt-ftparchive', 'dpkg-deb', 'gpg', 'gpgv', 'apt-get', 'unshare', 'setpriv'],
  'a whole pass',
  () => {
    let repository: Repository;
    let server: ServedRepository;
    let home: string;
    let first: { collector: { url: string }; host: Record<string, unknown>; timings: Record<string, number> };

    beforeAll(async () => {
      const folder = temporaryFolder('start-lab');
      chmodSync(folder, 0o755);
      repository = await makeRepository({
        folder: join(folder, 'archive'),
        run,
        packages: [
          { name: 'widget', version: '1.1-1', suite: 'bookworm-security' },
          { name: 'gadget', version: '2.1-1' },
          { name: 'trinket', version: '0.9-1' },
        ],
      });
      server = await serveRepository(repository);
      const sandbox = await makeSandbox({
        folder: join(folder, 'system'),
        run,
        repositories: [repository],
        uris: new Map([[repository, server.url]]),
        installed: [
          { name: 'widget', version: '1.0-1' },
          { name: 'gadget', version: '2.0-1' },
          { name: 'trinket', version: '0.9-1' },
        ],
      });
      home = await homeFor(sandbox.root);
      const ended = await start(['--once', '--json'], home);
      expect(ended).toMatchObject({ code: 0 });
      first = JSON.parse(ended.stdout);
    }, START_DEADLINE_MS);

    afterAll(() => server?.close());

    it('prints one document that says what is on the host', () => {
      expect(first).toEqual({
        collector: { url: expect.stringMatching(/^wss:\/\//) },
        host: {
          id: expect.stringMatching(/^[0-9a-f-]{36}$/),
          hostname: expect.any(String),
          os: { id: 'debian', version: '12' },
          kernel: { running: expect.any(String), installed: [] },
          packages: 3,
          upgradable: 2,
          held: 0,
          phased: 0,
          security: 1,
          packageLists: { asOf: expect.stringMatching(/^\d{4}-/), stale: [] },
          rebootRequired: false,
          staleProcesses: expect.any(Number),
        },
        findings: { immediate: 0, outOfCycle: 0, scheduled: 0, defer: 0, unknown: 0 },
        fixes: [expect.objectContaining({ id: 'widget@1.1-1', decision: 'unknown', closes: 0, machines: 1 })],
        feeds: expect.arrayContaining([
          { name: 'osv-debian', asOf: expect.stringMatching(/^\d{4}-/), records: expect.any(Number) },
        ]),
        timings: expect.objectContaining({ totalMs: expect.any(Number) }),
      });
    });

    it(
      'resumes with the same identity',
      async () => {
        const again = JSON.parse((await start(['--once', '--json'], home)).stdout);

        expect(again.host.id).toBe(first.host.id);
        expect(again.host.upgradable).toBe(2);
      },
      START_DEADLINE_MS,
    );

    it('keeps private keys private', () => {
      const names = readdirSync(home, { recursive: true, withFileTypes: true });
      const keys = names.filter((entry) => entry.isFile() && /key/.test(entry.name) && !/pub/.test(entry.name));

      expect(keys.length).toBeGreaterThan(2);
      for (const key of keys) {
        const path = join(key.parentPath, key.name);
        expect([path, statSync(path).mode & 0o077]).toEqual([path, 0]);
      }
    });

    it(
      'refuses a second collector on the same state, and nothing is lost',
      async () => {
        const both = await Promise.all([start(['--once', '--json'], home), start(['--once', '--json'], home)]);
        const codes = both.map(({ code }) => code).sort();

        expect(codes[0]).toBe(0);
        for (const { code, stderr } of both) if (code !== 0) expect(stderr).toMatch(/error [A-Z_]+: .+\nnext: /);
        expect(JSON.parse((await start(['--once', '--json'], home)).stdout).host.id).toBe(first.host.id);
      },
      START_DEADLINE_MS,
    );

    it(
      'says unknown, never 0, when the archive no longer answers and the lists are too old to be believed',
      async () => {
        server.answer('404');
        const settings = join(home, 'agent/settings.json');
        const facts = JSON.parse(readFileSync(settings, 'utf8'));
        writeFileSync(settings, JSON.stringify({ ...facts, lists: { maxAge: '1s', refreshEvery: '1s' } }));
        const { host } = JSON.parse((await start(['--once', '--json'], home)).stdout);

        expect(host).toMatchObject({ upgradable: null, security: null, held: null, phased: null, packages: 3 });
        expect(host.packageLists.stale.length).toBeGreaterThan(0);
        expect(host.packageLists.stale[0]).toEqual({ repository: expect.any(String), reason: expect.any(String) });
      },
      START_DEADLINE_MS,
    );
  },
);

needs(['unshare', 'ip', 'apt-get'], 'this machine without any network', () => {
  it(
    'still says what it knows, and changes nothing on the machine',
    async () => {
      const before = machineState();
      const home = join(temporaryFolder('start'), 'home');
      // Only loopback exists in there.
      const wrap = [
        'unshare',
        '--user',
        '--map-root-user',
        '--net',
        'sh',
        '-c',
        'ip link set lo up && exec "$@"',
        'sh',
      ];
      const ended = await start(['--once', '--json'], home, wrap);

      expect(ended).toMatchObject({ code: 0 });
      const { host } = JSON.parse(ended.stdout);
      expect(host).toMatchObject({ upgradable: null, security: null });
      expect(host.packages).toBeGreaterThan(50);
      expect(host.packageLists.stale.length).toBeGreaterThan(0);
      expect(machineState()).toBe(before);
    },
    START_DEADLINE_MS,
  );
});

/** Hash over what a patch tool could change without being asked: the package database and apt's own lists and caches. */
function machineState(): string {
  const hash = createHash('sha256');
  const visit = (folder: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      hash.update(`${path}\n`);
      // What an ordinary user may not list (partial downloads), he could not have changed either.
      if (entry.isDirectory() && mayList(path)) visit(path);
    }
  };
  for (const folder of ['/var/lib/dpkg', '/var/lib/apt', '/var/cache/apt', '/etc/apt']) visit(folder);

  return hash.update(readFileSync('/var/lib/dpkg/status')).digest('hex');
}

function mayList(folder: string): boolean {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK);

    return true;
  } catch {
    return false;
  }
}
