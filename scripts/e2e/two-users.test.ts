// Root starts the agent: what holds the connection is then another process of another user, and so is what downloads. The whole path
// from approval to proven result goes over the line between them, with the real apt; and each folder has the owner that the table says.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { RunResult } from '@selvage/shared/model/result.ts';
import { needs } from '@selvage/shared/testing/needs.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FOLDERS } from '../../agent/commands/ownership.ts';
import { ask, documentOf, succeeded } from '../lab/commands.ts';
import type { DebSpec } from '../lab/deb.ts';
import { ordinaryUser } from '../lab/ordinary-user.ts';
import { agentProgram } from '../lab/program.ts';
import { makeRepository } from '../lab/repository.ts';
import { makeSandbox, type Sandbox } from '../lab/sandbox.ts';
import { type ServedRepository, serveRepository } from '../lab/serving.ts';
import { waitFor } from '../lab/waiting.ts';
import { makeCollector, type RealCollector, type TokenDocument } from './testing/collector.ts';
import { type Daemon, startDaemon } from './testing/daemon.ts';
import { run } from './testing/host.ts';

const PARTS = ['dpkg-deb', 'apt-ftparchive', 'gpg', 'gpgv', 'apt-get', 'busybox-static', 'unshare', 'setpriv'] as const;
const DEADLINE_MS = 120_000;
const isRoot = process.getuid?.() === 0;
const ROOT = 0;
const NOBODY = 65_534;
const POLICY = `kind: PatchPolicy
name: servers
select: { labels: { tier: [e2e] } }
allow: { from: [security] }
lanes:
  urgent: { approve: manual, delay: 0h, window: any, rings: [{ rest: true }] }
`;
const top = temporaryFolder('two-users');
const state = join(top, 'state');
const OLD: DebSpec = { name: 'widget', version: '1.0' };
const NEW: DebSpec = { name: 'widget', version: '2.0', suite: 'bookworm-security' };

needs(PARTS, 'when root starts the agent', () => {
  describe.runIf(isRoot)('on a host with the real apt', () => {
    let collector: RealCollector;
    let archive: ServedRepository;
    let sandbox: Sandbox;
    let agent: Daemon;
    let call: (args: readonly string[]) => { file: string; args: readonly string[]; env: Record<string, string> };

    beforeAll(async () => {
      chmodSync(top, 0o755);
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
      const { node, entry } = await agentProgram(run, ordinaryUser(), join(top, 'program'));
      const settings = join(top, 'settings.json');
      const facts = { mode: 'managed', labels: { tier: 'e2e' }, stateDir: state, root: sandbox.root, user: 'nobody' };
      writeFileSync(settings, JSON.stringify(facts), { mode: 0o644 });
      call = (args) => ({ file: node, args: [entry, '--settings', settings, ...args], env: { HOME: '/root' } });
      const made = await collector.selvage(['token', 'create', '--host', 'lab-1', '--json']);
      const { token, pin } = documentOf<TokenDocument>(made);
      // What an earlier version left, when both halves were root: it is handed over.
      for (const name of ['policy/metadata', 'outbox']) mkdirSync(join(state, name), { recursive: true });
      writeFileSync(join(state, 'policy/metadata/old.json'), '{}');
      writeFileSync(join(state, 'wake'), '1\n');
      const contact = ['--collector', collector.gateway, '--pin', pin, '--token', token, '--name', 'lab-1'];
      succeeded(await ask(run, call(['enroll', ...contact]), 'enroll'));
      agent = startDaemon(call(['connect', '--with-runner']));
      await agent.line(/^connected to collector/);
    });
    afterAll(async () => {
      await agent?.kill('SIGTERM');
      await archive?.close();
    });
    const page = async () =>
      documentOf<{ host: { security: number | null }; results: { result: RunResult }[] }>(
        await collector.selvage(['host', 'show', 'lab-1', '--json']),
      );
    const owner = (path: string) => lstatSync(join(state, path)).uid;

    it('the process with the connection is the user of the settings, wholly and for good', () => {
      const online = childrenOf(agent.pid).filter((pid) => hasInternetSocket(pid));
      for (const pid of online) expect(statusOf(pid, 'Uid')).not.toContain(`${ROOT}`);
      const connector = connectorOf(agent);

      expect(online).toContain(connector);
      expect(statusOf(connector, 'Uid')).toEqual(Array(4).fill(`${NOBODY}`));
      expect(statusOf(connector, 'Gid')).toEqual(Array(4).fill(`${NOBODY}`));
      expect(statusOf(connector, 'Groups')).toEqual([]);
      for (const set of ['CapEff', 'CapPrm', 'CapInh', 'CapAmb'])
        expect(statusOf(connector, set)).toEqual(['0'.repeat(16)]);
      expect(statusOf(connector, 'NoNewPrivs')).toEqual(['1']);
    });

    it('the one that stays root has no socket but the pipes to its children', () => {
      expect(statusOf(agent.pid, 'Uid')).toEqual(Array(4).fill(`${ROOT}`));
      expect(socketsOf(agent.pid)).toEqual([]);
    });

    it('inventory, approval, fetch, installation and proof go over the line', async () => {
      await waitFor(
        'the inventory',
        async () => ((await page()).host.security === 1 ? true : null),
        DEADLINE_MS,
        () => agent.lines,
      );
      const file = join(top, 'policy.yaml');
      writeFileSync(file, POLICY);
      succeeded(await collector.selvage(['policy', 'push', file]));
      succeeded(await collector.selvage(['fix', 'approve', 'widget@2.0', '--policy', 'servers', '--lane', 'urgent']));
      const result = await waitFor(
        'the result',
        async () => (await page()).results.find((item) => item.result.outcome === 'installed')?.result ?? null,
        DEADLINE_MS,
        () => agent.lines,
      );

      expect(result.evidence?.packages).toMatchObject([{ name: 'widget', version: '2.0', state: 'installed' }]);
      expect((await sandbox.versions()).get('widget')).toBe('2.0');
      // The host looks different now: a new inventory says so, also over the line.
      await waitFor('the new inventory', async () => ((await page()).host.security === 0 ? true : null), DEADLINE_MS);
    });

    it.each(FOLDERS)(
      '“$path” of the state folder is of $owner, and all in it of its one writer',
      ({ path, owner: who, mode }) => {
        const uid = who === 'root' ? ROOT : NOBODY;
        expect(existsSync(join(state, path)) ? owner(path) : uid).toBe(uid);
        if (!existsSync(join(state, path))) return;
        expect((lstatSync(join(state, path)).mode & 0o777).toString(8)).toBe(mode.toString(8));
        if (path === '') {
          const known: readonly string[] = FOLDERS.map((row) => row.path);
          expect(readdirSync(state).filter((name) => !known.includes(name))).toEqual([]);
        } else if (path !== 'lists' && path !== 'runner') {
          expect(strangersIn(join(state, path), uid)).toEqual([]);
        }
      },
    );

    it('the secrets of the runner are root’s alone; what it tells can be read', () => {
      for (const name of ['key.pem', 'journal.json', 'accepted', 'reported.json']) {
        if (!existsSync(join(state, 'runner', name))) continue;
        expect((lstatSync(join(state, 'runner', name)).mode & 0o077).toString(8)).toBe('0');
      }
      const apart = ['apt'];
      for (const name of readdirSync(join(state, 'runner'))) {
        if (!apart.includes(name)) expect(strangersIn(join(state, 'runner', name), ROOT)).toEqual([]);
      }
    });

    it('a person sees it all with status, and fetch typed by root is done by the user', async () => {
      expect(succeeded(await ask(run, call(['status']), 'status')).stdout).toMatch(/^connected {4}since/m);
      rmSync(join(state, 'packages'), { recursive: true });
      succeeded(await ask(run, call(['fetch']), 'fetch'));

      expect(owner('packages')).toBe(NOBODY);
    });

    it('the connector that is killed ends alone at first, and with root’s process ends at once', async () => {
      const connector = connectorOf(agent);
      await agent.kill('SIGKILL');
      await waitFor('the connector to end', async () => (existsSync(`/proc/${connector}`) ? null : true), DEADLINE_MS);

      agent = startDaemon(call(['connect', '--with-runner']));
      await agent.line(/^connected to collector/);
      await agent.kill('SIGTERM');
      expect(childrenOf(agent.pid)).toEqual([]);
    });

    it('settings that others may change, or a state folder of theirs, stop it before anything is done', async () => {
      const settings = join(top, 'settings.json');
      chmodSync(settings, 0o666);
      const open = await ask(run, call(['connect', '--once']), 'connect');
      expect(open.stderr).toMatch(/^error FILE_UNSAFE: /m);
      chmodSync(settings, 0o644);
      await run({ file: 'chown', args: ['nobody', state], deadlineMs: DEADLINE_MS, check: true });
      const foreign = await ask(run, call(['connect', '--once']), 'connect');
      expect(foreign.stderr).toMatch(/^error FILE_UNSAFE: /m);
    });
  });
});

function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => statusOf(Number(name), 'PPid')[0] === `${pid}`)
    .flatMap((name) => [Number(name), ...childrenOf(Number(name))]);
}

function statusOf(pid: number | undefined, field: string): readonly string[] {
  const text = textOf(`/proc/${pid}/status`);

  return (new RegExp(`^${field}:[\\t ]*(.*)$`, 'm').exec(text)?.[1] ?? '').split(/\s+/).filter((word) => word !== '');
}

/** The connector is what Node runs for the user of the settings, and not for a moment only. */
function connectorOf(agent: Daemon): number {
  const found = childrenOf(agent.pid).find((pid) =>
    /selvage-resident|connect --supervised/.test(textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')),
  );
  if (found === undefined) throw new Error(`no connector:\n${agent.lines.join('\n')}`);

  return found;
}

/** Inode numbers of the sockets that a process has open; what Node calls a pipe is a nameless one. */
function socketsOf(pid: number): readonly string[] {
  const before = links(pid);
  const unix = textOf('/proc/net/unix');
  // One that was opened or closed meanwhile may be missing in the list.
  const stayed = links(pid).filter((inode) => before.includes(inode));

  return stayed.filter((inode) => !new RegExp(` ${inode}( |$)`, 'm').test(unix));
}

function hasInternetSocket(pid: number): boolean {
  const open = `${textOf('/proc/net/tcp')}${textOf('/proc/net/tcp6')}`;

  return links(pid).some((inode) => new RegExp(` ${inode} `).test(open));
}

function links(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      const match = /^socket:\[(\d+)\]$/.exec(readLink(`/proc/${pid}/fd/${fd}`));

      return match?.[1] ?? [];
    });
  } catch {
    // It has ended in between.
    return [];
  }
}

function strangersIn(path: string, uid: number): readonly string[] {
  const facts = lstatSync(path, { throwIfNoEntry: false });
  // The agent is at work: what was there a moment ago is replaced or done.
  if (facts === undefined) return [];
  const inner = facts.isDirectory() ? namesIn(path).flatMap((name) => strangersIn(join(path, name), uid)) : [];

  return facts.uid === uid ? inner : [path, ...inner];
}

function namesIn(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    // Removed in between.
    return [];
  }
}

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Closed in between.
    return '';
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // It has ended in between.
    return '';
  }
}
