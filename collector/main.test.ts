import { chmodSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@selvage/shared/testing/temporary-folder.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OS_SECTION, pendingSample } from './api/testing/inventories.ts';
import { type CollectorLab, collectorLab, type Running } from './cli/testing/collector-lab.ts';

const POLICY = `kind: Window
name: nights
days: [mon, tue]
start: "01:00"
for: 3h
timezone: host
---
kind: PatchPolicy
name: servers
select: { os: linux, labels: { tier: [web] } }
allow: { from: [security] }
lanes:
  scheduled: { approve: manual, delay: 3d, window: nights, rings: [{ rest: true }] }
`;
const FIX = 'openssl@3.0.22-1~deb12u2';
const agent = { version: '0.1.0', mode: 'managed' as const, labels: { tier: ['web'] }, components: [] };
const at = '2026-11-23T10:00:00Z';
const updates = { known: true as const, asOf: at, pending: [pendingSample()] };

describe('when admins work with a served collector', () => {
  const lab: CollectorLab = collectorLab();
  const second = join(temporaryFolder('second'), 'home');
  const reader = join(temporaryFolder('reader'), 'home');
  let running: Running;
  beforeAll(async () => {
    await lab.init();
    await lab.addHost(1, { os: OS_SECTION, agent, updates });
    await lab.addHost(2, { os: OS_SECTION, agent: { ...agent, labels: {} }, updates });
    await lab.addHost(3, {});
    running = await lab.serve();
  });
  afterAll(async () => {
    expect(await running.stop()).toBe(0);
  });

  const login = async (name: string, home: string, options: readonly string[] = []) => {
    const made = (await lab.run(['admin', 'add', name, ...options, '--json'])).json<{ token: string }>();
    const { api, apiPin } = running;

    return lab.run(['login', '--collector', api, '--pin', apiPin, '--token', made.token, '--name', name], { home });
  };

  it('a token comes with the exact command for the second machine', async () => {
    const { stdout, exit } = await lab.run(['token', 'create', '--host', 'web-9', '--expires', '1h']);
    const [, command] = stdout.trimEnd().split('\n\n');

    expect(exit).toBe(0);
    expect(command).toMatch(
      new RegExp(
        `^selvage-agent enroll --collector ${running.gateway} --pin ${running.gatewayPin} --token slv_\\S+ --name web-9$`,
      ),
    );
    const created = (await lab.run(['token', 'create', '--host', 'web-9', '--json'])).json();
    expect(Object.keys(created).toSorted()).toEqual([
      ...['boundTo', 'collector', 'command', 'expiresAt', 'id', 'labels', 'mode', 'networks', 'pin', 'replaces'],
      ...['token', 'uses'],
    ]);
  });

  it('hosts are listed with ? for what is unknown, within the width of the terminal', async () => {
    const { stdout } = await lab.run(['host', 'list']);

    expect(stdout).toContain('3 hosts   0 connected · 2 of 2 known have updates · 1 unknown');
    expect(stdout).toMatch(/^host-1 +debian 12 +managed +down +never +1 +1 +\?$/m);
    expect(stdout).toMatch(/^host-3 +\? +managed +down +never +\? +\? +\?$/m);
    for (const columns of [80, 120]) {
      const shown = (await lab.run(['host', 'list'], { columns })).stdout;
      expect(
        Math.max(
          ...shown
            .split('\n')
            .slice(0, 5)
            .map((line) => line.length),
        ),
      ).toBeLessThanOrEqual(columns);
    }
  });

  it('one host is shown whole', async () => {
    const { stdout } = await lab.run(['host', 'show', 'host-1']);

    expect(stdout).toMatch(/updates +1 \(security 1, held 0, phased 0\)/);
    expect(stdout).toMatch(/^openssl +3\.0\.19-1~deb12u2 +3\.0\.22-1~deb12u2 +security$/m);
    expect((await lab.run(['host', 'show', 'host-1', '--json'])).json()).toMatchObject({
      host: { name: 'host-1', upgradable: 1, packages: null },
      results: [],
    });
    expect(await lab.run(['host', 'show', 'none'])).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('NOT_FOUND'),
    });
  });

  it('a policy with errors is refused with all of them, before anything is asked or signed', async () => {
    const file = lab.file('bad.yaml', POLICY.replace('3h', 'long').replace('manual', 'perhaps'));
    const pushed = await lab.run(['policy', 'push', file]);

    expect(pushed.exit).toBe(2);
    expect(pushed.stderr.split('\n')).toEqual([
      'error DOCUMENT_INVALID: 2 errors in 1 file',
      expect.stringMatching(/^ {2}bad\.yaml:5 {2}Window nights: for {2}a duration/),
      expect.stringMatching(/^ {2}bad\.yaml:13 {2}PatchPolicy servers: lanes\.scheduled\.approve {2}/),
      expect.stringMatching(/^next: /),
      '',
    ]);
    const lost = lab.file('lost.yaml', POLICY.replace('window: nights', 'window: days'));
    for (const verb of ['diff', 'push']) {
      expect(await lab.run(['policy', verb, lost])).toMatchObject({
        exit: 2,
        stderr: expect.stringMatching(/^error DOCUMENT_REFERENCE: PatchPolicy servers: lanes\.scheduled\.window/),
      });
    }
    expect((await lab.run(['policy', 'get', '--json'])).json()).toEqual({ documents: [], selection: null });
  });

  it('a policy is shown, signed and pushed; the same again changes nothing', async () => {
    const file = lab.file('policy.yaml', POLICY);
    const diff = await lab.run(['policy', 'diff', file]);
    expect(diff.stdout).toMatch(/^\+ Window nights\n\+ PatchPolicy servers\n {2}servers selects 1 host: host-1\n/);
    expect(diff.stdout).toContain('not known yet (no inventory): host-3');
    expect(diff.stdout).toMatch(/nights opens \d{4}-\d\d-\d\d 01:00-04:00, /);
    expect((await lab.run(['policy', 'get', '--json'])).json()).toEqual({ documents: [], selection: null });

    expect(await lab.run(['policy', 'push', file])).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('signed with'),
    });
    expect((await lab.run(['policy', 'push', file])).stdout).toMatch(/^nothing would change/);
    await expect.poll(() => running.output()).toContain('new signed policy');
  });

  it('what "get" prints can be pushed again', async () => {
    const file = lab.file('again.yaml', (await lab.run(['policy', 'get'])).stdout);

    expect((await lab.run(['policy', 'diff', file, '--json'])).json()).toMatchObject({
      ...{ added: [], changed: [], removed: [] },
      unchanged: ['PatchPolicy servers', 'Window nights'],
    });
    expect(await lab.run(['policy', 'get', 'Window/nights', '--json'])).toMatchObject({ exit: 0 });
    expect(await lab.run(['policy', 'get', 'none'])).toMatchObject({
      exit: 1,
      stderr: expect.stringContaining('NOT_FOUND'),
    });
  });

  it('a fix is approved by exactly what is shown, signed here, and hosts of the policy are named', async () => {
    const dry = await lab.run(['fix', 'approve', FIX, '--policy', 'servers', '--lane', 'scheduled', '--dry-run']);
    expect(dry.exit).toBe(0);
    expect((await lab.run(['fix', 'list'])).stdout).toMatch(/^openssl@\S+ +security +0\/3 +0 +OPEN$/m);

    const approved = await lab.run([
      ...['fix', 'approve', FIX, '--policy', 'servers', '--lane', 'scheduled', '--expires', '2d'],
      ...['--add', 'libnew=1.0', '--remove', 'libold'],
    ]);
    expect(approved).toMatchObject({ exit: 0, stderr: '' });
    expect(approved.stdout).toContain('    openssl:amd64 3.0.22-1~deb12u2');
    expect(approved.stdout).toContain('    libnew:amd64 1.0');
    expect(approved.stdout).toContain('may remove  libold');
    expect(approved.stdout).toContain('1 of 2 that need it: host-1');
    expect(approved.stdout).toContain('not selected by servers: host-2\n  not known whether they need it: host-3\n');

    const { documents } = (await lab.run(['policy', 'get', '--json'])).json<{ documents: { kind: string }[] }>();
    expect(documents.find(({ kind }) => kind === 'Approval')).toMatchObject({
      ...{ decision: 'approve', policy: 'servers', lane: 'scheduled', removes: ['libold'] },
      packages: [{ name: 'openssl', version: '3.0.22-1~deb12u2', arch: 'amd64' }],
      adds: [{ name: 'libnew', version: '1.0', arch: 'amd64' }],
    });
    expect((await lab.run(['fix', 'list'], { columns: 120 })).stdout).toMatch(/approved +servers\/scheduled, \S+/);
  });

  it('a rejection replaces the approval', async () => {
    const args = [
      'fix',
      'reject',
      FIX,
      '--policy',
      'servers',
      '--lane',
      'scheduled',
      '--reason',
      'breaks us',
      '--json',
    ];

    expect((await lab.run(args)).json()).toMatchObject({ approval: { decision: 'reject', reason: 'breaks us' } });
    expect((await lab.run(['fix', 'list'])).stdout).toContain('rejected');
  });

  it('a second admin logs in from another machine, and signs once the first lets the key count', async () => {
    expect(await login('bob', second)).toMatchObject({ exit: 0 });
    const file = lab.file('bob.yaml', POLICY.replace('delay: 3d', 'delay: 1d'));
    const early = await lab.run(['policy', 'push', file], { home: second });
    expect(early).toMatchObject({
      exit: 2,
      stderr: expect.stringMatching(/^error KEY_UNUSABLE: .*\nnext: .*selvage key trust/),
    });

    const [, publicKey] = /key trust ([0-9a-f]{64})/.exec(early.stderr) ?? [];
    expect(await lab.run(['key', 'trust', String(publicKey)])).toMatchObject({ exit: 0 });
    expect(await lab.run(['policy', 'push', file], { home: second })).toMatchObject({
      exit: 0,
      stdout: expect.stringContaining('lanes.scheduled.delay: 3d → 1d'),
    });
    expect((await lab.run(['key', 'list', '--json'])).json()).toMatchObject({
      threshold: 1,
      keys: [
        { admin: 'ann', here: true },
        { admin: 'bob', here: false, publicKey },
      ],
    });
    expect(await login('bob2', second)).toMatchObject({ exit: 1, stderr: expect.stringContaining('ALREADY_EXISTS') });
  });

  it('a token or pin that is wrong gives nothing and stores no certificate', async () => {
    const made = (await lab.run(['admin', 'add', 'carl', '--json'])).json<{ token: string }>();
    const home = join(temporaryFolder('carl'), 'home');
    const login = (pin: string, token: string, name = 'carl') =>
      lab.run(['login', '--collector', running.api, '--pin', pin, '--token', token, '--name', name], { home });

    expect(await login(running.gatewayPin, made.token)).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('PIN_MISMATCH'),
    });
    expect(existsSync(home)).toBe(false);
    expect(await login(running.apiPin, `${made.token.slice(0, -1)}g`)).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('TOKEN_UNKNOWN'),
    });
    expect(await login(running.apiPin, made.token, 'mallory')).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('TOKEN_WRONG_HOST'),
    });
    expect(existsSync(join(home, 'admin/config.json'))).toBe(false);
    expect(await login(running.apiPin, made.token)).toMatchObject({ exit: 0 });

    // The answer was lost on the way: the same key asks again with the same token.
    rmSync(join(home, 'admin/config.json'));
    expect(await login(running.apiPin, made.token)).toMatchObject({ exit: 0 });
    expect(await lab.run(['host', 'list'], { home })).toMatchObject({ exit: 0 });
  });

  it('a reader reads and may not write', async () => {
    expect(await login('rita', reader, ['--reader'])).toMatchObject({ exit: 0 });
    const as = (...args: string[]) => lab.run(args, { home: reader });

    expect(await as('host', 'list')).toMatchObject({ exit: 0 });
    expect(await as('status')).toMatchObject({ exit: 0, stdout: expect.stringContaining('you are rita (reader)') });
    for (const args of [
      ['token', 'create', '--host', 'x'],
      ['host', 'revoke', 'host-1'],
      ['admin', 'add', 'eve'],
    ]) {
      expect(await as(...args)).toMatchObject({ exit: 3, stderr: expect.stringContaining('error FORBIDDEN') });
    }
  });

  it('a revoked admin is out at once', async () => {
    expect(await lab.run(['admin', 'revoke', 'bob'])).toMatchObject({ exit: 0 });

    expect(await lab.run(['host', 'list'], { home: second })).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('error ADMIN_REVOKED'),
    });
  });

  it('a key that others may read is not used', async () => {
    const key = join(lab.home, 'admin/client.key');
    chmodSync(key, 0o644);
    const listed = await lab.run(['host', 'list']);
    chmodSync(key, 0o600);

    expect(listed).toMatchObject({ exit: 2, stderr: expect.stringMatching(/KEY_UNUSABLE.*\nnext: chmod 600/) });
  });

  it('a host is revoked by name', async () => {
    expect(await lab.run(['host', 'revoke', 'host-2', '--reason', 'sold'])).toMatchObject({ exit: 0 });
    expect((await lab.run(['host', 'list', '--all'])).stdout).toMatch(/^host-2 .*revoked/m);
    await expect.poll(() => running.output()).toContain('host-2 revoked');
  });

  it('the whole ledger verifies, and names who did what', async () => {
    const first = await lab.run(['audit', 'verify']);
    const again = await lab.run(['audit', 'verify', '--json']);

    expect(first).toMatchObject({ exit: 0, stdout: expect.stringMatching(/^ledger whole: \d+ entries/) });
    expect(again.json()).toMatchObject({ ok: true, previous: { sequence: again.json<{ entries: number }>().entries } });
  });
});
