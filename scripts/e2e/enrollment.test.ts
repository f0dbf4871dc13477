// Enrollment of many through the real commands and processes: what a token for many brings, what each of its bounds refuses, and
// what happens to hosts that wait, are let in, are replaced and are no more.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Answer, documentOf, succeeded } from '../lab/commands.ts';
import { makeCollector, type RealCollector } from './testing/collector.ts';
import type { Daemon } from './testing/daemon.ts';
import { makeHost, type RealHost } from './testing/host.ts';

/** Settings that leave to enrollment what the host may be used for. */
const OPEN = { mode: undefined, labels: undefined };

interface Made {
  readonly id: string;
  readonly token: string;
  readonly command: string;
}

let collector: RealCollector;
let serving: Daemon;
beforeAll(async () => {
  collector = await makeCollector();
  serving = await collector.serve();
});

const token = async (...options: string[]) =>
  documentOf<Made>(await collector.selvage(['token', 'create', ...options, '--json']));
/** The command as it is printed, without its first word, as a shell would cut it. */
const argsOf = ({ command }: Made) => command.split(' ').slice(1);
const codeOf = ({ exitCode, error }: Answer) => `${exitCode} ${error?.code ?? 'OK'}`;
const fragmentOf = (host: RealHost) => join(host.folder, 'settings.d/50-enroll.json');
const isEnrolled = (host: RealHost) => existsSync(join(host.stateDir, 'identity/enrollment.json'));
const hosts = async (...options: string[]) =>
  documentOf<{ hosts: { id: string; name: string; state: string; owner: string | null; collectorLabels: object }[] }>(
    await collector.selvage(['host', 'list', ...options, '--json']),
  ).hosts;
describe('when two hosts come with the printed command of a token for two', () => {
  let made: Made;
  const names = ['web-1', 'web-2'];
  const all: RealHost[] = [];
  beforeAll(async () => {
    made = await token('--uses', '2', '--mode', 'managed', '--label', 'tier=web', '--cidr', '127.0.0.0/8,::1/128');
    for (const name of names) all.push(await makeHost({ name, settings: OPEN }));
  });

  it('both are enrolled and wait; what the command says is in their own settings', async () => {
    for (const host of all) {
      const { stdout } = succeeded(await host.agent([...argsOf(made), '--name', host.name]));
      expect(stdout).toContain(`selvage host accept ${host.name}`);
      expect(documentOf(await host.agent(['settings']))).toMatchObject({ mode: 'managed', labels: { tier: ['web'] } });
    }

    expect(await hosts()).toMatchObject(
      names.map((name) => ({ name, state: 'pending', collectorLabels: { tier: ['web'] } })),
    );
    const { stdout } = succeeded(await collector.selvage(['token', 'list']));
    expect(stdout).toMatch(new RegExp(`^${made.id} .* 2/2 `, 'm'));
  });

  it('a third is refused, and nothing of its attempt stays: no key, no settings', async () => {
    const third = await makeHost({ name: 'web-3', settings: OPEN });

    expect(codeOf(await third.agent([...argsOf(made), '--name', 'web-3']))).toBe('3 TOKEN_USED');
    expect([isEnrolled(third), existsSync(join(third.folder, 'settings.d')), existsSync(third.stateDir)]).toEqual([
      ...[false, false, false],
    ]);
  });

  it('one that waits reports and gets no policy; accepted, it has it over the connection that is open', async () => {
    const [host] = all;
    if (!host) throw new Error('no host');
    const mirror = join(host.stateDir, 'policy/metadata/timestamp.json');
    const daemon = host.start(['connect']);
    await daemon.line(/^problem HOST_PENDING: /);
    await serving.line(/web-1 sent its inventory/);
    // It is written beside what is printed.
    const status = async () => (await host.agent(['status'])).stdout;
    await expect.poll(status).toMatch(/^wrong {8}HOST_PENDING: .*\n.*selvage host accept web-1/m);
    expect(existsSync(mirror)).toBe(false);

    succeeded(await collector.selvage(['host', 'accept', 'web-1']));
    await daemon.line(/^policy \d+ mirrored/);
    expect(existsSync(mirror)).toBe(true);
    await expect.poll(status).not.toContain('HOST_PENDING');

    const told = daemon.line(/^disconnected: HOST_RETIRED: /);
    succeeded(await collector.selvage(['host', 'retire', 'web-1', '--reason', 'scrapped']));
    await told;
    await daemon.kill('SIGTERM');
    expect(await hosts('--all')).toMatchObject([
      { name: 'web-1', state: 'retired' },
      { name: 'web-2', state: 'pending' },
    ]);
  });

  it('revoking the token sends away who still waits, on request', async () => {
    const { stdout } = succeeded(await collector.selvage(['token', 'revoke', made.id]));
    expect(stdout).toMatch(
      /1 hosts that came by it still wait .*web-2\nnext: selvage token revoke \S+ --reject-pending/,
    );
    succeeded(await collector.selvage(['token', 'revoke', made.id, '--reject-pending']));

    expect(await hosts()).toEqual([]);
  });
});

describe('when a token does not let a host in', () => {
  it.each<[string, string, readonly string[], Readonly<Record<string, unknown>>]>([
    ['another network', '3 TOKEN_WRONG_ADDRESS', ['--cidr', '10.20.0.0/16'], OPEN],
    ['settings that say more than it allows', '3 TOKEN_WRONG_MODE', ['--mode', 'observe'], { mode: 'managed' }],
  ])('%s: %s, and nothing is there afterwards', async (_what, code, options, settings) => {
    const host = await makeHost({ name: 'db-1', settings });
    const { token: secret } = await token('--uses', '9', ...options);
    const contact = ['enroll', '--collector', collector.gateway, '--pin', collector.pin, '--token', secret];

    expect(codeOf(await host.agent([...contact, '--name', 'db-1']))).toBe(code);
    expect([isEnrolled(host), existsSync(fragmentOf(host))]).toEqual([false, false]);
  });

  it('settings that say less than the command are not widened by it', async () => {
    const host = await makeHost({ name: 'db-1', settings: { mode: 'observe' } });
    const made = await token('--uses', '9', '--mode', 'managed');

    expect(codeOf(await host.agent(argsOf(made)))).toBe('2 SETTINGS_INVALID');
    expect([isEnrolled(host), existsSync(fragmentOf(host))]).toEqual([false, false]);
  });

  it('enrolled already, with the same collector: --if-needed ends well and changes nothing', async () => {
    const host = await makeHost({ name: 'db-3', settings: OPEN });
    const made = await token('--host', 'db-3', '--label', 'tier=db');
    succeeded(await host.agent(argsOf(made)));
    const before = readFileSync(fragmentOf(host), 'utf8');
    const again = succeeded(await host.agent([...argsOf(made), '--if-needed', '--mode', 'managed']));

    expect(again.stdout).toContain('already enrolled as db-3');
    expect(again.stderr).toContain('--mode managed counts at enrollment only');
    expect(readFileSync(fragmentOf(host), 'utf8')).toBe(before);
    expect(codeOf(await host.agent([...argsOf(made), '--mode', 'managed']))).toBe('1 ALREADY_ENROLLED');
    expect(readFileSync(fragmentOf(host), 'utf8')).toBe(before);
  });
});

describe('when a machine is installed anew', () => {
  it('its name is refused with the way out, which gives it its place; the old one is retired', async () => {
    const [old] = await hosts();
    succeeded(await collector.selvage(['host', 'owner', 'db-3', 'ann@example.org']));
    succeeded(await collector.selvage(['host', 'label', 'db-3', 'zone=a', 'rack=7']));
    const anew = await makeHost({ name: 'db-3', settings: OPEN });
    const plain = await anew.agent(argsOf(await token('--host', 'db-3')));
    expect(codeOf(plain)).toBe('3 HOST_NAME_TAKEN');
    expect(plain.error?.next).toContain('selvage token create --host db-3 --replace');

    succeeded(await anew.agent(argsOf(await token('--host', 'db-3', '--replace'))));
    const both = await hosts('--all', '--select', 'name=db-3');
    // Of one name they come by their ids, which are drawn.
    expect([...both].sort((a, b) => (a.state < b.state ? 1 : -1))).toMatchObject([
      { id: old?.id, state: 'retired' },
      { state: 'active', owner: 'ann@example.org', collectorLabels: { rack: ['7'], tier: ['db'], zone: ['a'] } },
    ]);
    const { stdout } = succeeded(await collector.selvage(['host', 'show', 'db-3']));
    expect(stdout).toContain(`it took the place of ${old?.id}`);
    expect(succeeded(await collector.selvage(['host', 'show', old?.id ?? ''])).stdout).toContain(
      'its place was taken by',
    );
  });
});
