// The bundle is what is shipped: every command of it works from a folder that holds nothing else, against a real collector in a
// process of its own.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRun } from '@selvage/shared/exec/run.ts';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { beforeAll, describe, expect, it } from 'vitest';
import { makeCollector, type RealCollector, type TokenDocument } from '../e2e/testing/collector.ts';
import { startDaemon } from '../e2e/testing/daemon.ts';
import { type Answer, ask, documentOf, succeeded } from '../lab/commands.ts';
import { type Bundled, bundleAgent } from './agent.ts';

const run = createRun(process.env);
/** As root all in one process: the checkout’s Node may lie where no other user can start it. */
const ALONE = process.getuid?.() === 0 ? ['--same-user'] : [];
const COMMANDS = ['connect', 'enroll', 'fetch', 'inventory', 'plan', 'run', 'settings', 'status'];
/** What a resident process may not hold: they are for commands that end. */
const TOO_LARGE =
  /node_modules\/(execa|commander|systeminformation|tuf-js|@tufjs|rrule-temporal|zod\/v4\/classic)\/|zod\/v4\/locales\/(?!index)/;

const folder = temporaryFolder('bundle');
const settings = join(folder, 'settings.json');
let bundled: Bundled;
let collector: RealCollector;

const agent = (args: readonly string[], input?: string): Promise<Answer> =>
  ask(
    run,
    {
      file: process.execPath,
      args: [bundled.entry, '--settings', settings, ...args],
      cwd: folder,
      ...(input === undefined ? {} : { input }),
    },
    `selvage-agent ${args.join(' ')}`,
  );

beforeAll(async () => {
  bundled = await bundleAgent(join(folder, 'program'));
  const root = join(folder, 'root');
  const files = {
    'usr/lib/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
    'etc/machine-id': `${'c'.repeat(32)}\n`,
    'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
    'var/lib/dpkg/status': '',
  };
  for (const path of ['etc/apt', 'usr/lib', 'var/lib/dpkg/info', 'var/lib/dpkg/updates']) {
    mkdirSync(join(root, path), { recursive: true });
  }
  for (const [path, text] of Object.entries(files)) writeFileSync(join(root, path), text);
  writeFileSync(settings, JSON.stringify({ mode: 'managed', stateDir: join(folder, 'state'), root }));
  collector = await makeCollector();
  await collector.serve();
});

describe('when the agent is bundled', () => {
  it('needs nothing beside it, and says in --help what it can do', async () => {
    const help = succeeded(await agent(['--help']));

    expect(readdirSync(folder).sort()).toEqual(['program', 'root', 'settings.json']);
    for (const command of COMMANDS) expect(help.stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  it('the resident connector holds no library that only commands need', () => {
    expect(bundled.resident.inputs.filter((path) => TOO_LARGE.test(path))).toEqual([]);
    expect(bundled.resident.inputs.some((path) => path.includes('node_modules/ws/'))).toBe(true);
  });

  it('takes an inventory, and knows what it is made of', async () => {
    const { sections } = documentOf<{
      sections: Record<string, { ok: boolean; data: { components: readonly { name: string }[] } }>;
    }>(await agent(['inventory', '--json']));

    expect(sections.packages).toEqual({ ok: true, data: [] });
    const names = sections.agent?.data.components.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['node', 'openssl', 'npm:ws', 'npm:zod', 'npm:execa']));
    expect(names).not.toContain('npm:esbuild');
  });

  it('enrolls, sends an inventory once, stays connected as the resident program, and answers status, plan and run', async () => {
    const { token, pin } = documentOf<TokenDocument>(
      await collector.selvage(['token', 'create', '--host', 'bundled', '--json']),
    );
    const contact = ['--collector', collector.gateway, '--pin', pin, '--token', '-', '--name', 'bundled'];
    succeeded(await agent(['enroll', ...ALONE, ...contact], token));
    succeeded(await agent(['connect', '--once', ...ALONE]));
    const host = documentOf<{ inventory: unknown }>(await collector.selvage(['host', 'show', 'bundled', '--json']));
    expect(JSON.stringify(host)).toContain('Debian GNU/Linux 12');

    const resident = startDaemon({
      file: process.execPath,
      args: [bundled.entry, '--settings', settings, 'connect', '--with-runner', ...ALONE],
      env: {},
    });
    await resident.line(/^connected to collector /);
    // The same process has become another program, which cannot write code into its memory.
    const command = readFileSync(`/proc/${resident.pid}/cmdline`, 'utf8').split('\0');
    expect(command).toEqual(expect.arrayContaining(['--jitless', join(folder, 'program/selvage-resident.cjs')]));
    await resident.kill('SIGTERM');
    expect(resident.lines.filter((line) => /Warning|error /.test(line))).toEqual([]);

    for (const command of ['status', 'plan', 'run']) {
      expect((await agent([command, '--json'])).exitCode).toBe(0);
    }
  });
});
